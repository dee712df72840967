/// What sending a request a second time would do.
#pragma once

#include <cloudflare/core/fwd.hpp>

namespace cloudflare::inline v0 {

/// What sending a request again does where the server may have acted on the first.
enum class idempotency : unsigned char {
    safe,              ///< nothing, and nor does the first: it only reads (RFC 9110, section 9.2.1)
    idempotent,        ///< nothing beyond what the first did
    idempotent_delete, ///< nothing beyond what the first did: it then finds nothing (404), which is
                       ///< success
    at_most_once,      ///< harm: create makes a second token
    revokes,           ///< harm: rotate revokes the secret that the first request made
};

/// Whether a request may be sent again although the server may have acted on it.
[[nodiscard]] constexpr bool is_repeatable(idempotency kind) noexcept {
    return kind != idempotency::at_most_once && kind != idempotency::revokes;
}

} // namespace cloudflare::inline v0
