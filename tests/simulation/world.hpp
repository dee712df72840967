// The world of a simulation: a server, clocks, hosts with sinks over one log, people, and processes
// that freeze and die. The truth is in the sandbox; what the processes were told is written down.
#pragma once

#include "faults.hpp"
#include "task.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulation {

namespace cf = cloudflare;
namespace access = cloudflare::access;

/// Whether a history is shown, so that more of it is noted.
[[nodiscard]] inline bool shows_history() {
    static bool const is_shown = std::getenv("SHOW_HISTORY") != nullptr;
    return is_shown;
}

/// What the server and the account are like.
struct kind {
    std::string name = "usual";
    cf::testing::sandbox_options switches{};
    int page_size = 0;                   ///< the server's own bound; 0: none
    bool churns = false;                 ///< others make and delete tokens between two pages
    bool may_list = true;                ///< else 403
    bool may_delete = true;              ///< else 403
    std::size_t name_cut = 0;            ///< names are cut at so many bytes; 0: not
    bool name_trimmed = false;           ///< blanks at the ends go
    bool name_folded = false;            ///< to uppercase
    std::chrono::seconds lag{0};         ///< how far lists are behind, deletes and renames included
    std::chrono::seconds get_lag{0};     ///< how long a new token is not found by GET
    bool get_is_behind = false;          ///< GET shows what lists show, `lag` behind
    std::chrono::seconds sink_offset{0}; ///< of the sinks' clock
    std::chrono::seconds latest{0}; ///< so late a request of `hours_late` acts at most; 0: 30 h
    // What the users chose.
    bool keep_tag = false;
    bool return_when_stored = false;
    bool witness = false;
    bool no_window = false;
    bool has_strangers = true;

    /// Whether lists show all that there is, and it may be deleted.
    [[nodiscard]] bool shows_whole_lists() const {
        return switches.read_permission && may_list && may_delete &&
               !(switches.ignores_page && page_size != 0);
    }
    /// Whether what the lists show can be trusted in the end: not one that shows nothing at all.
    [[nodiscard]] bool is_settleable() const { return shows_whole_lists() && has_strangers; }
    /// Whether lists show every token that there is.
    [[nodiscard]] bool is_honest() const {
        return switches.read_permission && may_list && !(switches.ignores_page && page_size != 0);
    }
    [[nodiscard]] std::string kept_name(std::string given) const {
        if (name_trimmed) {
            while (!given.empty() && given.back() == ' ')
                given.pop_back();
            given.erase(0, std::min(given.find_first_not_of(' '), given.size()));
        }
        if (name_cut != 0 && given.size() > name_cut) given.resize(name_cut);
        if (name_folded)
            for (auto& c : given)
                if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        return given;
    }
};

/// Thrown where a process dies.
struct crashed {};

/// One issue, from outside: what the server made for it, and what its caller was told.
struct record {
    std::string key{};
    std::string name{};
    int host = 0;
    int sink = 0;
    bool enabled = true;
    std::vector<std::string> made{}; ///< ids of tokens that its creates made, dead ones included
    bool ended = false;
    bool has_died = false;
    bool was_risky = false; ///< a create's outcome was unknown, or it died: a token may come late
    bool held_at_death = false;           ///< its sink held a token that works when it died
    bool may_stray = false;               ///< a token may come that no intent can name
    std::optional<std::string> success{}; ///< the id that its caller was told
    bool was_held = false;                ///< told: the sink held it already
    std::optional<cf::error> failure{};
    int requests = 0;
    std::chrono::nanoseconds took{}; ///< less its freezes and its stores' slowness
};

/// A token of somebody else's, as it is to stay.
struct stranger {
    std::string id, name, secret;
    int copied_from = -1; ///< the number of the issue whose token's name it has, if it is a copy
};

class process;

/// Who looks on from outside. Requests by people have no sender.
struct observer {
    virtual ~observer() = default;
    /// A process is about to send a request.
    virtual void before_send(cf::http::request const& sent, process const& sender) = 0;
    /// The server, or a sink, is about to change.
    virtual void before_change() = 0;
    virtual void after_request(cf::http::request const& sent, process const* sender,
                               cf::time_point sent_at) = 0;
    /// A process has been shown a token, or all, as they are now.
    virtual void after_look(cf::http::request const&, process const*) {}
    virtual void after_store(process const& p) = 0;
};

