#include "machines.hpp"

#include <boost/asio/this_coro.hpp>

namespace asio = boost::asio;
namespace cf = cloudflare;
namespace cfa = cloudflare::access;
using std::chrono::seconds;

namespace {

cfa::issue_options issue_settings(configuration const& c) {
    seconds const longest(c.request_seconds);
    cfa::issue_options o; // an unknown outcome is settled by a reconciler, not in the request
    o.deadline(longest).settle_window(seconds(0)).min_age(longest * 2);
    o.presumed_absent_age(std::max(longest * 4, seconds(600)));
    return o;
}
// Where no other process can be at work, what is open was left by a dead one.
cfa::issue_options settings_at_start() {
    cfa::issue_options o;
    o.min_age(seconds(0)).presumed_absent_age(seconds(0));
    return o;
}
cfa::rotation_options rotation_settings(configuration const& c) {
    seconds const longest(c.request_seconds), grace(c.grace_seconds);
    cfa::rotation_options o;
    o.deadline(longest).min_age(longest * 2).settle_window(seconds(1));
    o.min_grace(std::min(grace, seconds(300)));
    return o;
}
cfa::renewal_policy renewal_settings(configuration const& c) {
    cfa::renewal_policy p;
    p.grace(seconds(c.grace_seconds)).refresh_before(seconds(c.refresh_before_seconds));
    if (c.rotate_after_seconds != 0) p.rotate_after(seconds(c.rotate_after_seconds));
    return p.replace_lost(c.replace_lost);
}
cf::error refusal(cf::errc code, std::string why, seconds retry_after) {
    return {code, cf::error_details{.explanation = std::move(why),
                                    .delivery = cf::delivery::not_sent,
                                    .retry_after = retry_after}};
}

// Marks a name as busy.
class turn {
public:
    turn(std::set<std::string>& busy, std::string name)
        : busy_(busy), at_(busy.insert(std::move(name))) {}
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn() {
        if (at_.second) busy_.erase(at_.first);
    }
    [[nodiscard]] bool is_taken() const noexcept { return !at_.second; }

private:
    std::set<std::string>& busy_;
    std::pair<std::set<std::string>::iterator, bool> at_;
};

} // namespace

machines::machines(configuration const& c, api_client client, stores& where, metrics& numbers,
                   api_trace const& api)
    : settings_(c),
      client_(client),
      secrets_(where.secrets),
      intents_(where.intents),
      numbers_(numbers),
      api_(api),
      account_(cfa::account_scope::parse(c.account_id).value()),
      policy_(renewal_settings(c)),
      issuer_(client, account_, secrets_, intents_, issue_settings(c)),
      rotator_(client, account_, secrets_, intents_, rotation_settings(c)),
      renewer_(client, account_, secrets_, intents_, policy_, rotation_settings(c)),
      reconciler_(client, account_, secrets_, intents_, issue_settings(c)),
      reconciler_at_start_(client, account_, secrets_, intents_, settings_at_start()),
      places_(client.transport().get_executor(),
              static_cast<std::size_t>(c.concurrent_issues.value),
              static_cast<std::size_t>(c.queue.value)),
      timer_(client.transport().get_executor()),
      is_settled_(where.are_shared) {}

machines::token_task machines::token(std::string name) {
    auto pending_read = secrets_.read(name);
    auto held = co_await std::move(pending_read);
    if (!held) co_return held.error();
    if (*held) {
        auto const known = known_.find(name);
        machine_token token{std::move(**held), {}};
        if (known != known_.end()) token.expires_at = known->second.expires_at;
        co_return token;
    }
    if (!is_settled_) co_return refusal(cf::errc::conflict, "still starting", seconds(1));
    auto pending_take = places_.take();
    auto const taken = co_await std::move(pending_take);
    if (!taken) co_return taken.error();
    places::place const place(places_);
    cfa::create_params params(name);
    params.duration(cf::token_duration::parse(settings_.token_duration).value());
    auto pending_issue = issuer_.issue(name, std::move(params));
    auto const issued = co_await std::move(pending_issue);
    if (!issued) co_return issued.error();
    auto pending_told = told(name, issued->token, !issued->already_held);
    auto token = co_await std::move(pending_told);
    co_return token;
}

