// The processes of a small world, which stand still before each thing that others can see, until they are chosen.
#pragma once

#include "oracle.hpp"

#include <cloudflare/access/detail/intent_journal.hpp>

#include <functional>

namespace simulation::small {

/// What goes wrong with a turn.
enum class effect {
    none,
    lost_before,
    lost_after,
    late,
    fails,
    keeps,
    crash
};
enum class turn_kind {
    start,
    request,
    store,
    sleep,
    end
};

inline char const* name_of(effect e) {
    constexpr char const* names[] = {"",      "lost before", "lost after", "late",
                                     "fails", "keeps",       "crash"};
    return names[static_cast<int>(e)];
}

inline constexpr std::chrono::milliseconds deadline = 8s;

/// One process: it stands before its next turn, sleeps until it, or has ended.
struct actor {
    world& w;
    std::size_t number;
    record* issue; ///< none: it reconciles
    std::uint64_t bits{};
    std::uint64_t observed{}; ///< all that it has seen so far
    turn_kind next{};
    cf::time_point wakes{};
    std::string before{}; ///< what its turn is about
    std::coroutine_handle<> waiting{};
    effect chosen{};
    bool is_frozen = false; ///< time passes without it

    /// Whether time cannot pass until then without freezing it.
    bool is_due(cf::time_point then) const {
        return wakes < then && next != turn_kind::start && !is_frozen;
    }
    void observe(std::string_view what) {
        observed = observed * 0x9e3779b97f4a7c15U + std::hash<std::string_view>()(what);
        observed ^= observed >> 29;
    }
    std::uint64_t random() { return bits = bits * 6364136223846793005U + 1442695040888963407U; }

    /// Awaited: its turn. Gives what goes wrong with it.
    auto turn(turn_kind kind, std::string what = {}, cf::time_point when = {}) {
        struct awaiter {
            actor& a;
            bool await_ready() const { return false; }
            void await_suspend(std::coroutine_handle<> h) const { a.waiting = h; }
            effect await_resume() const {
                a.observe(name_of(a.chosen));
                a.observe(std::to_string(a.w.clock.now().time_since_epoch().count()));
                if (a.chosen == effect::crash) throw crashed();
                return a.chosen;
            }
        };
        next = kind;
        before = std::move(what);
        wakes = std::max(when, w.clock.now());
        return awaiter{*this};
    }
};

/// A request that is to act later.
struct late_request {
    cf::http::request sent;
    record* issue;
};

/// What all in a history share.
struct small_world {
    world w;
    std::deque<actor> actors{};
    std::vector<task<void>> tasks{};
    std::vector<late_request> late{};
    int faults_left;
    bool has_fault = false;
    effect last_fault{};
    bool is_troubled = false; ///< by more than one fault that passes
};

/// The network, as a process sees it.
struct transport {
    template <class T>
    using task = simulation::task<T>;

    actor& a;
    small_world& s;

    task<cf::result<cf::http::response>> send(cf::http::request const& r, cf::time_point) {
        auto const lost = cf::error(cf::errc::connection_lost,
                                    cf::error_details{.delivery = cf::delivery::unknown});
        auto const e =
            co_await a.turn(turn_kind::request, std::string(to_string(r.method)) + " " + r.target);
        bool const is_create = a.issue != nullptr && r.method == cf::http::method::post;
        if (e != effect::none && is_create) a.issue->was_risky = true;
        if (e == effect::late) s.late.push_back({r, a.issue});
        if (e == effect::late || e == effect::lost_before) co_return lost;
        auto response = a.w.act(r, a.issue);
        if (e == effect::lost_after) co_return lost;
        a.observe(response.body);
        co_return response;
    }
    task<void> sleep_until(cf::time_point t) {
        static_cast<void>(co_await a.turn(turn_kind::sleep, "sleeps", t));
    }
    cf::time_point now() const { return a.w.clock.now(); }
};

using client = cf::client<transport>;

inline std::string shown(std::optional<access::held_token> const& held) {
    return held ? held->token_id + ' ' + held->tag + ' ' + std::to_string(held->version) : "none";
}
inline std::string shown(access::intent const& i) {
    return access::detail::intent_journal::line_of(i);
}
inline std::string shown(std::optional<access::intent> const& i) {
    return i ? shown(*i) : "none";
}
inline std::string shown(std::vector<access::intent> const& all) {
    std::string text;
    for (auto const& i : all)
        text += shown(i);
    return text;
}

template <class T, class Call>
task<cf::result<T>> call_store(actor& a, char const* what, cf::errc code, Call call) {
    auto const e = co_await a.turn(turn_kind::store, what);
    if (e == effect::fails) co_return cf::error(code, "disk full");
    cf::result<T> given = call();
    if (e == effect::keeps) co_return cf::error(code, "the connection was lost");
    if (!given) a.observe(given.error().to_string());
    if constexpr (!std::is_void_v<T>)
        if (given) a.observe(shown(*given));
    co_return given;
}

/// The host's sink.
struct sink {
    actor& a;
    access::memory_sink& inner = a.w.sinks[0];
    static constexpr auto code = cf::errc::sink_failed;

