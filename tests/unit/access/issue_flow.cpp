// The steps of an issue: each store that refuses, each request that is refused, each wait.
#include <cloudflare/access/issuer.hpp>

#include "issuer_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace issue_flow_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::intent_state;
using issuer_world::harsh, issuer_world::id, issuer_world::other_id, issuer_world::tag;
using waits_of = std::vector<time_point::duration>;

std::string const other_tag(32, '2');

/// Another issue's intent, which holds no key of ours.
access::intent other_intent(harsh const& h, intent_state state = intent_state::open,
                            std::string token_id = {}) {
    auto i = h.holder(h.now);
    i.key = "another";
    i.state = state;
    i.token_id = std::move(token_id);
    return i;
}
/// Another issue's token, which the sink holds under our key.
void hold_other(harsh& h, std::int64_t version = 0) {
    access::issued_service_token token;
    token.id = other_id;
    token.client_id = "d.access";
    if (version != 0) token.client_secret_version = version;
    auto i = h.holder(h.now);
    h.sink.inner.store(i, token).value();
}
http::response response(int status, std::string const& body, char const* field,
                        std::string const& value) {
    http::response r{.status = status};
    r.body = body;
    static_cast<void>(r.fields.add(field, value));
    return r;
}

// The key.

TEST_CASE("what becomes of a held token is decided by the intent of its issue") {
    struct {
        intent_state state;
        bool names_it, is_withdrawn;
    } const cases[] = {
        {intent_state::open, false, false},      {intent_state::open, true, false},
        {intent_state::withdrawing, true, true}, {intent_state::withdrawing, false, true},
        {intent_state::settled, true, false},    {intent_state::settled, false, true}};
    for (auto const& c : cases) {
        CAPTURE(to_string(c.state));
        CAPTURE(c.names_it);
        harsh h;
        hold_other(h);
        h.log.inner.insert(other_intent(h, c.state, c.names_it ? other_id : "")).value();
        if (c.is_withdrawn) h.named().created().named(); // delete, create, rename
        auto const done = h.issue_keyed().value();
        CHECK(done.already_held != c.is_withdrawn);
        CHECK(done.token.id == (c.is_withdrawn ? id : other_id));
        CHECK(done.token.client_id == (c.is_withdrawn ? "c.access" : "d.access"));
        CHECK(h.sent() == (c.is_withdrawn ? "DELETE POST PUT" : ""));
        CHECK(h.sink.inner.stored(other_id).has_value() != c.is_withdrawn);
        CHECK(h.log.all().size() == 1);
    }
}

TEST_CASE(
    "a held token of no issue is given without a look at the log, its version if it has one") {
    for (int const version : {0, 1, 7}) {
        harsh h;
        access::issued_service_token token;
        token.id = "k"; // stored by rotation, under the token's id
        if (version != 0) token.client_secret_version = version;
        h.sink.inner.store(token).value();
        h.log.lists_to_fail = 100;
        auto const done = h.issue_keyed().value();
        CHECK(done.already_held);
        CHECK(done.token.client_secret_version.has_value() == (version != 0));
        CHECK(done.token.client_secret_version.value_or(0) == version);
        CHECK(h.log.lists == 0);
        CHECK(h.log.all().empty());
    }
}

TEST_CASE(
    "where a held token's issue cannot be looked up, or the token not withdrawn, none is made") {
    struct {
        std::string what;
        std::function<void(harsh&)> script;
        errc code;
        std::string sent;
        std::size_t intents;
    } const cases[] = {{"the log cannot be read", [](harsh& h) { h.log.lists_to_fail = 100; },
                        errc::intent_log_failed, "", 0},
                       {"the delete is refused",
                        [](harsh& h) {
                            h.log.inner.insert(other_intent(h, intent_state::settled)).value();
                            h.refused(403);
                        },
                        errc::forbidden, "DELETE", 1},
                       {"the sink cannot forget it",
                        [](harsh& h) {
                            h.log.inner.insert(other_intent(h, intent_state::settled)).value();
                            h.named().sink.forgets_to_fail = 4;
                        },
                        errc::sink_failed, "DELETE", 1}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        harsh h;
        hold_other(h);
        c.script(h);
        auto const e = h.issue_keyed().error();
        CHECK(e == c.code);
        CHECK(e.delivery() == delivery::not_sent);
        CHECK(h.sent() == c.sent);
        CHECK(h.sink.inner.stored(other_id));
        CHECK(h.log.all().size() == c.intents);
    }
}

