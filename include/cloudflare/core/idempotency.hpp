/// What sending a request a second time would do.
#pragma once

#include <ostream>
#include <string_view>

#include <cloudflare/core/fwd.hpp>

namespace cloudflare::inline v0 {

/// What sending a request again does where the server may have acted on the first.
enum class idempotency : unsigned char {
    safe,              ///< nothing: the request only reads (RFC 9110, section 9.2.1)
    idempotent,        ///< nothing more than the first did, e.g. an update to the same values
    idempotent_delete, ///< nothing more: a 404 then says that the first did it, and is success
    at_most_once,      ///< harm: a second create makes a second token
    revokes,           ///< harm: a second rotate revokes the secret that the first one made
};

/// Whether a request may be sent again although the server may have acted on it.
[[nodiscard]] constexpr bool is_repeatable(idempotency kind) noexcept {
    return kind != idempotency::at_most_once && kind != idempotency::revokes;
}

/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(idempotency kind) noexcept {
    switch (kind) {
    case idempotency::safe: return "safe";
    case idempotency::idempotent: return "idempotent";
    case idempotency::idempotent_delete: return "idempotent_delete";
    case idempotency::at_most_once: return "at_most_once";
    case idempotency::revokes: return "revokes";
    }
    return "";
}

inline std::ostream& operator<<(std::ostream& out, idempotency kind) {
    return out << to_string(kind);
}

} // namespace cloudflare::inline v0
