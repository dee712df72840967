/// What a second sending of a request would do.
#pragma once

#include <cloudflare/core/fwd.hpp>

namespace cloudflare::inline v0 {

/// What a second sending does of a request that the server may have acted on.
enum class idempotency : unsigned char {
    safe,           ///< nothing, and nor does the first: it only reads (RFC 9110, section 9.2.1)
    idempotent,     ///< nothing beyond what the first did
    done_when_gone, ///< nothing beyond what the first did: a delete then finds nothing (404), which
                    ///< is success
    once,           ///< harm: create makes a second token
    voids,          ///< harm: rotate revokes the secret that the first sending made
};

/// Whether a request may be sent again that the server may have acted on.
[[nodiscard]] constexpr bool is_repeatable(idempotency kind) noexcept {
    return kind != idempotency::once && kind != idempotency::voids;
}

} // namespace cloudflare::inline v0
