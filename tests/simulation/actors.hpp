// Who acts in the world: the network as a process sees it, its stores, and the processes.
#pragma once

#include "world.hpp"

#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/client.hpp>

#include <sstream>

namespace simulation {

/// The network.
class transport {
public:
    template <class T>
    using task = simulation::task<T>;

    explicit transport(process& p) : process_(&p) {}

    [[nodiscard]] task<cf::result<cf::http::response>> send(cf::http::request const& r,
                                                            cf::time_point deadline) {
        using cf::errc;
        auto& p = *process_;
        auto& w = p.in();
        auto* const issue = p.issue();
        bool const is_create = issue != nullptr && r.method == cf::http::method::post &&
                               r.target.ends_with("/service_tokens");
        if (w.watcher != nullptr) w.watcher->before_send(r, p);
        auto const what = p.next_fate(is_create);
        co_await p.step();
        if (p.is_cancelled()) co_return failed(errc::cancelled, cf::delivery::not_sent);
        co_await w.clock.until(w.clock.now() + p.planned().latency);
        co_await p.step();
        std::optional<cf::http::response> response;
        bool const acts = what == fate::arrives || what == fate::lost_after ||
                          what == fate::error_after || what == fate::html || what == fate::cut ||
                          what == fate::doubled || what == fate::ban;
        if (is_create && what != fate::arrives && what != fate::refused) issue->was_risky = true;
        if (is_create && what == fate::doubled) issue->may_stray = true;
        if (what == fate::ban) w.banned_until = w.clock.now() + 300s;
        auto const sent_at = w.clock.now();
        if (acts) response = w.act(r, issue, &p, sent_at);
        auto const later = [&](cf::time_point when) {
            w.clock.at(when, [&w, &p, r, issue, sent_at] {
                static_cast<void>(w.act(r, issue, &p, sent_at));
            });
        };
        if (what == fate::late) later(p.truth_of(deadline) + 3s);
        if (what == fate::hours_late) later(w.clock.now() + w.lateness());
        // A rotate that is doubled voids the secret that the first gave: nothing helps against that.
        if (what == fate::doubled && !r.target.ends_with("/rotate")) later(w.clock.now() + 2min);
        if (response) p.cut(*response);
        co_await p.step();
        co_await w.clock.until(w.clock.now() + p.planned().latency);
        co_await p.step();
        if (is_create && p.is_cancelled()) issue->was_risky = true;
        if (p.is_cancelled()) co_return failed(errc::cancelled, cf::delivery::unknown);
        switch (what) {
        case fate::arrives:
        case fate::ban:
        case fate::doubled: co_return *response;
        case fate::refused: co_return failed(errc::connect_failed, cf::delivery::not_sent);
        case fate::lost_before:
        case fate::lost_after:
        case fate::hours_late:
        case fate::cut: co_return failed(errc::connection_lost, cf::delivery::unknown);
        case fate::late:
        case fate::never:
            co_await w.clock.until(p.truth_of(deadline));
            co_await p.step();
            co_return failed(errc::deadline_exceeded, cf::delivery::unknown);
        case fate::error_before:
        case fate::error_after: co_return page(502, "<html>error code: 502</html>");
        case fate::busy: co_return page(503, "busy");
        case fate::limited: co_return page(429, "");
        case fate::html: co_return page(200, "<html>welcome</html>");
        case fate::success_false:
            co_return page(200, R"({"success":false,"errors":[{"code":1234,"message":"no"}]})");
        case fate::rejected:
            co_return page(400, R"({"success":false,"errors":[{"code":12130,"message":"no"}]})");
        case fate::count: break;
        }
        co_return *response;
    }
    [[nodiscard]] task<void> sleep_until(cf::time_point t) {
        auto& p = *process_;
        co_await p.step();
        if (p.is_cancelled()) co_return;
        co_await p.in().clock.until(p.truth_of(t));
        co_await p.step();
    }
    [[nodiscard]] cf::time_point now() const noexcept { return process_->steady(); }

    /// Runs a task to its end though its process is cancelled.
    template <class T>
    [[nodiscard]] task<T> shield(task<T> pending) {
        ++process_->shields;
        auto given = co_await std::move(pending);
        --process_->shields;
        co_return given;
    }

private:
    static cf::error failed(cf::errc code, cf::delivery d) {
        return {code, cf::error_details{.delivery = d}};
    }
    static cf::http::response page(int status, std::string_view body) {
        cf::http::response r{.status = status};
        r.body = body;
        static_cast<void>(r.fields.add("Content-Type", "text/html"));
        return r;
    }