/// All that outlives the processes.
struct world {
    world(std::uint64_t seed, kind k, int hosts, int sink_count)
        : what(std::move(k)), box(seed, what.switches), random(seed), host_count(hosts) {
        for (int i = 0; i != sink_count; ++i)
            sinks.emplace_back([this] { return wall().plus(what.sink_offset); });
        keep_snapshot();
    }
    world(world const&) = delete;

    [[nodiscard]] cf::timestamp wall() const {
        auto const since =
            std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch());
        return cf::timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)).plus(since);
    }
    /// Notes that something is wrong; the run goes on.
    void complain(std::string text) {
        if (std::find(complaints.begin(), complaints.end(), text) != complaints.end()) return;
        saw("WRONG: " + text);
        complaints.push_back(std::move(text));
    }
    /// Whatever the library printed is held against every secret in the end.
    void saw(std::string text) {
        printed.push_back(wall().to_string().substr(8, 11) + ' ' + std::move(text));
    }
    [[nodiscard]] int sink_of(int host) const { return host % static_cast<int>(sinks.size()); }

    /// The server's response to a request that arrives now.
    /// @param issue the record of the issue that sent it, or none
    [[nodiscard]] cf::http::response act(cf::http::request const& sent, record* issue,
                                         process const* sender = nullptr,
                                         cf::time_point sent_at = {}) {
        using cf::http::method;
        auto r = sent;
        auto const path = std::string_view(sent.target).substr(0, sent.target.find('?'));
        bool const is_collection = path.ends_with("/service_tokens");
        bool const is_create = is_collection && r.method == method::post;
        bool const is_list = is_collection && r.method == method::get;
        if (clock.now() < banned_until) return too_many();
        if (is_list && !what.may_list) return forbidden();
        if (r.method == method::delete_ && !what.may_delete) return forbidden();
        if (is_create || r.method == method::put) keep_name_of(r);
        if (is_list && what.page_size != 0)
            r.target += "&per_page=" + std::to_string(what.page_size);
        bool const is_behind = is_list || (r.method == method::get && what.get_is_behind);
        if (is_behind && what.lag != 0s) return state_at(clock.now() - what.lag).handle(r, wall());
        if (r.method == method::get && !is_list && what.get_lag != 0s)
            if (auto const* t = box.find(path.substr(path.rfind('/') + 1));
                t != nullptr && t->created_at.plus(what.get_lag) > wall())
                r.target.replace(r.target.rfind('/') + 1, 36,
                                 "00000000-0000-4000-a000-000000000000");
        auto const before = box.tokens().size();
        bool const is_seen = watcher != nullptr && r.method != method::get;
        if (is_seen) watcher->before_change();
        auto response = box.handle(r, wall());
        if (is_create && box.tokens().size() > before && issue != nullptr)
            issue->made.push_back(box.tokens().back().id);
        if (r.method != method::get) note_change();
        if (is_seen) watcher->after_request(r, sender, sent_at);
        if (watcher != nullptr && r.method == method::get) watcher->after_look(r, sender);
        if (is_list && what.churns && !faults_end) churn();
        return response;
    }

    /// Has somebody else make a token.
    std::string add_token(std::string const& name) {
        auto const op = access::create_service_token(scope, access::create_params(name));
        auto const r =
            cf::make_request(op, cf::api_token::make("stranger").value(), cf::client_options());
        static_cast<void>(box.handle(r.value(), wall()));
        note_change();
        return box.tokens().back().id;
    }
    void add_stranger(std::string const& name) {
        auto const& t = *box.find(add_token(name));
        strangers.push_back({t.id, t.name, t.secret});
    }
    void remove_token(std::string const& id) {
        auto* t = box.find(id);
        if (t == nullptr) return;
        auto const r =
            cf::make_request(access::delete_service_token(scope, id),
                             cf::api_token::make("stranger").value(), cf::client_options());
        static_cast<void>(box.handle(r.value(), wall()));
        note_change();
    }
    /// Has a person do something to a token.
    template <class Operation>
    void do_by_hand(Operation const& op) {
        auto const r =
            cf::make_request(op, cf::api_token::make("person").value(), cf::client_options());
        static_cast<void>(act(r.value(), nullptr));
    }
    /// How late a request acts that acts late.
    [[nodiscard]] std::chrono::seconds lateness() {
        auto const minutes = what.latest == 0s ? 29 * 60 : what.latest / 1min;
        return (what.latest == 0s ? 1h : 0h) +
               std::chrono::minutes(random() % static_cast<unsigned>(minutes));
    }
    void note_change() {
        for (auto const& t : box.tokens())
            secrets.insert(t.secret);
        keep_snapshot();
    }

    scheduler clock;
    kind what;
    cf::testing::sandbox box;
    std::mt19937_64 random;
    observer* watcher = nullptr;
    int host_count;
    std::deque<access::memory_sink> sinks;
    access::memory_intent_log log;
    bool faults_end = false; ///< from now on all goes well
    bool has_wrong_clocks = false;
    cf::time_point banned_until{};
    std::map<std::string, cf::timestamp> leased_at{}; ///< by token: the last lease of a rotation
    std::deque<record> issues{};
    std::vector<stranger> strangers{};
    std::vector<stranger> copies{};  ///< tokens of people's with a name that was copied
    std::set<std::string> touched{}; ///< ids of tokens that people renamed, disabled or deleted
    std::set<std::string> stray{};   ///< ids that reconcilers reported
    std::set<std::string> secrets{}; ///< every secret that ever was
    std::vector<std::string> printed{};
    std::vector<std::string> complaints{};
    std::vector<std::string> churned{};
    access::any_scope scope = access::account_scope::parse(std::string(32, '7')).value();

