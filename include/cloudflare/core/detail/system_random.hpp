/// Random bits from the system.
#pragma once

#include <cloudflare/core/config.hpp>

#include <cstdint>

namespace cloudflare::inline v0::detail {

/// 64 bits of `std::random_device`. Out of line because <random> is slow to compile.
[[nodiscard]] std::uint64_t system_random();

} // namespace cloudflare::inline v0::detail

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/core/impl/system_random.ipp>
#endif