TEST_CASE("a holder that is young by the server's clock is not settled") {
    harsh h;
    h.log.inner.insert(h.holder(h.now.plus(-15min))).value();
    h.way.respond(response(200, R"({"success":true,"result":[)" + harsh::other + "]}", "Date",
                           "Mon, 23 Nov 2026 23:46:00 GMT"));
    CHECK(h.issue_keyed(access::issue_options().deadline(10s)).error() == errc::conflict);
    CHECK(h.sent() == "GET"); // from then on the time is known
    REQUIRE(h.log.all().size() == 1);
    CHECK(h.log.all()[0] == h.holder(h.now.plus(-15min)));
}

/// A transport some of whose waits end early, as those of a caller that is cancelled do.
struct impatient_transport : testing::scripted_transport {
    explicit impatient_transport(std::function<bool(int)> early)
        : ends_early(std::move(early)), asked(std::make_shared<int>(0)) {}
    task<void> sleep_until(time_point t) {
        if (ends_early((*asked)++)) return nothing();
        return testing::scripted_transport::sleep_until(t);
    }
    static task<void> nothing() { co_return; }

    std::function<bool(int)> ends_early;
    std::shared_ptr<int> asked;
};

TEST_CASE("ten waits for a key in a row that end early mean that the caller was cancelled") {
    struct {
        std::function<bool(int)> early;
        int waits;
    } const cases[] = {{[](int) { return true; }, 10},
                       {[](int n) { return n != 9; }, 20},
                       {[](int n) { return n != 0 && n != 8; }, 19}};
    for (auto const& c : cases) {
        harsh h;
        h.log.inner.insert(h.holder(h.now)).value();
        impatient_transport way(c.early);
        access::issuer issuer(client(way, api_token::make("sample").value()), h.where, h.sink,
                              h.log, access::issue_options().now_from([&] { return h.now; }));
        auto const e = issuer.issue("k", access::create_params("ci")).get().error();
        CHECK(e == errc::cancelled);
        CHECK(e.delivery() == delivery::not_sent);
        CHECK(*way.asked == c.waits);
        CHECK(way.requests().empty());
        REQUIRE(h.log.all().size() == 1);
        CHECK(h.log.all()[0].tag == other_tag);
    }
}

// The create.

TEST_CASE("a version counts as shown only if a list shows it with the token") {
    auto const options = access::issue_options().version_as_witness(true);
    auto const version =
        access::issue_options().random_from([] { return 0x1111111111111111U; }).make_version();
    auto const shown = R"(,"client_secret_version":)" + std::to_string(version);
    auto const later = R"(,"client_secret_version":)" + std::to_string(version + 1);
    struct {
        std::string what;
        std::string list; // empty: refused
        bool is_shown;
    } const cases[] = {
        {"refused", "", false},
        {"another token", harsh::token_json(harsh::tagged, shown, other_id), false},
        {"another version", harsh::token_json(harsh::tagged, later), false},
        {"no version", harsh::token_json(harsh::tagged), false},
        {"both", harsh::other + "," + harsh::token_json(harsh::tagged, shown), true}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        harsh h;
        auto issuer = h.make(options);
        h.respond(harsh::token_json(harsh::tagged, R"(,"client_secret":"s")" + shown));
        if (c.list.empty()) h.refused(403);
        if (!c.list.empty()) h.listed(c.list);
        h.named();
        CHECK(issuer.issue(access::create_params("ci")).get().has_value());
        CHECK(h.sent() == "POST GET PUT");
        h.sink.inner.forget(id).value();
        CHECK(issuer.issue(access::create_params("ci")).get().has_error());
        auto const& body = h.way.requests().at(3).body;
        CHECK((body.find("issue:") == std::string::npos) == c.is_shown);
        CHECK(body.find(std::to_string(version)) != std::string::npos);
    }
}