machines::token_task machines::rotated(std::string name) {
    auto pending_find = secrets_.find(name);
    auto const held = co_await std::move(pending_find);
    if (!held) co_return held.error();
    turn const mine(busy_, name);
    if (mine.is_taken()) co_return refusal(cf::errc::conflict, "is being changed", seconds(1));
    if (!*held) {
        auto pending_token = token(name);
        auto token = co_await std::move(pending_token);
        co_return token;
    }
    auto pending_take = places_.take();
    auto const taken = co_await std::move(pending_take);
    if (!taken) co_return taken.error();
    places::place const place(places_);
    auto pending_rotate = rotator_.rotate(name, seconds(settings_.grace_seconds));
    auto const done = co_await std::move(pending_rotate);
    if (!done) co_return done.error();
    auto pending_told = told(name, done->token, false);
    auto token = co_await std::move(pending_told);
    co_return token;
}

// What the sink holds now; and notes what is known of it, for the operator.
machines::token_task machines::told(std::string name, cfa::service_token now, bool is_new) {
    auto pending = secrets_.read(name);
    auto held = co_await std::move(pending);
    if (!held) co_return held.error();
    if (!*held) co_return cf::error(cf::errc::not_found, "was removed meanwhile");
    auto const& token = (**held).token;
    auto const plan =
        cfa::plan_renewal({token, now}, policy_, cf::timestamp(std::chrono::system_clock::now()));
    entry e{name, token.token_id, token.client_id, token.version, now.name, plan.state};
    e.expires_at = now.expires_at;
    e.next = plan.next;
    e.next_at = plan.next_at;
    changed_.insert(name);
    known_.insert_or_assign(name, std::move(e));
    co_return machine_token{std::move(**held), now.expires_at, is_new};
}

machines::task<cf::result<bool>> machines::removed(std::string name) {
    turn const mine(busy_, name);
    if (mine.is_taken()) co_return refusal(cf::errc::conflict, "is being changed", seconds(1));
    auto pending_find = secrets_.find(name);
    auto const held = co_await std::move(pending_find);
    if (!held) co_return held.error();
    if (!*held) co_return cf::result<bool>(false);
    auto pending_take = places_.take();
    auto const taken = co_await std::move(pending_take);
    if (!taken) co_return taken.error();
    places::place const place(places_);
    cfa::service_tokens const tokens(client_, account_);
    auto pending_remove = tokens.remove((*held)->token_id);
    auto const revoked = co_await std::move(pending_remove);
    if (!revoked && revoked.error() != cf::errc::not_found) co_return revoked.error();
    auto pending_forget = secrets_.forget((*held)->token_id);
    auto const forgotten = co_await std::move(pending_forget);
    if (!forgotten) co_return forgotten.error();
    changed_.insert(name);
    known_.erase(name);
    co_return cf::result<bool>(true);
}

machines::task<void> machines::keep() {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto next_look = std::chrono::steady_clock::now();
    while (!is_stopping_) {
        auto pending_probe = probe();
        co_await std::move(pending_probe);
        if (!is_settled_) {
            auto pending_settle = settle_what_was_left();
            is_settled_ = co_await std::move(pending_settle);
            if (is_settled_) continue;
        } else if (std::chrono::steady_clock::now() >= next_look) {
            next_look += seconds(settings_.reconcile_seconds);
            auto pending_look = look();
            co_await std::move(pending_look);
            continue;
        }
        if (is_stopping_) break;
        timer_.expires_after(
            std::min(seconds(is_settled_ ? 5 : 1), seconds(settings_.reconcile_seconds)));
        auto pending_wait = timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        co_await std::move(pending_wait);
    }
}

machines::task<bool> machines::settle_what_was_left() {
    auto pending = reconciler_at_start_.run_once();
    auto const done = co_await std::move(pending);
    if (!done) log_line("start", {{"error", done.error().to_string()}});
    if (done)
        log_line("start", {{"kept", done->kept.size()},
                           {"withdrawn", done->withdrawn.size()},
                           {"left_open", done->left_open.size()}});
    co_return done.has_value();
}

