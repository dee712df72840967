// What must hold after every simulated history, from the sandbox's own state.
#pragma once

#include "world.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace simulation {

/// A token that somebody else made before, as it was.
struct stranger {
    std::string id;
    std::string name;
    std::string secret;
};

/// Every token is held with the secret that works, or named by an open intent; nobody else's was
/// touched.
inline void check_ownership(world& w, std::vector<stranger> const& strangers) {
    auto const open = w.intents.list().value();
    for (auto const& t : w.box.tokens()) {
        auto const same = [&](stranger const& s) { return s.id == t.id; };
        if (std::ranges::any_of(strangers, same)) continue;
        auto const held = w.sink.stored(t.id);
        if (held && held->client_secret.reveal() == t.secret) continue;
        bool const named = std::ranges::any_of(
            open, [&](access::intent const& i) { return access::has_tag(t.name, i.tag); });
        if (held) {
            w.complain("the sink holds a secret that does not work: " + t.name);
        } else if (!named) {
            w.complain("nobody owns the token " + t.name);
        }
    }
    for (auto const& s : strangers) {
        auto const* t = w.box.find(s.id);
        if (t == nullptr || t->name != s.name || t->secret != s.secret)
            w.complain("a stranger's token was touched: " + s.name);
    }
}

/// What an issue reported as its success is still there.
inline void check_successes(world& w) {
    for (auto const& id : w.issued_ids) {
        auto const* t = w.box.find(id);
        auto const held = w.sink.stored(id);
        if (t == nullptr || !held || held->client_secret.reveal() != t->secret)
            w.complain("an issue that succeeded has no token that works");
    }
}

/// When all is quiet and reconcile has run, no token is left that the sink does not hold.
inline void check_settled(world& w, std::vector<stranger> const& strangers) {
    for (auto const& t : w.box.tokens()) {
        auto const same = [&](stranger const& s) { return s.id == t.id; };
        if (!std::ranges::any_of(strangers, same) && !w.sink.stored(t.id))
            w.complain("reconcile left a token that nobody holds: " + t.name);
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

} // namespace simulation
