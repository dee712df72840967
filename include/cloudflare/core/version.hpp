/// The version of the library: one macro for the preprocessor, one string for people.
#pragma once

#include <cloudflare/core/config.hpp>

#include <string_view>

/// major * 10000 + minor * 100 + patch
#define CLOUDFLARE_ACCESS_VERSION 100

namespace cloudflare::inline v0 {

/// The same version as a string, e.g. for a `User-Agent`.
inline constexpr std::string_view version = "0.1.0";

} // namespace cloudflare::inline v0
