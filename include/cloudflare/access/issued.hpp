/// What an issue gives.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/service_token.hpp>

#include <optional>
#include <ostream>
#include <utility>

namespace cloudflare::inline v0::access {

/// The token that an issue made or found; its secret is in the sink. (A class, not an aggregate:
/// g++ 12.)
class issued {
public:
    issued() {}
    /// This token, with a clean name.
    explicit issued(service_token made) : token(std::move(made)) {}

    /// Of a key that the sink held already: no more than the sink knows of it.
    service_token token;
    /// The sink held the key already: nothing was sent.
    bool already_held = false;
    /// The token is good, and the intent is in the log still, settled: the tag could not be taken
    /// out of the name, or was left there by choice. `issuer::finish` or a reconciler sees to it.
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
