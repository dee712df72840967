// Who rotates and renews in the world, and the people beside them.
#pragma once

#include "consumers.hpp"

#include <cloudflare/access/renewer.hpp>
#include <cloudflare/access/rotator.hpp>

#include <functional>
#include <string>
#include <vector>

namespace simulation {

/// What one process is to do.
struct task_plan {
    plan faults{};
    errand what = errand::rotate;
    std::size_t token = 0;
    bool is_by_id = false; ///< the token's id is given beside the key
    std::chrono::seconds grace{1h};
    int looks = 1; ///< of a renewer
    /// From this age of a secret in the sink on all consumers have it, as the renewer is told.
    std::optional<std::chrono::seconds> consumers_take{};
    std::chrono::seconds every{0};   ///< between two looks; 0: as `renewer::run` does
    access::renewal_policy policy{}; ///< of a renewer
};

inline access::rotation_options rotation_options_of(process& p) {
    auto& w = p.in();
    access::rotation_options o;
    o.now_from([&p] { return p.wall(); }).random_from([&w] { return w.random(); });
    if (w.what.latest != 0s) o.max_lateness(w.what.latest + 5min);
    if (w.sinks.size() > 1) o.sink_name("sink " + std::to_string(w.sink_of(p.planned().host)));
    return o;
}

/// The time after these words in an error, e.g. `works until 2026-11-24T00:00:00Z`.
inline std::optional<cf::timestamp> time_after(std::string const& text, std::string_view words) {
    auto const at = text.rfind(words);
    if (at == text.npos) return std::nullopt;
    auto const parsed = cf::timestamp::parse(text.substr(at + words.size(), 20));
    return parsed ? std::optional(*parsed) : std::nullopt;
}

/// Writes down what an error said of a token whose new secret is lost.
inline void note_failure(process const& p, consumers& c, tended& t, cf::error const& why) {
    auto& w = p.in();
    w.saw(why.to_string());
    auto const named = time_after(why.to_string(), " until ");
    bool const is_told = why == cf::errc::rotation_lost || why == cf::errc::sink_failed;
    if (is_told && named && c.is_lost(t)) c.note_lost(p, t, *named);
    if (is_told && named) c.note_unfinished(p, t, *named); // in a sink that said it failed
}

/// How a token is at one moment.
struct standing {
    bool is_there = false, is_enabled = false, is_expired = false, is_lost = false;
    cf::timestamp changed_at{};
    int number = 0;
    int rotations = 0;
    cf::timestamp expires_at{};
    std::optional<cf::timestamp> grace_end{};
};

inline standing stand(world& w, consumers& c, tended const& t) {
    auto const* there = w.box.find(t.id);
    if (there == nullptr) return {};
    return {true,         there->enabled,    there->expires_at <= w.wall(),
            c.is_lost(t), t.changed_at,      c.at_server(t)->number,
            t.rotations,  there->expires_at, there->previous_expires_at};
}

/// When a change must be seen by whoever looks at `now`.
inline cf::timestamp settled_by(world const& w, cf::timestamp now) {
    return now.plus(-(lease_span + 1min) - w.what.lag);
}

/// A secret that was lost before must be told, not rotated over.
inline void check_loss(world& w, consumers& c, tended& t, standing const& before,
                       cf::timestamp begun, cf::result<access::rotated> const& done) {
    bool const was_lost = before.is_lost && before.is_enabled &&
                          before.changed_at < settled_by(w, begun) &&
                          t.touched_at < settled_by(w, begun) &&
                          !c.was_stored(t, before.number); // since, by a process that slept
    if (!was_lost || !w.what.switches.shows_version_and_enabled) return;
    if (done && t.rotations == before.rotations + 1)
        w.complain("a lost secret was rotated over: " + t.key);
    if (!done && done.error() == cf::errc::grace_running && c.is_lost(t) &&
        stand(w, c, t).number == before.number)
        w.complain("a lost secret was not told: " + t.key);
}

inline void note_rotated(process& p, consumers& c, tended& t, task_plan const& r,
                         cf::result<access::rotated> const& done) {
    auto& w = p.in();
    if (!done) return note_failure(p, c, t, done.error());
    auto const* const held = c.in_sink(t);
    // Without versions a process that was stopped may store an older secret over it.
    bool const may_be_older = t.is_by_hand && !w.what.switches.shows_version_and_enabled;
    if (held == nullptr || (held->number < c.purposes[&p].made && !may_be_older))
        return w.complain("a rotation that succeeded has no secret in the sink");
    c.note_shortened(p, t, done->previous_valid_until);
    if (r.what == errand::rotate) c.note_promise(p, t, done->previous_valid_until);
    if (r.what == errand::revoke && c.has_two(t) && !t.is_by_hand && !t.is_extended &&
        c.at_server(t)->number == c.purposes[&p].made)
        w.complain("a revoked secret still works");
    if (r.what == errand::revoke && c.purposes[&p].made > 0)
        t.revoked_below = (std::max)(t.revoked_below, c.purposes[&p].made);
    c.purposes[&p].has_succeeded = true;
    if (done->token.id != t.id || done->token.client_id != t.client_id)
        w.complain("a rotation gives another token");
}

/// A process that rotates, or changes a grace, and ends, or dies.
inline task<void> rotate(process& p, consumers& c, task_plan const& r) {
    auto& w = p.in();
    co_await w.clock.until(w.clock.now() + p.planned().starts_at);
    c.purposes[&p] = {r.what, r.grace, p.steady()};
    auto& t = c.tokens[r.token];
    auto const before = stand(w, c, t);
    auto const begun = w.wall();
    try {
        sink s{p};
        log l{p};
        access::rotator rotator(make_client(p), w.scope, s, l, rotation_options_of(p));
        if (r.what == errand::extend) {
            auto pending = rotator.extend_grace(t.id, r.grace);
            auto const done = co_await std::move(pending);
            c.purposes[&p].has_succeeded = done.has_value();
            done ? c.note_moved(p, t, *done, begun) : w.saw(done.error().to_string());
        } else if (r.what == errand::end_grace) {
            auto pending = rotator.end_grace(t.id);
            auto const done = co_await std::move(pending);
            c.purposes[&p].has_succeeded = done.has_value();
            if (!done) w.saw(done.error().to_string());
            if (done && c.is_alone(p, t, begun) && c.has_two(t))
                w.complain("a grace that was ended goes on");
        } else {
            auto pending = r.what == errand::revoke    ? rotator.revoke_and_rotate(t.key)
                           : r.what == errand::replace ? rotator.replace_lost(t.key, r.grace)
                           : r.is_by_id                ? rotator.rotate(t.key, t.id, r.grace)
                                                       : rotator.rotate(t.key, r.grace);
            auto const done = co_await std::move(pending);
            if (r.what == errand::rotate) check_loss(w, c, t, before, begun, done);
            note_rotated(p, c, t, r, done);
        }
    } catch (crashed const&) {
        c.note_death(p);
    }
}

/// Holds one entry of a look's report against the truth before and after it.
inline void check_entry(world& w, consumers& c, tended& t, standing const& before,
                        cf::timestamp begun, access::renewal_report::entry const& e) {
    using enum access::renewal_state;
    auto const now = stand(w, c, t);
    auto const complain = [&](char const* what) { w.complain(std::string(what) + ": " + t.key); };
    bool const was_changed = now.number != before.number;
    auto const by = settled_by(w, begun);
    bool const is_settled = before.changed_at < by && t.changed_at < by && t.touched_at < by &&
                            w.leased_at[t.id] < by; // who has it may be about to store
    if (w.what.is_honest()) {
        bool const is_new = t.changed_at.plus(w.what.lag) >= begun;
        if (e.state == missing && before.is_there && now.is_there && !is_new)
            complain("a token is reported as missing that is there");
        auto const changed_at = (std::max)(t.changed_at, t.touched_at);
        if (e.state != missing && !before.is_there && changed_at.plus(w.what.lag) < begun)
            complain("a missing token is not reported");
    }
    if (e.state == missing && (e.rotated || e.refreshed))
        complain("a missing token is reported as renewed");
    if (e.state == disabled && (e.rotated || e.refreshed))
        complain("a disabled token is reported as renewed");
    if (e.rotated && c.in_sink(t) == nullptr) complain("a rotated token has no secret in the sink");
    if (e.rotated && t.rotations == before.rotations)
        complain("a token is reported as rotated that is not");
    if (!before.is_there || !now.is_there || !w.what.switches.shows_version_and_enabled) return;
    if (!before.is_enabled && !now.is_enabled && e.state != disabled && e.state != missing &&
        is_settled)
        complain("a disabled token is not reported");
    if (e.state == disabled && before.is_enabled && now.is_enabled && is_settled)
        complain("a token is reported as disabled that is not");
    if (!before.is_enabled || !now.is_enabled) return;
    bool const was_refreshed = now.expires_at != before.expires_at;
    if (before.is_expired && now.is_expired && !was_refreshed && e.state != expired &&
        e.state != missing && (e.state != disabled || is_settled))
        complain("an expired token is not reported");
    if (before.is_expired || e.state == expired) return;
    if (!w.what.switches.rotate_raises_version) return; // which tells nothing of that
    if (before.is_lost && now.is_lost && !was_changed && e.state != lost && e.state != missing &&
        is_settled)
        complain("a lost token is not reported");
    if (e.state == lost && !before.is_lost && !now.is_lost && !was_changed)
        complain("a token is reported as lost that is not");
}

/// A grace that all consumers can do without was ended.
inline void check_unneeded_grace(process& p, consumers& c, tended& t, standing const& before,
                                 access::renewal_report::entry const& e) {
    auto& w = p.in();
    if (!c.take_unneeded(p, t.id) || e.failure || e.rotated) return;
    auto const now = stand(w, c, t);
    bool const was_moved = now.changed_at != before.changed_at; // and back, by a late request
    if (was_moved) return;
    if (now.is_there && now.grace_end && now.grace_end == before.grace_end &&
        *now.grace_end > w.wall())
        w.complain("a grace that nobody needs is not ended: " + t.key);
}

/// Holds a look's report against the truth, and writes down what it said.
inline void note_look(process& p, consumers& c, std::vector<standing> const& before,
                      cf::timestamp begun, task_plan const& r, int& failed_looks,
                      cf::result<access::renewal_report> const& done) {
    auto& w = p.in();
    c.knock();
    if (!done) {
        ++failed_looks;
        return w.saw(done.error().to_string());
    }
    std::size_t unseen = 0;
    bool has_failed = false;
    for (std::size_t n = 0; n != c.tokens.size(); ++n) {
        auto& t = c.tokens[n];
        if (t.sink != w.sink_of(p.planned().host)) continue;
        auto const is_of = [&](auto const& e) { return e.token_id == t.id && e.key == t.key; };
        auto const& all = done->tokens;
        auto const e = std::find_if(all.begin(), all.end(), is_of);
        if (e == all.end() || std::count_if(all.begin(), all.end(), is_of) != 1) {
            if (!p.is_cancelled()) w.complain("a look does not report each token once");
            continue;
        }
        check_entry(w, c, t, before[n], begun, *e);
        bool const is_new = t.changed_at.plus(w.what.lag) >= begun;
        unseen += e->state == access::renewal_state::missing && before[n].is_there && !is_new &&
                  w.box.find(t.id) != nullptr;
        has_failed = has_failed || e->failure;
        check_unneeded_grace(p, c, t, before[n], *e);
        t.looked_at = begun;
        if (shows_history()) w.saw("look: " + t.key + " is " + std::string(to_string(e->state)));
        using enum access::renewal_state;
        t.was_reported = e->state == missing || e->state == disabled || e->state == expired;
        t.has_failed = e->failure.has_value();
        t.is_told_lost = e->state == lost || e->failure == cf::errc::rotation_lost;
        if (!e->failure && e->state != disabled) t.well_at = begun;
        if (e->failure) note_failure(p, c, t, *e->failure);
        auto const until = e->previous_valid_until;
        if (t.is_told_lost && !e->rotated) c.note_lost(p, t, until.value_or(w.wall()));
        if (e->rotated && until) c.note_shortened(p, t, *until);
        if (e->rotated && until && r.what == errand::renew) c.note_promise(p, t, *until);
    }
    if (unseen != 0 && unseen == done->tokens.size())
        w.complain("tokens that may not be read are reported as missing");
    auto const next = done->next_look;
    if (next < begun || next > w.wall().plus(r.policy.poll_interval() + 5min))
        w.complain("the next look is at the wrong time");
    failed_looks = has_failed ? failed_looks + 1 : 0;
    auto const early = std::chrono::seconds(30) * (1 << (std::min)(failed_looks, 12));
    if (has_failed && next > w.wall().plus(early + 2s))
        w.complain("the next look comes late after a failure");
}

/// A process that renews, look after look, and ends, or dies.
inline task<void> renew(process& p, consumers& c, task_plan const& r) {
    auto& w = p.in();
    co_await w.clock.until(w.clock.now() + p.planned().starts_at);
    c.purposes[&p] = {r.what, r.policy.grace(), p.steady()};
    auto policy = r.policy;
    if (r.consumers_take)
        policy.consumers_have([&p, &c, &r](access::held_token const& held) {
            return c.all_have(p, held.token_id, *r.consumers_take);
        });
    std::vector<standing> before;
    cf::timestamp begun;
    auto const begin = [&] {
        begun = w.wall();
        c.forget_unneeded(p);
        before.clear();
        for (auto const& t : c.tokens)
            before.push_back(stand(w, c, t));
    };
    int looks = 0, failed_looks = 0;
    auto const note = [&](cf::result<access::renewal_report> const& done) {
        note_look(p, c, before, begun, r, failed_looks, done);
        begin();
        return ++looks < r.looks && !w.faults_end;
    };
    try {
        sink s{p};
        log l{p};
        access::renewer renewer(make_client(p), w.scope, s, l, policy, rotation_options_of(p));
        begin();
        if (r.every == 0s) {
            auto pending = renewer.run(note);
            co_await std::move(pending);
        } else {
            for (bool goes_on = true; goes_on;) {
                begin();
                auto pending = renewer.run_once();
                auto const done = co_await std::move(pending);
                goes_on = note(done);
                if (goes_on) co_await w.clock.until(w.clock.now() + r.every);
            }
        }
    } catch (crashed const&) {
        c.note_death(p);
    }
}

/// A person does one thing to a token.
inline void meddle(world& w, consumers& c, std::uint64_t choice) {
    auto& t = c.tokens[choice / 16 % c.tokens.size()];
    auto const* const there = w.box.find(t.id);
    if (there == nullptr) return;
    auto const update = [&](access::update_params const& params) {
        w.do_by_hand(access::update_service_token(w.scope, t.id, params));
    };
    auto const version = there->version;
    switch (choice % 16) {
    case 0:
    case 1: update(access::update_params().name("renamed")); return;
    case 2: w.do_by_hand(access::delete_service_token(w.scope, t.id)); return;
    case 3:
        update(access::update_params().enabled(false));
        w.clock.at(w.clock.now() + std::chrono::minutes(choice / 256 % 5000), [&w, &t] {
            if (w.box.find(t.id) == nullptr) return;
            w.do_by_hand(
                access::update_service_token(w.scope, t.id, access::update_params().enabled(true)));
        });
        return;
    case 4: update(access::update_params().enabled(false)); return;
    case 5:
    case 6:
        update(access::update_params().previous_client_secret_expires_at(
            w.wall().plus(std::chrono::hours(choice / 256 % 100))));
        return;
    case 7: update(access::update_params().previous_client_secret_expires_at(w.wall())); return;
    case 8:
        update(access::update_params()
                   .client_secret_version(version + 1)
                   .previous_client_secret_expires_at(
                       w.wall().plus(std::chrono::hours(choice / 256 % 30))));
        return;
    case 9: update(access::update_params().duration(t.duration)); return;
    default: return;
    }
}

} // namespace simulation
