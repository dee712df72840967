// What must hold of a simulated history, seen from outside: from the server's state, and from what
// callers were told.
#pragma once

#include "actors.hpp"

#include <cctype>
#include <map>
#include <string>
#include <vector>

namespace simulation {

/// Whether a name carries these 32 digits, or ends in the first of them: not by the library's own
/// judgement.
inline bool carries(std::string const& name, std::string tag) {
    if (name.size() >= 16 && name.size() < 38) tag.resize(name.size() - 6);
    auto const same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    };
    return std::search(name.begin(), name.end(), tag.begin(), tag.end(), same) != name.end();
}

/// The number of the issue that made a token, or -1.
inline int maker_number(world const& w, std::string const& id) {
    for (std::size_t n = 0; n != w.issues.size(); ++n) {
        auto const& made = w.issues[n].made;
        if (std::find(made.begin(), made.end(), id) != made.end()) return static_cast<int>(n);
    }
    return -1;
}
inline record const* maker_of(world const& w, std::string const& id) {
    auto const n = maker_number(w, id);
    return n < 0 ? nullptr : &w.issues[static_cast<std::size_t>(n)];
}

/// Nobody else's token was touched.
inline void check_strangers(world& w) {
    auto const check = [&](std::vector<stranger> const& all, char const* what) {
        for (auto const& s : all) {
            // A copy made while a second token may come late cannot be told from that, nor one that
            // is old where a wrong clock has dated the intent before it.
            if (&all == &w.copies && w.has_wrong_clocks) continue;
            if (s.copied_from >= 0 && w.issues[static_cast<std::size_t>(s.copied_from)].was_risky)
                continue;
            auto const* t = w.box.find(s.id);
            if (t == nullptr || t->name != s.name || t->secret != s.secret || !t->enabled)
                w.complain(what);
        }
    };
    check(w.strangers, "a stranger's token was touched");
    check(w.copies, "a token with a copied name was touched");
}

/// Every success has a token whose secret works; what was said not to be there is not.
inline void check_callers(world& w) {
    for (auto const& r : w.issues) {
        if (r.success && !w.touched.contains(*r.success) && !works(w, r.sink, *r.success))
            w.complain("an issue that succeeded has no token that works");
        bool const said_nothing_is_left = r.failure && !r.may_stray &&
                                          (r.failure->delivery() == cf::delivery::not_sent ||
                                           r.failure->delivery() == cf::delivery::rejected);
        for (auto const& id : r.made)
            if (said_nothing_is_left && w.box.find(id) != nullptr)
                w.complain("an error says that there is no token, and there is one");
    }
}

/// Every token that an issue made is owned, or named by an intent, or carries a tag that is
/// reported as stray.
/// @param at_end then it must have been reported
inline void check_ownership(world& w, bool at_end) {
    auto const intents = w.log.list().value();
    for (auto const& t : w.box.tokens()) {
        auto const* maker = maker_of(w, t.id);
        if (maker == nullptr) continue;
        if (works(w, maker->sink, t.id)) continue;
        bool const named = std::any_of(intents.begin(), intents.end(), [&](auto const& i) {
            return carries(t.name, i.tag) || i.token_id == t.id ||
                   (i.version != 0 && t.version / 16 == i.version / 16);
        });
        bool const reported = at_end && !w.what.keep_tag
                                  ? w.stray.contains(t.id)
                                  : access::has_any_tag(t.name) && maker->may_stray;
        if (!named && !reported) w.complain("nobody owns the token " + t.name);
    }
}

/// One key, one token.
inline void check_keys(world& w) {
    std::map<std::pair<int, std::string>, std::string> told;
    for (auto const& r : w.issues) {
        if (r.key.empty() || !r.success || w.touched.contains(*r.success)) continue;
        auto const [at, is_new] = told.try_emplace({r.sink, r.key}, *r.success);
        if (!is_new && at->second != *r.success) w.complain("a key has two tokens");
    }
}

/// No secret stands in anything the library printed.
inline void check_silence(world& w) {
    for (auto const& text : w.printed) {
        if (text.find("simulated-credential") != text.npos) w.complain("a credential was printed");
        for (auto const& secret : w.secrets)
            if (text.find(secret) != text.npos) w.complain("a secret was printed: " + text);
    }
}

inline void check_always(world& w) {
    check_strangers(w);
    check_callers(w);
    check_ownership(w, false);
    check_keys(w);
}

/// What must have come to pass when faults have ended and reconcilers have run long enough.
inline void check_end(world& w) {
    check_always(w);
    check_silence(w);
    for (auto const& r : w.issues)
        if (!r.ended && !r.has_died) w.complain("an issue never ended");
    if (w.what.shows_whole_lists())
        for (auto const& i : w.log.list().value())
            if (i.state != access::intent_state::settled) w.complain("an intent stays open");
    if (!w.what.is_settleable()) return;
    check_ownership(w, true);
    if (!w.log.list().value().empty()) w.complain("an intent is never settled");
    for (auto const& t : w.box.tokens()) {
        auto const* maker = maker_of(w, t.id);
        if (maker == nullptr || w.touched.contains(t.id) || w.what.keep_tag) continue;
        if (w.stray.contains(t.id) && maker->success != t.id) continue;
        if (t.name != w.what.kept_name(maker->name)) w.complain("a name is not clean: " + t.name);
        if (!works(w, maker->sink, t.id)) w.complain("a token is left that nobody holds");
    }
    // A sink holds no secret of a token that is no more, but for what people deleted.
    for (std::size_t s = 0; s != w.sinks.size(); ++s)
        for (auto const& r : w.issues)
            for (auto const& id : r.made)
                if (w.box.find(id) == nullptr && !w.touched.contains(id) && w.sinks[s].stored(id))
                    w.complain("a sink holds the secret of a token that is deleted");
    bool const can_stray = !w.what.keep_tag;
    for (auto const& s : w.strangers)
        if (can_stray && access::has_any_tag(s.name) && !w.stray.contains(s.id))
            w.complain("a stray is not reported");
}

/// Lets time pass; then each host's reconciler runs, and meets no fault.
inline void settle_after(world& w, std::chrono::seconds pause) {
    w.clock.at(w.clock.now() + pause, [] {});
    w.clock.run();
    w.stray.clear();
    for (int host = 0; host != w.host_count; ++host) {
        process one(w, plan{.host = host});
        std::vector<task<void>> tasks;
        tasks.push_back(reconcile(one));
        run(w, tasks);
    }
    check_always(w);
}

/// Lets faults end, and time pass; reconcilers run.
inline void recover(world& w) {
    w.faults_end = true;
    w.banned_until = {};
    std::chrono::seconds const rounds[] = {1h, 3h, 31h, watch_span + 25h, 25h, 25h};
    for (auto const pause : rounds)
        settle_after(w, pause);
}

} // namespace simulation