private:
    void keep_name_of(cf::http::request& r) const {
        if (what.name_cut == 0 && !what.name_trimmed && !what.name_folded) return;
        auto body = boost::json::parse(std::string_view(r.body)).as_object();
        if (auto* name = body.if_contains("name"))
            *name = what.kept_name(std::string(name->as_string()));
        r.body = boost::json::serialize(body);
    }
    void keep_snapshot() {
        if (what.lag != 0s) snapshots_.emplace_back(clock.now(), box);
    }
    [[nodiscard]] cf::testing::sandbox& state_at(cf::time_point then) {
        while (snapshots_.size() > 1 && snapshots_[1].first <= then)
            snapshots_.pop_front();
        return snapshots_.front().second;
    }
    void churn() {
        if (!churned.empty() && random() % 2 == 0) {
            auto const id = churned[random() % churned.size()];
            std::erase(churned, id);
            remove_token(id);
        }
        if (random() % 2 == 0) churned.push_back(add_token("churn"));
    }
    static cf::http::response json(int status, std::string_view body) {
        cf::http::response r{.status = status};
        r.body = body;
        return r;
    }
    [[nodiscard]] cf::http::response too_many() const {
        auto r = json(429, R"({"success":false,"errors":[{"code":971,"message":"wait"}]})");
        auto const left = std::chrono::ceil<std::chrono::seconds>(banned_until - clock.now());
        static_cast<void>(r.fields.add("Retry-After", std::to_string(left.count())));
        return r;
    }
    static cf::http::response forbidden() {
        return json(403, R"({"success":false,"errors":[{"code":10000,"message":"no"}]})");
    }

    std::deque<std::pair<cf::time_point, cf::testing::sandbox>> snapshots_;
};

/// One process: it dies at a step, freezes at others, and meets the faults of its plan.
class process {
public:
    process(world& w, plan p, record* issue = nullptr)
        : world_(w), plan_(std::move(p)), issue_(issue), started_(w.clock.now()) {
        if (plan_.wall_offset != 0s || !plan_.jumps.empty() || plan_.drift != 0)
            w.has_wrong_clocks = true;
    }

