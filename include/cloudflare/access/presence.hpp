/// Whether a token was there.
#pragma once

#include <ostream>
#include <string_view>

#include <cloudflare/core/config.hpp>

namespace cloudflare::inline v0::access {

/// Whether a request found the token. Not a bool: a constant `result<bool>` that a coroutine
/// returns becomes true, because it converts to bool.
enum class presence : unsigned char {
    there,  ///< the server has it
    absent, ///< the server has no such token
};

[[nodiscard]] constexpr std::string_view to_string(presence p) noexcept {
    return p == presence::there ? "there" : "absent";
}
inline std::ostream& operator<<(std::ostream& out, presence p) {
    return out << to_string(p);
}

} // namespace cloudflare::inline v0::access
