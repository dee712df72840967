// What must hold after every simulated history, from the sandbox's own state.
#pragma once

#include "rotation_world.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace simulation {

/// What a rotation reported as its success is still there.
inline void check_successes(world& w) {
    for (auto const& id : w.issued_ids) {
        auto const* t = w.box.find(id);
        auto const held = w.sink.stored(id);
        if (t == nullptr || !held || held->client_secret.reveal() != t->secret)
            w.complain("a rotation that succeeded has no token that works");
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