    process* process_;
};

/// Calls a store of the world's as a process that may die reaches it, and as its fate is.
template <class T, class Call>
task<cf::result<T>> call_store(process& p, store_fate what, cf::errc code, Call call) {
    auto& w = p.in();
    co_await p.step();
    auto const slow = what == store_fate::slow ? 20s : what == store_fate::slow_fails ? 120s : 0s;
    if (slow != 0s) {
        p.lose_time(slow);
        co_await w.clock.until(w.clock.now() + slow);
        co_await p.step();
    }
    bool const fails = what == store_fate::fails || what == store_fate::slow_fails;
    cf::result<T> given = fails ? cf::result<T>(cf::error(code, "disk full")) : call();
    co_await p.step();
    if (what == store_fate::keeps) co_return cf::error(code, "the connection was lost");
    co_return given;
}

/// The host's sink.
struct sink {
    process& p;

    task<cf::result<void>> prepare(access::intent const& i) {
        return call<void>([this, &i] { return p.sink().prepare(i); });
    }
    task<cf::result<void>> store(access::intent const& i,
                                 access::issued_service_token const& token) {
        if (access::has_any_tag(token.name)) p.in().complain("the sink sees the tagged name");
        return call<void>([this, &i, &token] {
            auto* const watcher = p.in().watcher;
            if (watcher != nullptr) watcher->before_change();
            auto stored = p.sink().store(i, token);
            if (watcher != nullptr) watcher->after_store(p);
            return stored;
        });
    }
    task<cf::result<std::vector<access::held_token>>> list() {
        return call<std::vector<access::held_token>>([this] { return p.sink().list(); });
    }
    task<cf::result<std::optional<access::held_token>>> find(std::string_view key) {
        return call<std::optional<access::held_token>>([this, key] { return p.sink().find(key); });
    }
    task<cf::result<void>> forget(std::string_view id) {
        return call<void>([this, id] { return p.sink().forget(id); });
    }

private:
    template <class T, class Call>
    task<cf::result<T>> call(Call c) {
        return call_store<T>(p, p.next_of_sink(), cf::errc::sink_failed, c);
    }
};

/// The log that all hosts share.
struct log {
    process& p;