TEST_CASE("versions that mark tokens are random, and multiples of 16 in their range") {
    auto const of = [](std::uint64_t bits) {
        return access::issue_options().random_from([=] { return bits; }).make_version();
    };
    std::int64_t const least = std::int64_t{1} << 46;
    CHECK(of(0) == least);
    CHECK(of(15) == least);
    CHECK(of(16) == least + 16);
    CHECK(of(0x0000'3fff'ffff'fff0U) == 2 * least - 16);
    CHECK(of(0x0000'4000'0000'0000U) == least);
    CHECK(of(~std::uint64_t{0}) == 2 * least - 16);
}

TEST_CASE("a rate is waited out where the server acted on nothing, said how long, and it fits") {
    struct {
        std::string what;
        int status;
        std::string retry_after;
        std::optional<std::chrono::seconds> waits;
        int code = 971;
    } const cases[] = {{"fits", 429, "300", 300s},
                       {"just fits", 429, "590", 590s},
                       {"ends at the deadline", 429, "600", {}},
                       {"ends behind it", 429, "700", {}},
                       {"no time is said", 429, "", {}},
                       {"another refusal", 400, "10", {}, 1},
                       {"may have acted", 503, "10", {}, 1}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        harsh h;
        auto const body = R"({"success":false,"errors":[{"code":)" + std::to_string(c.code) +
                          R"(,"message":"wait"}]})";
        h.way.respond(c.retry_after.empty()
                          ? response(c.status, body, "X-None", "0")
                          : response(c.status, body, "Retry-After", c.retry_after));
        h.created().named();
        auto const done = h.issue(access::issue_options().settle_window(0s));
        CHECK(done.has_value() == c.waits.has_value());
        CHECK(h.sent() == (c.waits ? "POST POST PUT" : "POST"));
        CHECK(h.way.waits().empty() == !c.waits);
        if (c.waits) CHECK(h.way.waits()[0] == *c.waits); // behind it the limiter's jitter
        CHECK(h.log.all().size() == (c.status == 503 ? 1 : 0));
    }
}

// The search.

/// One look: a list of pages.
void look(harsh& h, std::vector<std::string> const& pages) {
    for (auto const& ids : pages) {
        std::string tokens;
        for (char const c : ids)
            tokens +=
                (tokens.empty() ? "" : ",") + harsh::token_json("somebody's", "", c + id.substr(1));
        auto const count = std::accumulate(
            pages.begin(), pages.end(), std::size_t{0},
            [](std::size_t sum, std::string const& page) { return sum + page.size(); });
        h.way.respond(200, R"({"success":true,"result":[)" + tokens +
                               R"(],"result_info":{"total_count":)" + std::to_string(count) +
                               R"(,"total_pages":)" + std::to_string(pages.size()) + "}}");
    }
}

TEST_CASE("one page proves what it shows, several pages only if two looks show the same") {
    struct {
        std::vector<std::string> first, second;
        bool is_proof;
    } const cases[] = {{{"1"}, {"12"}, true},           {{"12"}, {"12"}, true},
                       {{"1", "2"}, {"1", "2"}, true},  {{"1", "2"}, {"2", "1"}, false},
                       {{"1", "2"}, {"1", "3"}, false}, {{"12"}, {"1", "3"}, false}};
    for (auto const& c : cases) {
        harsh h;
        h.lost();
        look(h, c.first);
        look(h, c.second);
        if (c.is_proof) h.created().named();
        auto const done = h.issue(access::issue_options().settle_window(500ms));
        CHECK(done.has_value() == c.is_proof);
        CHECK((h.sent().find("POST", 1) != std::string::npos) == c.is_proof);
        CHECK(h.way.waits() == waits_of{500ms});
    }
}

TEST_CASE("a look that fails is no end of the search") {
    harsh h;
    h.lost().refused(403).listed(harsh::token_json(harsh::tagged));
    h.created().named(); // rotate, rename
    CHECK(h.issue().has_value());
    CHECK(h.sent() == "POST GET GET POST PUT");
    CHECK(h.way.waits() == waits_of{500ms});
}

TEST_CASE("a fresh secret whose response shows no client id comes with the listed one") {
    harsh h;
    h.lost().listed(harsh::token_json(harsh::tagged));
    h.respond(R"({"id":")" + id + R"(","client_secret":"fresh"})").named();
    CHECK(h.issue().value().token.client_id == "c.access");
    CHECK(h.sink.inner.stored(id)->client_id == "c.access");
    CHECK(h.sink.inner.stored(id)->client_secret.reveal() == "fresh");
}

TEST_CASE("a tag that the server does not keep: the error says whether the token was withdrawn") {
    for (bool const removed : {true, false}) {
        harsh h;
        h.created("ci");
        if (removed) h.named();
        if (!removed) h.refused(403);
        auto const said = h.issue().error().details().explanation;
        CHECK(said.starts_with(
            "the server does not keep the tag in the token's name; the token was " +
            std::string(removed ? "" : "not ") + "withdrawn"));
    }
}

TEST_CASE("a deleted token that a list still shows is not taken for the next create's") {
    harsh h;
    h.lost()
        .listed(harsh::token_json(harsh::tagged))
        .lost()
        .named(); // the fresh secret, the delete
    h.lost().listed(harsh::token_json(harsh::tagged) + "," +
                    harsh::token_json(harsh::tagged, "", other_id));
    h.respond(harsh::token_json(harsh::tagged, R"(,"client_secret":"s")", other_id)).named();
    CHECK(h.issue().value().token.id == other_id);
    CHECK(h.sent() == "POST GET POST DELETE POST GET POST PUT");
    CHECK(h.way.requests()[6].target.find(other_id) != std::string::npos);
    CHECK(h.log.all().empty());
}

TEST_CASE("an issue is watched as long as one of its creates, or a token it made, may be there") {
    struct {
        std::string what;
        std::function<void(harsh&)> script;
        bool is_watched;
    } const cases[] = {
        {"one lost, one found",
         [](harsh& h) { h.lost().listed(harsh::token_json(harsh::tagged)).created().named(); },
         false},
        {"two lost, one found",
         [](harsh& h) {
             h.lost().listed(harsh::other).listed(harsh::other);
             h.lost().listed(harsh::token_json(harsh::tagged)).created().named();
         },
         true},
        {"two lost, two found",
         [](harsh& h) {
             h.lost().listed(harsh::other).listed(harsh::other);
             h.lost().listed(harsh::token_json(harsh::tagged) + "," +
                             harsh::token_json(harsh::tagged, "", other_id));
             h.created().named().named(); // rotate, delete, rename
         },
         false},
        {"two found, one not deleted",
         [](harsh& h) {
             h.lost().listed(harsh::token_json(harsh::tagged) + "," +
                             harsh::token_json(harsh::tagged, "", other_id));
             h.created().refused(403).named();
         },
         true}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        harsh h;
        c.script(h);
        auto const done = h.issue(access::issue_options().settle_window(1ms)).value();
        CHECK(done.token.id == id);
        CHECK_FALSE(done.intent_open);
        auto const all = h.log.all();
        REQUIRE(all.size() == (c.is_watched ? 1 : 0));
        if (!c.is_watched) continue;
        CHECK(all[0].state == intent_state::settled);
        CHECK(all[0].token_id == id);
        CHECK(all[0].until == h.now.plus(30 * 24h));
    }
}

// The stores.

TEST_CASE("a store that is acknowledged is not doubted, and one that kept needs no version") {
    harsh unreadable;
    unreadable.created().named().sink.finds_to_fail = 100;
    CHECK(unreadable.issue().has_value());
    CHECK(unreadable.sink.finds_to_fail == 100);

    harsh kept;
    kept.respond(harsh::token_json(harsh::tagged, R"(,"client_secret":"s3cret")")).named();
    kept.sink.stores_to_fail = 1;
    kept.sink.keeps = true;
    CHECK(kept.issue().has_value());
    CHECK(kept.sink.stores == 1);
}

TEST_CASE("a token that is in the way in the sink is withdrawn only if its issue was given up") {
    for (bool const is_given_up : {true, false}) {
        harsh h;
        if (is_given_up) h.log.inner.insert(other_intent(h, intent_state::settled)).value();
        h.sink.before_store = [&] { hold_other(h, 9); }; // by a process that was stopped
        h.created().named().named();                     // create, delete, rename
        auto const done = h.issue_keyed();
        CHECK(done.has_value() == is_given_up);
        CHECK(h.sent() == (is_given_up ? "POST DELETE PUT" : "POST DELETE"));
        CHECK(h.way.requests()[1].target.ends_with(is_given_up ? other_id : id));
        CHECK(h.sink.inner.stored(other_id).has_value() != is_given_up);
        CHECK(h.sink.inner.stored(id).has_value() == is_given_up);
        CHECK(h.sink.stores == (is_given_up ? 2 : 3));
        CHECK(h.way.waits() == (is_given_up ? waits_of{100ms} : waits_of{100ms, 200ms}));
        if (is_given_up) continue;
        CHECK(done.error() == errc::sink_failed);
        CHECK(done.error().delivery() == delivery::rejected);
    }
}

/// A log whose insert always fails in the same way.
struct refusing_log {
    errc code;
    int inserts = 0;
    result<std::optional<access::intent>> insert(access::intent const&) {
        ++inserts;
        return error(code, "no");
    }
    result<void> update(access::intent const&) { return {}; }
    result<void> erase(access::intent const&) { return {}; }
    result<std::vector<access::intent>> list() { return std::vector<access::intent>(); }
};

TEST_CASE("a store is called four times for what may pass, and once for what does not") {
    struct {
        errc code;
        waits_of waits;
    } const cases[] = {{errc::intent_log_failed, {100ms, 200ms, 400ms}},
                       {errc::connection_lost, {100ms, 200ms, 400ms}},
                       {errc::deadline_exceeded, {100ms, 200ms, 400ms}},
                       {errc::conflict, {}},
                       {errc::cancelled, {}},
                       {errc::invalid_argument, {}}};
    for (auto const& c : cases) {
        CAPTURE(c.code);
        testing::scripted_transport way;
        access::memory_sink sink;
        refusing_log log{c.code};
        access::issuer issuer(client(way, api_token::make("sample").value()), harsh().where, sink,
                              log);
        auto const e = issuer.issue(access::create_params("ci")).get().error();
        CHECK(e == c.code);
        CHECK(e.delivery() == delivery::not_sent);
        CHECK(log.inserts == static_cast<int>(c.waits.size()) + 1);
        CHECK(way.waits() == c.waits);
        CHECK(way.requests().empty());
    }
}

// The decision.

/// What a reconciler writes.
void reconciler_writes(access::memory_intent_log& log, intent_state state,
                       std::string const& token_id) {
    auto i = log.list().value().at(0);
    i.writer = "a reconciler";
    i.state = state;
    i.token_id = token_id;
    log.update(i).value();
}

TEST_CASE(
    "a token that a reconciler gave up, and then kept because the sink holds it, is a success") {
    harsh h;
    h.log.before_erase = [](access::memory_intent_log& log) {
        reconciler_writes(log, intent_state::withdrawing, id);
    };
    h.log.before_update = [](access::memory_intent_log& log) {
        reconciler_writes(log, intent_state::settled, id);
    };
    h.created().named();
    CHECK(h.issue().value().token.id == id);
    CHECK(h.sent() == "POST PUT");
    CHECK(h.sink.inner.stored(id));
    REQUIRE(h.log.all().size() == 1);
    CHECK(h.log.all()[0].writer == "a reconciler");
    CHECK(h.log.all()[0].state == intent_state::settled);
    CHECK(h.way.waits() == waits_of{100ms});
}

TEST_CASE("an intent that is given up and cannot be written is no success, however it is decided") {
    for (bool const is_settled : {false, true}) {
        harsh h;
        auto const give_up = [](access::memory_intent_log& log) {
            reconciler_writes(log, intent_state::withdrawing, "");
        };
        auto options = access::issue_options().return_when_stored(is_settled);
        h.created();
        if (!is_settled) h.named();
        h.named(); // the delete
        if (is_settled) h.log.before_update = give_up;
        if (!is_settled) h.log.before_erase = give_up;
        // The first decision is a conflict; then the log fails as long as a store is called.
        h.log.before_list = [&] { h.log.updates_to_fail = 4; };
        CHECK(h.issue(options).error() == errc::not_found);
        CHECK(h.sent() == (is_settled ? "POST DELETE" : "POST PUT DELETE"));
        CHECK(h.log.all().empty());
        CHECK_FALSE(h.sink.inner.stored(id));
    }
}

TEST_CASE("a log that can neither be written nor read has nothing more sent") {
    harsh h;
    h.log.erases_to_fail = h.log.lists_to_fail = 100;
    h.created().named().named().named();
    auto const e = h.issue().error();
    CHECK(e == errc::intent_log_failed);
    CHECK(e.delivery() == delivery::accepted);
    CHECK(h.sent() == "POST PUT");
    CHECK(h.sink.inner.stored(id));
    CHECK(h.log.erases == 6);
}

TEST_CASE("whether a token of an erased intent exists is asked until the server tells") {
    harsh h;
    h.log.before_erase = [](access::memory_intent_log& log) {
        log.erase(log.list().value().at(0)).value();
    };
    h.created().named().refused(500).refused(404, 12135).refused(404, 12135);
    auto const e = h.issue().error();
    CHECK(e == errc::not_found);
    CHECK(e.delivery() == delivery::rejected);
    CHECK(h.sent() == "POST PUT PUT PUT DELETE");
    CHECK(h.way.requests()[2].body == R"({"name":"ci"})");
    CHECK_FALSE(h.sink.inner.stored(id));
}

TEST_CASE("a token that keeps its tag is touched with the name it has") {
    harsh h;
    h.log.before_erase = [](access::memory_intent_log& log) {
        log.erase(log.list().value().at(0)).value();
    };
    h.created().named();
    auto const done = h.issue(access::issue_options().keep_tag(true)).value();
    CHECK(done.token.name == harsh::tagged);
    CHECK(h.sent() == "POST PUT");
    CHECK(h.way.requests()[1].body == R"({"name":")" + harsh::tagged + R"("})");
}

TEST_CASE(
    "a name that stays tagged at first, and an intent that somebody erased: named by the touch") {
    harsh h;
    h.log.before_update = [](access::memory_intent_log& log) {
        log.erase(log.list().value().at(0)).value();
    };
    h.created().refused(500).named();
    auto const done = h.issue().value();
    CHECK(done.token.name == "ci");
    CHECK_FALSE(done.intent_open);
    CHECK_FALSE(done.settled);
    CHECK(h.sent() == "POST PUT PUT");
    CHECK(h.log.all().empty());
}

// Giving up.

TEST_CASE("an intent that is out of the log is logged again if its token may stay, and only then") {
    for (bool const is_erased : {true, false}) {
        for (bool const stays : {true, false}) {
            CAPTURE(is_erased);
            CAPTURE(stays);
            harsh h;
            h.sink.before_store = [&] { // as if this process were stopped here
                reconciler_writes(h.log.inner, intent_state::settled, "");
                if (is_erased) h.log.inner.erase(h.log.all().at(0)).value();
            };
            h.sink.stores_to_fail = 3;
            h.created();
            if (stays) h.refused(403);
            if (!stays) h.named();
            auto const e = h.issue().error();
            CHECK(e.delivery() == (stays ? delivery::accepted : delivery::rejected));
            CHECK(h.sent() == "POST DELETE");
            auto const all = h.log.all();
            REQUIRE(all.size() == (is_erased && !stays ? 0 : 1));
            if (all.empty()) continue;
            CHECK(all[0].state == intent_state::settled);
            CHECK(all[0].until == (stays ? h.now.plus(30 * 24h) : timestamp()));
            CHECK(all[0].revision == (is_erased ? 1 : stays ? 3 : 2));
        }
    }
}

TEST_CASE("an intent of an unknown create whose log cannot be read is left as it is") {
    harsh h;
    h.lost().log.lists_to_fail = 100;
    CHECK(h.issue(access::issue_options().settle_window(0ms)).error().may_have_acted());
    CHECK(h.log.inserts == 1);
    CHECK(h.log.updates == 0);
    REQUIRE(h.log.all().size() == 1);
    CHECK(h.log.all()[0].state == intent_state::open);
}

TEST_CASE("a full account: the error names the open intents of the scope, if there are any") {
    std::string const third(32, '3'), fourth(32, '4');
    struct {
        std::string what;
        std::function<void(harsh&)> script;
        std::string tags;
    } const cases[] = {
        {"none", [](harsh&) {}, ""},
        {"settled ones",
         [](harsh& h) { h.log.inner.insert(other_intent(h, intent_state::settled)).value(); }, ""},
        {"another scope's",
         [](harsh& h) {
             auto i = other_intent(h);
             i.scope = access::zone_scope::parse(std::string(32, 'b')).value();
             h.log.inner.insert(i).value();
         },
         ""},
        {"a log that cannot be read",
         [](harsh& h) {
             h.log.inner.insert(other_intent(h)).value();
             h.log.lists_to_fail = 100;
         },
         ""},
        {"three, one of them settled",
         [&](harsh& h) {
             h.log.inner.insert(other_intent(h)).value();
             auto i = other_intent(h, intent_state::settled);
             i.tag = third;
             h.log.inner.insert(i).value();
             i.tag = fourth;
             i.state = intent_state::withdrawing;
             i.key = "yet another";
             h.log.inner.insert(i).value();
         },
         " " + other_tag + " " + fourth}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        harsh h;
        c.script(h);
        h.way.respond(
            400,
            R"({"success":false,"errors":[{"code":12130,"message":"maximum number of tokens"}]})");
        auto const e = h.issue().error();
        CHECK(e == errc::limit_reached);
        CHECK(e.delivery() == delivery::rejected);
        auto const& said = e.details().explanation;
        CHECK((said.find("open intents") != std::string::npos) == !c.tags.empty());
        if (!c.tags.empty()) CHECK(said == "open intents that reconcile may withdraw:" + c.tags);
    }
}

// What is left for later.

TEST_CASE("finish names the token, keeps a watched intent, and erases another one") {
    struct {
        std::string what;
        std::function<void(harsh&, access::intent&)> script;
        errc code; // none: success
        std::size_t intents;
    } const cases[] = {
        {"another one", [](harsh& h, access::intent&) { h.named(); }, errc{}, 0},
        {"watched", [](harsh& h, access::intent& i) { h.named(), i.until = h.now.plus(1h); },
         errc{}, 1},
        {"deleted by somebody", [](harsh& h, access::intent&) { h.refused(404, 12135); }, errc{},
         0},
        {"not named", [](harsh& h, access::intent&) { h.refused(403); }, errc::forbidden, 1},
        {"the log fails", [](harsh& h, access::intent&) { h.named().log.erases_to_fail = 4; },
         errc::intent_log_failed, 1},
        {"written since",
         [](harsh& h, access::intent& i) {
             h.named();
             h.log.inner.update(i).value();
         },
         errc{}, 1}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        harsh h;
        access::issued done;
        auto i = other_intent(h, intent_state::settled, id);
        h.log.inner.insert(i).value();
        c.script(h, i);
        done.settled = i;
        auto const finished = h.make().finish(done).get();
        CHECK(finished.has_value() == (c.code == errc{}));
        if (!finished) CHECK(finished.error() == c.code);
        CHECK(h.sent() == "PUT");
        CHECK(h.way.requests()[0].target.ends_with(id));
        CHECK(h.way.requests()[0].body == R"({"name":"ci"})");
        CHECK(h.log.all().size() == c.intents);
    }
}

} // namespace
} // namespace issue_flow_tests