    task<cf::result<void>> prepare(access::intent const& i) {
        return call_store<void>(a, "prepare", code, [this, &i] { return inner.prepare(i); });
    }
    task<cf::result<void>> store(access::intent const& i, access::issued_service_token const& t) {
        if (access::has_any_tag(t.name)) a.w.complain("the sink sees the tagged name");
        return call_store<void>(a, "store", code, [this, &i, &t] { return inner.store(i, t); });
    }
    task<cf::result<std::optional<access::held_token>>> find(std::string_view key) {
        return call_store<std::optional<access::held_token>>(
            a, "find", code, [this, key] { return inner.find(key); });
    }
    task<cf::result<void>> forget(std::string_view id) {
        return call_store<void>(a, "forget", code, [this, id] { return inner.forget(id); });
    }
};

/// The log.
struct log {
    actor& a;
    access::memory_intent_log& inner = a.w.log;
    static constexpr auto code = cf::errc::intent_log_failed;

    task<cf::result<std::optional<access::intent>>> insert(access::intent const& i) {
        return call_store<std::optional<access::intent>>(a, "insert", code,
                                                         [this, &i] { return inner.insert(i); });
    }
    task<cf::result<void>> update(access::intent const& i) {
        return call_store<void>(a, "update", code, [this, &i] { return inner.update(i); });
    }
    task<cf::result<void>> erase(access::intent const& i) {
        return call_store<void>(a, "erase", code, [this, &i] { return inner.erase(i); });
    }
    task<cf::result<std::vector<access::intent>>> list() {
        return call_store<std::vector<access::intent>>(a, "list", code,
                                                       [this] { return inner.list(); });
    }
};

inline client make_client(actor& a, small_world& s) {
    return client(transport{a, s}, cf::api_token::make("simulated-credential").value(),
                  cf::client_options().seed(a.number).deadline(20s));
}

inline access::issue_options options_of(actor& a) {
    access::issue_options o;
    auto const& chosen = a.w.what;
    o.settle_window(chosen.no_window ? 0s : 1s).deadline(deadline).watch(watch_span);
    o.return_when_stored(chosen.return_when_stored).version_as_witness(chosen.witness);
    o.keep_tag(chosen.keep_tag);
    o.now_from([&a] { return a.w.wall(); }).random_from([&a] { return a.random(); });
    return o;
}

inline task<void> issue(actor& a, small_world& s, cf::time_point begin) {
    auto& r = *a.issue;
    try {
        static_cast<void>(co_await a.turn(turn_kind::start, "begins", begin));
        begin = a.w.clock.now();
        sink to{a};
        log intents{a};
        access::issuer issuer(make_client(a, s), a.w.scope, to, intents, options_of(a));
        auto pending = issuer.issue(r.key, access::create_params(r.name));
        auto const done = co_await std::move(pending);
        static_cast<void>(co_await a.turn(turn_kind::end, "is told"));
        note_end(a.w, r, done);
        r.took = a.w.clock.now() - begin;
        if (!done && !s.is_troubled && r.took < deadline && a.w.what.is_settleable() &&
            !a.w.what.no_window)
            a.w.complain("an issue failed for a fault that passes: " + done.error().to_string());
    } catch (crashed const&) {
        r.has_died = true;
        for (auto const& id : r.made)
            r.held_at_death = r.held_at_death || works(a.w, r.sink, id);
    }
    if (a.w.clock.now() - begin > 15min) r.was_risky = true;
}

inline task<void> reconcile(actor& a, small_world& s, cf::time_point begin) {
    try {
        static_cast<void>(co_await a.turn(turn_kind::start, "begins", begin));
        sink to{a};
        log intents{a};
        access::reconciler reconciler(make_client(a, s), a.w.scope, to, intents, options_of(a));
        auto pending = reconciler.run_once();
        auto const done = co_await std::move(pending);
        if (done) note_strays(a.w, done->strays);
    } catch (crashed const&) {
    }
}

} // namespace simulation::small
