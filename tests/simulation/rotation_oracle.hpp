// What must hold of tended tokens in the end: that they work, live, are rotated when due, or are
// reported.
#pragma once

#include "oracle.hpp"
#include "rotation_actors.hpp"

#include <cstdio>
#include <string>

namespace simulation {

inline void check_always(world& w, consumers& c) {
    c.knock();
    check_strangers(w);
    check_silence(w);
    for (auto const& i : w.log.list().value())
        if (i.purpose != access::intent_purpose::rotate) w.complain("an intent of an issue");
}

/// Whether the product can do all that it has to.
inline bool is_manageable(world const& w, bool is_account) {
    auto const& s = w.what.switches;
    bool const can_rotate = s.shows_version_and_enabled ? s.update_shows_secret : is_account;
    return w.what.is_honest() && can_rotate;
}

/// When faults have ended and renewers have looked often enough.
inline void check_tended(world& w, consumers& c, access::renewal_policy const& policy,
                         bool is_account) {
    if (!is_manageable(w, is_account)) return;
    auto const now = w.wall();
    auto const complain = [&](char const* what, tended const& t) {
        w.complain(std::string(what) + ": " + t.key);
    };
    for (auto const& t : c.tokens) {
        auto const* const there = w.box.find(t.id);
        if (there == nullptr || !there->enabled) continue;
        if (t.duration.is_forever() != there->duration.is_forever() ||
            there->duration != t.duration)
            complain("a token's duration was changed", t);
        if (t.duration.is_forever()) continue;
        auto const life = std::chrono::ceil<std::chrono::seconds>(*t.duration.value());
        if (there->expires_at <= now && !t.was_reported) complain("a token has expired", t);
        if (there->expires_at > now.plus(life))
            complain("a token lives longer than its own duration", t);
        if (c.is_lost(t)) continue;
        // Without versions a rotation whose process died after its store is told as lost.
        if (t.is_told_lost && !w.what.switches.shows_version_and_enabled) continue;
        if (t.has_failed) complain("a look fails where nothing is wrong", t);
        // Nobody can see that people have cut a grace if its end is not shown.
        if (t.is_by_hand && !w.what.switches.shows_previous_expiry) continue;
        // Nor that a process which died has ended it: then what the log promises is believed.
        if (c.is_promised(t) && !w.what.switches.shows_previous_expiry) continue;
        auto const slack =
            policy.poll_interval() * 2 + policy.grace() + 30h; // 30 h: clocks of sinks
        auto const held = w.sinks[static_cast<std::size_t>(t.sink)].find(t.key);
        auto stored_at = c.in_sink(t)->stored_at.value_or(t.secret_at);
        if (held && *held) stored_at = (std::max)(stored_at, (*held)->since); // stored again
        auto const free = (std::max)(stored_at, there->previous_expires_at.value_or(stored_at));
        auto const old = free.plus(*policy.rotate_after() + slack);
        if (old < now && there->expires_at > now) complain("a secret is not rotated when due", t);
    }
}

/// When lost secrets were to be replaced, too, and graces ended.
///
/// @param settled before that a secret must have been stored, to have been looked at since
inline void check_healed(world& w, consumers& c, bool is_account, cf::timestamp settled) {
    if (!is_manageable(w, is_account)) return;
    for (auto& t : c.tokens) {
        auto const* const there = w.box.find(t.id);
        if (there == nullptr || !there->enabled || there->expires_at <= w.wall()) continue;
        auto const& s = w.what.switches;
        bool const is_seen =
            s.rotate_raises_version && (s.shows_version_and_enabled || !t.is_by_hand);
        if (c.is_lost(t) && is_seen) w.complain("a lost secret is never replaced: " + t.key);
        auto const* const held = c.in_sink(t);
        bool const is_settled =
            held == c.at_server(t) && held->stored_at.value_or(w.wall()) < settled;
        if (is_settled && is_seen && c.has_two(t) && w.what.switches.shows_previous_expiry)
            w.complain("a grace that nobody needs is never ended: " + t.key);
    }
    for (auto const& i : w.log.list().value()) {
        auto const* const there = w.box.find(i.token_id);
        bool const is_alive = there != nullptr && there->enabled && there->expires_at > w.wall();
        // A process that was stopped may send what it planned, so that the plan stays until its end.
        bool const is_planned = i.state == access::intent_state::open && is_alive &&
                                i.version > there->version && i.until > w.wall();
        if (i.state != access::intent_state::settled && is_alive && !is_planned)
            w.complain("the intent of a rotation is never settled");
    }
}

/// Prints what there is in the end.
inline void show(world& w, consumers& c) {
    std::printf("kind: %s\n", w.what.name.c_str());
    for (auto const& text : w.printed)
        std::printf("  %s\n", text.c_str());
    for (auto const& t : c.tokens) {
        auto const* s = c.in_sink(t);
        std::printf("  tended %s %s sink %d holds secret %d%s\n", t.key.c_str(), t.id.c_str(),
                    t.sink, s == nullptr ? -1 : s->number, c.is_lost(t) ? ", lost" : "");
    }
    for (auto const& t : w.box.tokens())
        std::printf("  token %s v%d %s ends %s, secret before %s\n", t.id.c_str(), int(t.version),
                    t.enabled ? "enabled" : "disabled", t.expires_at.to_string().c_str(),
                    t.previous_expires_at ? t.previous_expires_at->to_string().c_str() : "-");
    for (auto const& i : w.log.list().value())
        std::printf("  intent %s state %d token %s opened %s until %s sink %s\n", i.tag.c_str(),
                    int(i.state), i.token_id.c_str(), i.opened_at.to_string().c_str(),
                    i.until.to_string().c_str(), i.sink.c_str());
}

} // namespace simulation
