/// The result of an issue.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/service_token.hpp>

#include <optional>
#include <ostream>
#include <utility>

namespace cloudflare::inline v0::access {

/// The token that an issue made or found; its secret is in the sink. Not an aggregate: see "g++
/// 12's rules" in include/README.md.
class issued {
public:
    issued() {}
    /// This token, with a clean name.
    explicit issued(service_token made) : token(std::move(made)) {}

    /// If the sink held the key already, only what the sink knows of the token.
    service_token token;
    /// The sink held the key already: nothing was sent.
    bool already_held = false;
    /// The token is good, but its name still has the tag and the log still has the intent, settled:
    /// the renaming failed or was left out by choice. `issuer::finish` or a reconciler does the
    /// rest.
    bool intent_open = false;
    /// That intent.
    std::optional<intent> settled;
};

inline std::ostream& operator<<(std::ostream& out, issued const& i) {
    out << i.token;
    if (i.already_held) out << ", held already";
    if (i.intent_open) out << ", its intent is still in the log";
    return out;
}

} // namespace cloudflare::inline v0::access
