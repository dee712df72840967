// Opens the status page of examples/issuing_server in a headless Chromium, against a server that the test plays: every
// state and fault of it, narrow and wide, dark and light, by the keyboard alone.
// Usage: status_page_test STATUS_HTML [DIRECTORY_FOR_PICTURES]
//        status_page_test --server URL OPERATORS_TOKEN MACHINE PROCESS: a server that runs, and is ended
// Exits 77 where there is no Chromium.
#include "browser_page.hpp"

#include <cstdint>
#include <ctime>
#include <exception>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

namespace {

using devtools::browser_page;
using devtools::page_request;
using devtools::page_response;
namespace json = boost::json;

int failures = 0;

void check(std::string const& what, bool holds, std::string const& seen = {}) {
    if (holds) return;
    std::cout << "FAILED: " << what << '\n';
    if (!seen.empty()) std::cout << "    " << seen << '\n';
    ++failures;
}

json::value rfc3339(std::int64_t from_now) {
    std::time_t const t = std::time(nullptr) + static_cast<std::time_t>(from_now);
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    char out[32];
    return json::string(out, std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

constexpr std::int64_t minute = 60, hour = 60 * minute, day = 24 * hour;
std::string const attack = R"(<img src=x onerror="window.hit=1"><script>window.hit=1</script>)";
std::string const long_name = std::string(150, 'w') + "-machine";
std::string const override_name = "\u202Eenihcam";

json::object machine(std::string_view name, std::string_view state, std::string_view action,
                     json::value next_at, json::value expires_at) {
    return {{"name", name},
            {"state", state},
            {"token_id", "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"},
            {"client_id", "88bf3b6d86161464f6509f7219099e57.access"},
            {"version", 3},
            {"expires_at", std::move(expires_at)},
            {"next_action", action},
            {"next_at", std::move(next_at)}};
}

/// What the played server knows, and how it stands.
struct played_server {
    std::string page;
    std::string token = "operators-token"; ///< empty: asks for none
    json::array machines;
    std::string metrics;
    std::string flaw;                             ///< why it cannot issue tokens
    std::int64_t checked_at = -40;                ///< seconds from now; 0: never
    std::map<std::string, page_response> instead; ///< by path

    page_response respond(page_request const& r) const {
        auto const path = r.url.substr(r.url.find('/', 8));
        if (auto const found = instead.find(path); found != instead.end()) return found->second;
        if (path == "/") return {.body = page};
        auto const given = r.fields.find("Authorization");
        if (path == "/readyz")
            return {.status = flaw.empty() ? 200 : 503,
                    .type = "application/json",
                    .body = flaw.empty()
                                ? R"({"status":"ready"})"
                                : json::serialize(json::object{
                                      {"error", {{"code", "not_ready"}, {"message", flaw}}}})};
        if (!token.empty() && (given == r.fields.end() || given->second != "Bearer " + token))
            return {.status = 401, .type = "application/json", .body = R"({"error":"no"})"};
        if (path == "/metrics") return {.type = "text/plain; version=0.0.4", .body = metrics};
        if (path == "/v1/machines")
            return {.type = "application/json",
                    .body = json::serialize(json::object{
                        {"checked_at", checked_at == 0 ? json::value() : rfc3339(checked_at)},
                        {"machines", machines}})};
        return {.status = 404};
    }

    void populate() {
        machines = {
            machine("build-runner-01", "fresh", "refresh", rfc3339(40 * day), rfc3339(70 * day)),
            machine("build-runner-02", "fresh", "rotate", rfc3339(3 * hour + 20),
                    rfc3339(70 * day)),
            machine("backup-nightly", "fresh", "none", nullptr, nullptr),
            machine("billing-export", "due_for_refresh", "refresh", rfc3339(-30), rfc3339(9 * day)),
            machine("edge-fra-1", "due_for_rotation", "rotate", rfc3339(-2 * hour),
                    rfc3339(90 * day)),
            machine("staging-probe", "disabled", "none", nullptr, rfc3339(12 * day)),
            machine("metrics-relay", "lost", "rotate", rfc3339(5 * minute), rfc3339(20 * day)),
            machine("warehouse-scanner", "expired", "rotate", rfc3339(60), rfc3339(-3 * day)),
            machine("gate-controller", "missing", "none", nullptr, nullptr),
            machine(attack, "fresh", "refresh", rfc3339(50 * day), rfc3339(80 * day)),
            machine(long_name, "fresh", "refresh", rfc3339(50 * day), rfc3339(80 * day)),
            machine(override_name, "fresh", "refresh", rfc3339(50 * day), rfc3339(80 * day)),
        };
        metrics = R"(# HELP issuing_server_issues_total Issues by outcome.
# TYPE issuing_server_issues_total counter
issuing_server_issues_total{outcome="issued"} 1234
issuing_server_issues_total{outcome="already_held"} 98765
issuing_server_issues_total{outcome="<b>failed</b>"} 2
issuing_server_intents{state="open"} 4
issuing_server_intents{state="watched"} 17
issuing_server_strays 1
issuing_server_queue_depth 6
issuing_server_limiter_wait_seconds 1.25
issuing_server_tokens{state="fresh"} 5
issuing_server_request_duration_seconds_bucket{route="PUT /v1/machines/{name}/token",le="0.1"} 10
issuing_server_request_duration_seconds_bucket{route="PUT /v1/machines/{name}/token",le="0.5"} 90
issuing_server_request_duration_seconds_bucket{route="PUT /v1/machines/{name}/token",le="1"} 100
issuing_server_request_duration_seconds_bucket{route="PUT /v1/machines/{name}/token",le="+Inf"} 100
issuing_server_request_duration_seconds_sum{route="PUT /v1/machines/{name}/token"} 21.5
issuing_server_request_duration_seconds_count{route="PUT /v1/machines/{name}/token"} 100
issuing_server_request_duration_seconds_bucket{route="GET machines",le="0.004"} 1000
issuing_server_request_duration_seconds_bucket{route="GET machines",le="+Inf"} 1100
issuing_server_request_duration_seconds_count{route="GET machines"} 1100
issuing_server_api_request_duration_seconds_bucket{operation="create_token",le="0.05"} 10
issuing_server_api_request_duration_seconds_bucket{operation="create_token",le="+Inf"} 10
)";
    }
};

page_response refused_connection() {
    return {.how = page_response::kind::refused};
}

// What the tests ask of any page. It looks 200 times as often, waits 1 s for a response, and its clock can be set forward.
constexpr std::string_view before_the_page = R"js(
const setTimeout0 = setTimeout, timeout0 = AbortSignal.timeout.bind(AbortSignal), now0 = Date.now;
window.ahead = 0;
window.setTimeout = (f, ms) => setTimeout0(f, ms / 200);
AbortSignal.timeout = ms => timeout0(ms / 8);
Date.now = () => now0() + window.ahead;
const shown = e => e.getClientRects().length !== 0 && getComputedStyle(e).visibility === 'visible';
const clipped = e => { for (; e; e = e.parentElement) if (getComputedStyle(e).clipPath === 'inset(50%)') return true; return false; };
const rgba = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length === 3 ? [...m, 1] : m; };
const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const backOf = e => { const layers = []; for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); layers.push(c); if (c[3] === 1) break; }
  return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]); };
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
window.poorContrast = () => {
  const poor = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  for (let n; (n = walk.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION'].includes(e.tagName) || !shown(e) || clipped(e)) continue;
    ++seen;
    const back = backOf(e), c = contrast(over(rgba(getComputedStyle(e).color), back), back);
    if (c < 4.5) poor.add(n.data.trim().slice(0, 30) + ' ' + c.toFixed(2));
  }
  for (const e of document.querySelectorAll('input, select')) {
    if (!shown(e)) continue;
    const s = getComputedStyle(e), back = backOf(e);
    if (contrast(rgba(s.color), back) < 4.5) poor.add(e.id + ' typed text');
    if (contrast(rgba(s.borderTopColor), back) < 3) poor.add(e.id + ' border');
  }
  return seen < 5 ? 'too little text: ' + seen : [...poor].join('; ');
};
window.tooWide = () => {
  const w = document.documentElement.clientWidth, bad = [...document.body.querySelectorAll('*')]
    .filter(e => shown(e) && !clipped(e) && !e.matches('.skip') && (e.getBoundingClientRect().right > w + 0.5 || (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' && !e.matches('input, select'))));
  return (document.documentElement.scrollWidth > w ? 'the page scrolls; ' : '') + bad.map(e => e.tagName + '.' + e.className + '#' + e.id).join(' ');
};
window.reachable = () => [...document.querySelectorAll('a[href], button, input, select')].filter(e => shown(e) && !e.disabled && !clipped(e));
window.nameOf = e => e.id || e.className + ':' + e.textContent;
window.focusFault = () => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect(), around = backOf(e.parentElement);
  if (s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 2) return 'no outline';
  if (contrast(rgba(s.outlineColor), around) < 3) return 'a pale outline';
  return r.bottom <= 0 || r.top >= innerHeight ? 'out of sight' : '';
};
window.textOf = id => document.getElementById(id).innerText.replace(/\u200b/g, '').replace(/\s+/g, ' ').trim();
window.rowNames = () => [...document.querySelectorAll('#rows tr')].map(r => r.querySelector('bdi').textContent);
)js";

class trial {
public:
    trial(std::string const& program, std::string const& html, std::string pictures)
        : page_(program), pictures_(std::move(pictures)) {
        std::ifstream in(html);
        server_.page.assign(std::istreambuf_iterator<char>(in), {});
        check("the page is there", !server_.page.empty(), html);
        page_.play_server([this](page_request const& r) { return server_.respond(r); });
        page_.run_before(before_the_page);
        page_.size(1440, 900);
    }

    int run() {
        struct part {
            char const* name;
            void (trial::*test)();
        };
        for (auto const& [name, test] : {part{"sign-in", &trial::sign_in},
                                         {"states and figures", &trial::states},
                                         {"all that a server sends is text", &trial::text_only},
                                         {"looks", &trial::looks},
                                         {"keyboard", &trial::keyboard},
                                         {"semantics", &trial::semantics},
                                         {"faults", &trial::faults},
                                         {"empty and many", &trial::sizes}}) {
            auto const before = failures;
            try {
                (this->*test)();
            } catch (std::exception const& e) {
                check(name, false, e.what());
            }
            for (auto const& complaint : page_.complaints())
                check("the browser complains of nothing", false, complaint);
            page_.forget_complaints();
            std::cout << (failures == before ? "ok: " : "FAILED: ") << name << std::endl;
        }
        std::set<std::string> asked;
        for (auto const& r : page_.requests())
            asked.insert(r.method + ' ' + r.url);
        check("nothing else is asked of anybody",
              asked == std::set<std::string>{"GET https://issuing.test/",
                                             "GET https://issuing.test/metrics",
                                             "GET https://issuing.test/readyz",
                                             "GET https://issuing.test/v1/machines"},
              [&] {
                  std::string all;
                  for (auto const& one : asked)
                      all += one + ' ';
                  return all;
              }());
        std::cout << failures << " failed\n";
        return failures == 0 ? 0 : 1;
    }

private:
    void open() { page_.open("https://issuing.test/"); }
    // A page that shows the machines, without a token.
    void open_populated() {
        server_.token.clear();
        server_.instead.clear();
        server_.populate();
        open();
        check("the machines are shown",
              await("document.querySelectorAll('#rows tr').length === 12"),
              page_.string("document.body.innerText"));
    }
    bool await(std::string_view expression) { return page_.wait_for(expression); }
    bool await_verdict(std::string const& words) {
        return await("textOf('verdict').includes(" + json::serialize(json::value(words)) + ")");
    }
    std::string text(std::string const& id) { return page_.string("textOf('" + id + "')"); }
    void says(std::string const& id, std::string const& words) {
        auto const seen = text(id);
        check('#' + id + " says: " + words, seen.find(words) != seen.npos, seen);
    }
    void focus(std::string const& id) {
        page_.evaluate("document.getElementById('" + id + "').focus()");
    }
    std::string focused() { return page_.string("nameOf(document.activeElement)"); }
    void picture(std::string const& name) {
        if (!pictures_.empty()) page_.picture(pictures_ + '/' + name + ".png");
    }

    void sign_in() {
        server_.populate();
        open();
        check("a token is asked for", await("!document.getElementById('sign-in').hidden"));
        check("nothing else is shown", page_.holds("document.getElementById('data').hidden && "
                                                   "document.getElementById('verdict').hidden"));
        check("no fault is said before one was made", text("sign-in-error").empty(),
              text("sign-in-error"));
        picture("sign-in");
        focus("token");
        page_.type("not the token");
        page_.press("Enter");
        says("sign-in-error", "no blanks");
        page_.evaluate("document.getElementById('token').value = ''");
        page_.type("wrong");
        page_.press("Enter");
        check("a wrong token is said",
              await("textOf('sign-in-error').includes('refused this token')"));
        check("and the field is ready for another",
              focused() == "token" && page_.holds("document.getElementById('token').value === ''"),
              focused());
        page_.type("operators-token");
        page_.press("Enter");
        check("the right one shows the machines",
              await("document.querySelectorAll('#rows tr').length === 12"));
        check("the focus is on the page", focused() == "refresh", focused());
        auto const kept = "JSON.stringify([location.href, document.cookie, "
                          "Object.entries(localStorage), Object.entries(sessionStorage)])";
        check("the token is in memory only",
              page_.string(kept).find("operators-token") == std::string::npos, page_.string(kept));
        open();
        check("so a reload asks for it again", await("!document.getElementById('sign-in').hidden"));
        focus("token");
        page_.type("operators-token");
        page_.press("Tab");
        page_.press("Space");
        page_.press("Tab");
        page_.press("Enter");
        check("it can be kept for the tab",
              await("document.querySelectorAll('#rows tr').length === 12"));
        open();
        check("then a reload does not ask",
              await("document.querySelectorAll('#rows tr').length === 12"));
        focus("forget");
        page_.press("Enter");
        check("a token is forgotten", await("!document.getElementById('sign-in').hidden"));
        check("with all that it showed",
              page_.holds("!document.body.textContent.includes('build-runner-01')"));
        check("and where it was kept",
              page_.string(kept).find("operators-token") == std::string::npos, page_.string(kept));
        open();
        check("for good", await("!document.getElementById('sign-in').hidden"));
        focus("token");
        page_.type("operators-token");
        page_.press("Enter");
        check("it is shown again", await("document.querySelectorAll('#rows tr').length === 12"));
        server_.instead["/v1/machines"] = {.how = page_response::kind::never};
        auto const asked = page_.requests().size();
        check("a look is under way", await_requests(asked + 3));
        focus("forget");
        page_.press("Enter");
        page_.listen(std::chrono::milliseconds(1200));
        check("what comes of it is not shown",
              page_.holds("!document.getElementById('sign-in').hidden"), text("verdict"));
        server_.instead.clear();
    }

    void states() {
        open_populated();
        says("verdict-title", "2 machines have no working token");
        for (auto const* words :
             {"Missing: \u2068gate-controller\u2069 – deleted",
              "Expired: \u2068warehouse-scanner\u2069 –", "Lost: \u2068metrics-relay\u2069 –",
              "Renewal overdue: \u2068edge-fra-1\u2069.", "1 stray token"})
            says("reasons", words);
        says("tiles", "12 All machines 1 Missing 1 Expired 1 Lost 1 Disabled 1 Rotation due 1 "
                      "Refresh due 6 Fresh");
        check("the worst come first",
              page_.string("rowNames().slice(0, 6).join()") ==
                  "gate-controller,warehouse-scanner,metrics-relay,staging-probe,edge-fra-1,"
                  "billing-export",
              page_.string("rowNames().join()"));
        says("rows", "rotate, 2 h late");
        says("rows", "3 d ago");
        says("next", "edge-fra-1 rotate, 2 h late");
        says("next", "build-runner-02 rotate in 3 h");
        says("work", "Open intents 4 Watched intents 17 Stray tokens 1 Queue 6 Wait for the rate "
                     "limit 1.25 s");
        says("issues", "already held 98,765 issued 1,234");
        says(
            "latency",
            "PUT /machines/{name}/token 300 ms 950 ms 100"); // the 50th of 100 within 0.1 .. 0.5 s, the 99th within 0.5 .. 1 s
        says("latency", "GET machines ≤ 4 ms > 4 ms 1,100");
        says("latency", "Requests to Cloudflare p50 p99 count create token ≤ 50 ms ≤ 50 ms 10");
        says("age", "checked with Cloudflare");
        check("the title of the tab says it, too", page_.string("document.title").find("! ") == 0,
              page_.string("document.title"));
        check("times are by the machine's own calendar, too",
              page_.holds("[...document.querySelectorAll('#rows time')].every(t => "
                          "!isNaN(Date.parse(t.dateTime)) && /^\\d{4}-\\d\\d-\\d\\d "
                          "\\d\\d:\\d\\d$/.test(t.textContent))"));

        server_.machines = {
            machine("a", "fresh", "refresh", rfc3339(2 * day + 60), rfc3339(70 * day)),
            machine("b", "due_for_refresh", "refresh", rfc3339(-60), rfc3339(70 * day))};
        server_.metrics = "issuing_server_strays 0\n";
        check("it looks again by itself", await_verdict("All is well"), text("verdict"));
        says("reasons", "All 2 machines hold a token that works");
        server_.machines = {machine("a", "moved_to_mars", "none", nullptr, nullptr)};
        check("a state that it does not know is said", await_verdict("moved_to_mars"),
              text("verdict"));
        says("tiles", "1 moved_to_mars");
    }

    void text_only() {
        open_populated();
        check("a name that is HTML is shown as it is",
              page_.holds("rowNames().includes(" + json::serialize(json::value(attack)) + ")"),
              page_.string("rowNames().join()"));
        check("a label, too",
              page_.string("textOf('issues')").find("<b>failed</b>") != std::string::npos,
              text("issues"));
        check("nothing of it has run", page_.string("String(window.hit)") == "undefined");
        check("no element came of it",
              page_.holds("!document.querySelector('img, b, #data script')"));
        server_.machines = {
            machine("a", attack, attack, json::string(attack), json::string(attack))};
        check("in each member", await("textOf('tiles').includes('<script>')"), text("tiles"));
        server_.instead["/v1/machines"] = {.status = 500, .body = attack};
        check("a fault's body is not shown", await_verdict("status 500"), text("verdict"));
        check("still nothing has run", page_.string("String(window.hit)") == "undefined");
        check("the browser would refuse it",
              page_.holds("(() => { try { document.body.innerHTML = '<p>'; return false; } catch { "
                          "return true; } })()"));
        page_.forget_complaints(); // of this breach
    }

    void looks() {
        for (auto const* scheme : {"light", "dark"})
            for (int const width : {1440, 1000, 360, 320}) {
                auto const where = std::string(scheme) + '-' + std::to_string(width);
                page_.media(
                    {{"prefers-color-scheme", scheme}, {"prefers-reduced-motion", "reduce"}});
                page_.size(width, 900);
                open_populated();
                check("nothing is too wide: " + where, page_.string("tooWide()").empty(),
                      page_.string("tooWide()"));
                check("contrast: " + where, page_.string("poorContrast()").empty(),
                      page_.string("poorContrast()"));
                check("the page is " + where,
                      page_.holds("(light(backOf(document.body)) < 0.2) === "
                                  "matchMedia('(prefers-color-scheme: dark)').matches") &&
                          page_.holds(std::string("matchMedia('(prefers-color-scheme: ") + scheme +
                                      ")').matches"));
                check("nothing moves where that is not wanted",
                      page_.holds("[...document.querySelectorAll('*')].every(e => "
                                  "getComputedStyle(e).transitionDuration === '0s' && "
                                  "getComputedStyle(e).animationName === 'none')"));
                picture("full-" + where);
                page_.evaluate("document.querySelector('#tiles button:nth-child(4)').click(), "
                               "document.getElementById('refresh').focus()");
                check("contrast of a chosen state: " + where,
                      page_.string("poorContrast()").empty(), page_.string("poorContrast()"));
                server_.token = "operators-token";
                open();
                await("!document.getElementById('sign-in').hidden");
                check("contrast of the form: " + where, page_.string("poorContrast()").empty(),
                      page_.string("poorContrast()"));
                check("its width: " + where, page_.string("tooWide()").empty(),
                      page_.string("tooWide()"));
            }
        page_.media({});
        page_.size(1440, 900);
    }

    // Tab from the top of the page until it comes back; says what was not reached, or not seen.
    void walk(std::string const& where) {
        page_.evaluate("document.activeElement.blur(), window.scrollTo(0, 0)");
        auto const all = page_.string("reachable().map(nameOf).join('\\n')");
        std::set<std::string> left;
        std::istringstream lines(all);
        for (std::string line; std::getline(lines, line);)
            left.insert(line);
        auto const count = left.size();
        check("there is something to reach: " + where, count >= 12, all);
        for (std::size_t i = 0; i != count; ++i) {
            page_.press("Tab");
            check("focus on " + focused() + ": " + where, page_.string("focusFault()").empty(),
                  page_.string("focusFault()"));
            left.erase(focused());
        }
        std::string missed;
        for (auto const& one : left)
            missed += one + ' ';
        check("Tab reaches everything: " + where, left.empty(), missed);
        auto const last = focused();
        page_.press("Tab", true);
        check("and Shift+Tab goes back: " + where, focused() != last, last);
    }

    void keyboard() {
        for (auto const* scheme : {"light", "dark"})
            for (int const width : {1440, 360}) {
                page_.media({{"prefers-color-scheme", scheme}});
                page_.size(width, 900);
                open_populated();
                walk(std::string(scheme) + '-' + std::to_string(width));
            }
        focus("order");
        page_.evaluate("document.getElementById('order').value = 'name', "
                       "document.getElementById('order').dispatchEvent(new Event('change'))");
        check("a narrow page orders by a list", page_.string("rowNames()[1]") == "backup-nightly",
              page_.string("rowNames().join()"));
        page_.media({});
        page_.size(1440, 900);
        open_populated();
        page_.evaluate("document.querySelector('#heads button').focus()");
        page_.press("Enter");
        check("Enter sorts by name", page_.string("rowNames()[1]") == "backup-nightly",
              page_.string("rowNames().join()"));
        check("and the head says so",
              page_.string("document.querySelector('#heads th').getAttribute('aria-sort')") ==
                  "ascending");
        page_.press("Space");
        check("Space turns it round",
              page_.string("document.querySelector('#heads th').getAttribute('aria-sort')") ==
                  "descending");
        check("the last name comes first", page_.string("rowNames()[0]") == override_name,
              page_.string("rowNames().join()"));
        page_.evaluate("document.querySelector('#tiles button:nth-child(3)').focus()");
        page_.press("Space");
        check("a tile chooses its state", page_.string("rowNames().join()") == "warehouse-scanner");
        says("shown", "1 of 12");
        check("it says that it is pressed",
              page_.holds("document.activeElement.getAttribute('aria-pressed') === 'true'"));
        auto const asked = page_.requests().size();
        check("looks go on", await_requests(asked + 6));
        check("and the focus stays",
              page_.holds("document.activeElement.textContent.includes('Expired')"));
        page_.press("Space");
        focus("filter");
        page_.type("RUNNER");
        check("a filter finds names", page_.string("rowNames().length") == "2",
              page_.string("rowNames().join()"));
        page_.type("zzz");
        says("none", "No machine matches the filter.");
        focus("pause");
        page_.press("Enter");
        page_.listen(std::chrono::milliseconds(200));
        auto const before = page_.requests().size();
        page_.listen(std::chrono::milliseconds(600));
        check("a pause holds the looks", page_.requests().size() == before);
        page_.evaluate("window.ahead = 3600e3");
        check("and says that the data is old",
              await("textOf('reasons').includes('old: updates are paused')"), text("verdict"));
        page_.press("Space");
        check("until it is over", await_requests(before + 3));
    }
    bool await_requests(std::size_t count) {
        for (int i = 0; i != 100 && page_.requests().size() < count; ++i)
            page_.listen(std::chrono::milliseconds(20));
        return page_.requests().size() >= count;
    }

    // Nodes of the accessibility tree by their role: what a screen reader is given.
    std::multimap<std::string, std::string> tree() {
        std::multimap<std::string, std::string> found;
        auto const result = page_.call("Accessibility.getFullAXTree");
        for (auto const& node : result.at("nodes").as_array()) {
            if (node.at("ignored").as_bool()) continue;
            auto const* name = node.as_object().if_contains("name");
            auto const value = name == nullptr ? json::value("") : name->at("value");
            found.emplace(node.at("role").at("value").as_string(),
                          value.is_string() ? std::string(value.as_string()) : "");
        }
        return found;
    }
    void semantics() {
        for (int const width : {1440, 360}) {
            page_.size(width, 900);
            open_populated();
            auto const nodes = tree();
            auto const where = ": " + std::to_string(width);
            auto const has = [&](std::string const& role, std::string const& words) {
                auto const [begin, end] = nodes.equal_range(role);
                std::string all;
                for (auto i = begin; i != end; ++i) {
                    if (i->second.find(words) != std::string::npos) return;
                    all += i->second + " | ";
                }
                check("a screen reader is given " + role + ' ' + words + where, false, all);
            };
            has("table", "Machines");
            for (auto const* head : {"Machine", "State", "Next", "Expires", "Version", "Token"})
                has("columnheader", head);
            has("rowheader", "gate-controller");
            has("cell", "Missing");
            has("heading", "Next renewals");
            has("main", "");
            has("banner", "");
            has("status", "");
            has("group", "Show machines of one state");
            has("searchbox", "Filter by name or id");
            check("each row is a row" + where, nodes.count("row") >= 13,
                  std::to_string(nodes.count("row")));
            for (auto const* role : {"button", "searchbox", "combobox", "link", "textbox"})
                for (auto [i, end] = nodes.equal_range(role); i != end; ++i)
                    check(std::string("each ") + role + " has a name" + where, !i->second.empty());
        }
        page_.size(1440, 900);
        check("its language is given", page_.string("document.documentElement.lang") == "en");
        says("announcement", "2 machines have no working token");
        page_.evaluate("window.told = 0, new MutationObserver(() => "
                       "++window.told).observe(document.getElementById('announcement'), "
                       "{childList: true, characterData: true, subtree: true})");
        auto const asked = page_.requests().size();
        check("looks go on", await_requests(asked + 9));
        check("what has not changed is not said again", page_.string("window.told") == "0",
              page_.string("window.told"));
    }

    void faults() {
        open_populated();
        server_.instead["/v1/machines"] = server_.instead["/metrics"] = refused_connection();
        check("a server that is away is said", await_verdict("The server is away"),
              text("verdict"));
        says("reasons", "No connection");
        says("reasons", "What is shown is");
        says("announcement", "The server is away");
        check("what was known is still shown", page_.string("rowNames().length") == "12");
        picture("away");
        server_.instead.clear();
        check("that it is back, too", await_verdict("2 machines have no working token"),
              text("verdict"));
        server_.instead["/v1/machines"] = {.how = page_response::kind::never};
        check("a server that says nothing is away", await_verdict("No response within 8 s"),
              text("verdict"));
        server_.instead["/v1/machines"] = {.status = 503, .body = "busy"};
        check("an error status is said", await_verdict("status 503"), text("verdict"));
        for (auto const* body : {"<html>", "{}", "[]", "null", R"({"machines":7})"}) {
            server_.instead["/v1/machines"] = {.body = body};
            check(std::string("a list that is none is said: ") + body,
                  await_verdict("Its list of machines"), text("verdict"));
            server_.instead.clear();
            check("and the page recovers", await_verdict("2 machines have no working token"),
                  text("verdict"));
        }
        server_.instead["/v1/machines"] = {
            .body =
                R"({"machines":[null,7,{"name":null},{"name":"x","expires_at":"soon","next_at":5}]})"};
        check("members that are wrong are no fault of the page's",
              await("document.querySelectorAll('#rows tr').length === 4"), text("verdict"));
        server_.instead.clear();
        server_.instead["/metrics"] = {.status = 403};
        check("metrics that are missing are said",
              await("textOf('reasons').includes('may not read /metrics')"), text("verdict"));
        says("work", "Open intents –");
        server_.instead["/metrics"] = {.body = "\x01{{{ \n no metrics at all {le=\"} \n"};
        check("metrics that are none are no fault of the page's",
              await("!textOf('reasons').includes('/metrics')"), text("verdict"));
        server_.instead.clear();
        server_.populate();
        server_.machines.resize(3);
        server_.metrics.clear();
        server_.flaw = "store: <i>disk full</i>";
        check("that it cannot issue tokens is said",
              await_verdict("It cannot issue tokens now: store: <i>disk full</i>."),
              text("verdict"));
        says("verdict-title", "The server cannot issue tokens");
        server_.flaw.clear();
        server_.checked_at = -2 * hour;
        check("that it has not looked for long is said",
              await_verdict("has not seen the tokens at Cloudflare for 2 h"), text("verdict"));
        server_.checked_at = -40;
        check("and that it is well again", await_verdict("All is well"), text("verdict"));
        server_.machines.clear();
        server_.checked_at = 0;
        check("that it has not looked yet is said",
              await_verdict("has not looked at its tokens yet"), text("verdict"));
        server_.checked_at = -40;
        server_.populate();
        check("the machines are back", await("textOf('tiles').includes('12 All machines')"),
              text("tiles"));
        server_.token = "changed";
        check("a token that is taken away ends what is shown",
              await("!document.getElementById('sign-in').hidden && "
                    "!document.body.textContent.includes('build-runner-01')"));
        server_.token.clear();
        server_.instead["/v1/machines"] = server_.instead["/metrics"] = refused_connection();
        open();
        check("a server that is away from the start is said", await_verdict("The server is away"),
              text("verdict"));
        check("without data", page_.holds("document.getElementById('data').hidden"));
    }

    void sizes() {
        open_populated();
        server_.machines.clear();
        server_.metrics.clear();
        check("no machine yet is said", await_verdict("No machine has a token yet"),
              text("verdict"));
        says("none", "There is none yet");
        says("next", "Nothing is planned.");
        picture("empty");
        for (int i = 0; i != 60; ++i)
            server_.machines.push_back(machine("machine-" + std::to_string(100 + i), "fresh",
                                               "refresh", rfc3339(day * i + day),
                                               rfc3339(90 * day)));
        check("many are well", await_verdict("All 60 machines"), text("verdict"));
        check("some are shown at first", page_.string("rowNames().length") == "25");
        focus("more");
        page_.press("Enter");
        check("and all where that is asked for", page_.string("rowNames().length") == "60");
        check("the focus is on the first new one",
              page_.string("document.activeElement.textContent") == "machine-125", focused());
        check("where it is seen", page_.string("focusFault()").empty(),
              page_.string("focusFault()"));
        picture("well");
        check("the picture of many", page_.string("tooWide()").empty(), page_.string("tooWide()"));
    }

    browser_page page_;
    std::string pictures_;
    played_server server_;
};

// The page of a server that runs, which has issued a token to this machine.
int try_server(std::string const& chromium, std::string const& url, std::string const& token,
               std::string const& name, pid_t server) {
    browser_page page(chromium);
    page.run_before(before_the_page);
    page.size(1440, 900);
    page.open(url);
    check("the server asks for a token",
          page.wait_for("!document.getElementById('sign-in').hidden"));
    page.evaluate("document.getElementById('token').focus()");
    page.type(token);
    page.press("Enter");
    auto const verdict = [&] { return page.string("document.body.innerText"); };
    check("all is well", page.wait_for("textOf('verdict').includes('All is well')"), verdict());
    check("the machine is there", page.string("rowNames().join()") == name, verdict());
    check("and fresh", page.holds("textOf('rows').includes('Fresh')"), verdict());
    check("its next renewal is planned", page.holds("/refresh in \\d+ d/.test(textOf('next'))"),
          verdict());
    check(
        "its connections are told",
        page.holds("/Connections to Cloudflare, idle . waiting \\d+ . \\d+/.test(textOf('work'))"),
        page.string("textOf('work')"));
    check("no intent is open", page.holds("textOf('work').includes('Open intents 0')"), verdict());
    check("the issue is counted", page.holds("/held|issued|rotated/.test(textOf('issues'))"),
          verdict());
    check("latencies are shown",
          page.holds(
              "/PUT \\/machines.* [\\d.]+ [mµ]?s .*[\\d.]+ [mµ]?s \\d+/.test(textOf('latency'))"),
          verdict());
    auto const field = [&](std::string const& n) {
        return page.string("fetch('/').then(r => r.headers.get('" + n + "') ?? '')");
    };
    check("no other page may frame it",
          field("Content-Security-Policy") == "frame-ancestors 'none'",
          field("Content-Security-Policy"));
    check("it has the server's time",
          page.holds("fetch('/').then(r => Math.abs(Date.parse(r.headers.get('Date')) - "
                     "Date.now()) < 5000)"),
          field("Date"));
    check("nothing is too wide", page.string("tooWide()").empty(), page.string("tooWide()"));
    ::kill(server, SIGKILL);
    check("that it is away is said",
          page.wait_for("textOf('verdict').includes('The server is away')"), verdict());
    for (auto const& complaint : page.complaints())
        check("the browser complains of nothing", false, complaint);
    std::cout << failures << " failed\n";
    return failures == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    auto const chromium = devtools::find_chromium();
    if (chromium.empty() || argc < 2) {
        std::cout << "skipped: no chromium is installed\n";
        return 77;
    }
    try {
        if (argc == 6 && argv[1] == std::string("--server"))
            return try_server(chromium, argv[2], argv[3], argv[4], std::stoi(argv[5]));
        return trial(chromium, argv[1], argc > 2 ? argv[2] : "").run();
    } catch (std::exception const& e) {
        std::cout << "FAILED: " << e.what() << '\n';
        return 1;
    }
}
