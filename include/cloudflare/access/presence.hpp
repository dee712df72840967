/// Whether a token was there.
#pragma once

#include <cloudflare/core/config.hpp>

namespace cloudflare::inline v0::access {

/// What a request found of a token. (Not a `result<bool>`: returned from a coroutine as a constant,
/// that is true whatever it holds, for it converts to bool.)
enum class presence : unsigned char {
    there,  ///< the server has it
    absent, ///< the server has no such token
};

} // namespace cloudflare::inline v0::access