    task<cf::result<std::optional<access::intent>>> insert(access::intent const& i) {
        return call<std::optional<access::intent>>([this, &i] {
            auto holder = p.in().log.insert(i);
            if (holder && !*holder) note_lease(i);
            tell("inserted", i, holder && !*holder);
            return holder;
        });
    }
    task<cf::result<void>> update(access::intent const& i) {
        return call<void>([this, &i] {
            auto written = p.in().log.update(i);
            if (written) note_lease(i);
            tell("updated", i, written.has_value());
            return written;
        });
    }
    task<cf::result<void>> erase(access::intent const& i) {
        return call<void>([this, &i] {
            auto erased = p.in().log.erase(i);
            tell("erased", i, erased.has_value());
            return erased;
        });
    }
    task<cf::result<std::vector<access::intent>>> list() {
        return call<std::vector<access::intent>>([this] { return p.in().log.list(); });
    }

private:
    /// Notes what is of use where a history is shown.
    void tell(char const* what, access::intent const& i, bool is_done) {
        if (!shows_history()) return;
        std::ostringstream text;
        text << "in log: " << (is_done ? "" : "not ") << what << ", version " << i.version << ": "
             << i;
        p.in().saw(text.str());
    }
    void note_lease(access::intent const& i) {
        if (i.purpose != access::intent_purpose::rotate) return;
        auto& at = p.in().leased_at[i.token_id];
        if (i.state == access::intent_state::open) at = (std::max)(at, i.opened_at);
    }
    template <class T, class Call>
    task<cf::result<T>> call(Call c) {
        return call_store<T>(p, p.next_of_log(), cf::errc::intent_log_failed, c);
    }
};

using client = cf::client<transport>;

inline client make_client(process& p) {
    auto& w = p.in();
    return client(
        transport(p), cf::api_token::make("simulated-credential").value(),
        cf::client_options().seed(w.random()).deadline(20s).trace([&w](cf::trace_event const& e) {
            if (w.printed.size() > 200) return;
            std::ostringstream text;
            text << e;
            w.saw(text.str());
        }));
}

inline std::chrono::seconds constexpr watch_span = 200h;
inline std::chrono::milliseconds constexpr issue_deadline = 10min;

inline access::issue_options options_of(process& p) {
    auto& w = p.in();
    access::issue_options o;
    o.settle_window(w.what.no_window ? 0s : 60s)
        .deadline(issue_deadline)
        .watch(watch_span)
        .keep_tag(w.what.keep_tag)
        .return_when_stored(w.what.return_when_stored)
        .version_as_witness(w.what.witness)
        .now_from([&p] { return p.wall(); })
        .random_from([&w] { return w.random(); });
    if (w.sinks.size() > 1) o.sink_name("sink " + std::to_string(w.sink_of(p.planned().host)));
    return o;
}

/// Whether the secret that the sink holds of a token is the one that works.
inline bool works(world& w, int sink, std::string const& id) {
    auto const* t = w.box.find(id);
    auto const held = w.sinks[static_cast<std::size_t>(sink)].stored(id);
    return t != nullptr && held && held->client_secret.reveal() == t->secret &&
           held->client_id == t->client_id;
}

/// Writes down what an issue's caller was told.
inline void note_end(world& w, record& r, cf::result<access::issued> const& done) {
    r.ended = true;
    if (done) {
        r.success = done->token.id;
        r.was_held = done->already_held;
        if (!works(w, r.sink, *r.success) && !w.touched.contains(*r.success))
            w.complain("a success has no secret that works when it is told");
        return;
    }
    r.failure = done.error();
    r.was_risky = r.was_risky || done.error().may_have_acted(); // its intent may be open
    w.saw(done.error().to_string());
}

/// A process that issues one token and ends, or dies.
inline task<void> issue(process& p, record& r, bool disabled) {
    auto& w = p.in();
    auto const begun = w.clock.now() + p.planned().starts_at;
    co_await w.clock.until(begun);
    try {
        sink s{p};
        log l{p};
        access::issuer issuer(make_client(p), w.scope, s, l, options_of(p));
        access::create_params params(r.name);
        if (disabled) params.enabled(false);
        auto pending = r.key.empty() ? issuer.issue(std::move(params))
                                     : issuer.issue(r.key, std::move(params));
        auto const done = co_await std::move(pending);
        r.took = w.clock.now() - begun - p.time_lost();
        note_end(w, r, done);
        if (done && done->settled && w.random() % 2 == 0) {
            auto pending_finish = issuer.finish(*done);
            auto const finished = co_await std::move(pending_finish);
            if (!finished) w.saw(finished.error().to_string());
        }
    } catch (crashed const&) {
        r.has_died = true;
        for (auto const& id : r.made)
            r.held_at_death = r.held_at_death || works(w, r.sink, id);
        r.was_risky = true;
        if (p.time_lost() >= watch_span) r.may_stray = true; // nobody watches any more
    }
}

/// Writes down what a reconciler reported: no token of an issue under way.
inline void note_strays(world& w, std::vector<access::service_token> const& strays) {
    for (auto const& t : strays) {
        w.stray.insert(t.id);
        for (auto const& r : w.issues)
            if (!r.ended && !r.has_died && !r.was_risky &&
                std::find(r.made.begin(), r.made.end(), t.id) != r.made.end())
                w.complain("the token of an issue under way is reported as stray");
    }
}

/// A process that reconciles and ends, or dies.
inline task<void> reconcile(process& p) {
    auto& w = p.in();
    co_await w.clock.until(w.clock.now() + p.planned().starts_at);
    try {
        sink s{p};
        log l{p};
        access::reconciler reconciler(make_client(p), w.scope, s, l, options_of(p));
        auto pending = reconciler.run_once();
        auto const done = co_await std::move(pending);
        if (!done) {
            w.saw(done.error().to_string());
            co_return;
        }
        for (auto const& f : done->failed)
            w.saw(f.why.to_string());
        note_strays(w, done->strays);
        if (!w.faults_end && !p.planned().is_faultless()) co_return;
        auto pending_find_strays = reconciler.find_strays();
        auto const strays = co_await std::move(pending_find_strays);
        if (!strays) co_return;
        note_strays(w, *strays);
    } catch (crashed const&) {
    }
}

/// Runs processes side by side, to their ends.
inline void run(world& w, std::vector<task<void>>& tasks) {
    for (auto& t : tasks)
        t.start();
    w.clock.run();
    for (auto const& t : tasks)
        if (!t.done()) w.complain("a process hangs");
}

} // namespace simulation