// Whether store and API can be reached. The API is asked where nothing else has asked it for a while.
machines::task<void> machines::probe() {
    auto pending = intents_.list();
    auto const all = co_await std::move(pending);
    store_flaw_ = all ? "" : all.error().code().message();
    int open = 0, watched = 0;
    if (all)
        for (auto const& i : *all)
            ++(i.state == cfa::intent_state::settled ? watched : open);
    if (all) numbers_.set("intents", "state=\"open\"", open);
    if (all) numbers_.set("intents", "state=\"watched\"", watched);
    if (api_.failures == 0 && std::chrono::steady_clock::now() - api_.last_reached < seconds(30))
        co_return;
    cfa::service_tokens const tokens(client_, account_);
    auto pending_list =
        tokens.list(cfa::list_params().per_page(1), cf::call_options().deadline(seconds(5)));
    auto const listed = co_await std::move(pending_list);
    static_cast<void>(listed); // `api_trace` has seen it
}

machines::task<void> machines::look() {
    changed_.clear();
    auto pending = reconciler_.run_once();
    auto const settled = co_await std::move(pending);
    if (!settled) log_line("reconcile", {{"error", settled.error().to_string()}});
    if (settled)
        for (auto const& f : settled->failed)
            log_line("reconcile",
                     {{"intent", f.i.tag}, {"name", f.i.name}, {"error", f.why.to_string()}});
    auto pending_strays = reconciler_.find_strays();
    auto const strays = co_await std::move(pending_strays);
    if (strays) numbers_.set("strays", "", static_cast<double>(strays->size()));
    if (is_stopping_) co_return;
    auto pending_renew = renewer_.run_once();
    auto report = co_await std::move(pending_renew);
    if (!report) log_line("renew", {{"error", report.error().to_string()}});
    if (report) take(std::move(*report));
}

void machines::take(cfa::renewal_report report) {
    looked_at_ = cf::timestamp(std::chrono::system_clock::now());
    std::erase_if(known_, [&](auto const& e) { return !changed_.contains(e.first); });
    for (auto& e : report.tokens) {
        if (e.failure) log_line("renew", {{"name", e.key}, {"error", e.failure->to_string()}});
        if (e.rotated || e.refreshed)
            log_line("renew",
                     {{"name", e.key}, {"rotated", e.rotated}, {"refreshed", e.refreshed}});
        if (e.rotated || e.refreshed) e.state = cfa::renewal_state::fresh;
        if (!changed_.contains(e.key)) known_.insert_or_assign(e.key, e);
    }
}

void machines::stop() {
    is_stopping_ = true;
    places_.cancel_waiting();
    timer_.cancel();
}

boost::json::object machines::status() const {
    auto const time = [](std::optional<cf::timestamp> const& t) {
        return t ? boost::json::value(t->to_string()) : boost::json::value();
    };
    boost::json::array list;
    for (auto const& [name, e] : known_)
        list.push_back({{"name", name},
                        {"state", to_string(e.state)},
                        {"token_id", e.token_id},
                        {"client_id", e.client_id},
                        {"version", e.version},
                        {"expires_at", time(e.expires_at)},
                        {"next_action", to_string(e.next)},
                        {"next_at", time(e.next_at)}});
    return {{"checked_at", time(looked_at_)}, {"machines", std::move(list)}};
}

std::string machines::flaw() const {
    if (is_stopping_) return "stopping";
    if (!store_flaw_.empty()) return "store: " + store_flaw_;
    bool const is_asked = api_.last_reached != std::chrono::steady_clock::time_point();
    if (api_.failures > 2 || !is_asked) return "API: " + api_.last_failure;
    return is_settled_ ? "" : "starting";
}

void machines::measure() {
    numbers_.set("queue_depth", "", static_cast<double>(places_.waiting()));
    auto const connections = client_.transport().connections();
    numbers_.set("connections", "state=\"idle\"", static_cast<double>(connections.idle));
    numbers_.set("connections", "state=\"waiting\"", static_cast<double>(connections.waiting));
    numbers_.clear("tokens");
    std::map<std::string, int> states;
    for (auto const& [name, e] : known_)
        ++states[std::string(to_string(e.state))];
    for (auto const& [state, count] : states)
        numbers_.set("tokens", "state=\"" + state + '"', count);
}
