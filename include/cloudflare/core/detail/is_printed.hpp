/// How a type that cannot be declared ahead, such as a nested one, joins those that `std::format` and
/// fmt print.
#pragma once

#include <cloudflare/core/config.hpp>

namespace cloudflare::inline v0::detail {

/// Specialized beside the type's `operator<<`, which shows no secret.
template <class T>
inline constexpr bool is_printed = false;

} // namespace cloudflare::inline v0::detail