    /// Awaited: a moment in which the process may die, freeze or be cancelled.
    [[nodiscard]] auto step() {
        struct awaiter {
            process& p;
            std::chrono::seconds span;
            bool await_ready() const { return span == 0s; }
            void await_suspend(std::coroutine_handle<> h) const {
                p.world_.clock.at(p.world_.clock.now() + span, [h] { h.resume(); });
            }
            void await_resume() const {}
        };
        ++steps_;
        if (in().faults_end) return awaiter{*this, 0s};
        if (steps_ == plan_.crash_at_step) throw crashed();
        if (steps_ == plan_.cancel_at_step) is_cancelled_ = true;
        if (auto const jump = plan_.jumps.find(steps_); jump != plan_.jumps.end())
            plan_.wall_offset += jump->second;
        auto const freeze = plan_.freezes.find(steps_);
        auto const span = freeze == plan_.freezes.end() ? 0s : freeze->second;
        if (plan_.suspends) lag_ += span;
        frozen_ += span;
        if (span != 0s && issue_ != nullptr) issue_->was_risky = true; // a reconciler may take over
        return awaiter{*this, span};
    }
    [[nodiscard]] fate next_fate(bool is_create) {
        ++requests_;
        if (is_create) ++creates_;
        if (issue_ != nullptr) ++issue_->requests;
        auto const found = plan_.requests.find(requests_);
        if (in().faults_end) return fate::arrives;
        if (auto const planned = plan_.creates.find(creates_);
            is_create && planned != plan_.creates.end())
            return planned->second;
        return found == plan_.requests.end() ? fate::arrives : found->second;
    }
    [[nodiscard]] store_fate next_of_sink() {
        return next(plan_.sink, ++sink_calls_, plan_.sink_broken_from);
    }
    [[nodiscard]] store_fate next_of_log() {
        auto const what = next(plan_.log, ++log_calls_, plan_.log_broken_from);
        if (what != store_fate::works && what != store_fate::slow) ++log_failures_;
        return what;
    }
    [[nodiscard]] int log_failures() const noexcept { return log_failures_; }
    /// Cuts the response to the last request as planned.
    void cut(cf::http::response& r) const {
        auto const found = plan_.cuts.find(requests_);
        if (found != plan_.cuts.end() && found->second < r.body.size())
            r.body.resize(found->second);
    }

    /// The steady clock: in a suspended machine it stops.
    [[nodiscard]] cf::time_point steady() const { return in().clock.now() - lag_; }
    [[nodiscard]] cf::time_point truth_of(cf::time_point steady) const { return steady + lag_; }
    /// What the process takes for the time of day.
    [[nodiscard]] cf::timestamp wall() const {
        auto const passed =
            std::chrono::duration<double>(in().clock.now() - started_).count() * plan_.drift;
        return in().wall().plus(plan_.wall_offset + std::chrono::seconds(std::int64_t(passed)));
    }
    void lose_time(std::chrono::nanoseconds span) { frozen_ += span; }
    [[nodiscard]] std::chrono::nanoseconds time_lost() const noexcept { return frozen_; }

    [[nodiscard]] bool is_cancelled() const noexcept { return is_cancelled_ && shields == 0; }
    [[nodiscard]] plan const& planned() const noexcept { return plan_; }
    [[nodiscard]] record* issue() const noexcept { return issue_; }
    [[nodiscard]] int steps() const noexcept { return steps_; }
    [[nodiscard]] int requests() const noexcept { return requests_; }
    [[nodiscard]] int sink_calls() const noexcept { return sink_calls_; }
    [[nodiscard]] int log_calls() const noexcept { return log_calls_; }
    [[nodiscard]] world& in() const noexcept { return world_; }
    [[nodiscard]] access::memory_sink& sink() const {
        return world_.sinks[static_cast<std::size_t>(world_.sink_of(plan_.host))];
    }

    int shields = 0;

private:
    [[nodiscard]] store_fate next(std::map<int, store_fate> const& fates, int call,
                                  int broken_from) const {
        auto const found = fates.find(call);
        if (in().faults_end) return store_fate::works;
        if (broken_from != 0 && call >= broken_from) return store_fate::fails;
        return found == fates.end() ? store_fate::works : found->second;
    }

    world& world_;
    plan plan_;
    record* issue_;
    cf::time_point started_;
    std::chrono::nanoseconds lag_{}, frozen_{};
    int steps_ = 0, requests_ = 0, creates_ = 0, sink_calls_ = 0, log_calls_ = 0, log_failures_ = 0;
    bool is_cancelled_ = false;
};

} // namespace simulation
