/// SplitMix64: 64 random bits from a counter. Good for jitter and for tests, not for secrets.
#pragma once

#include <cloudflare/core/config.hpp>

#include <cstdint>

namespace cloudflare::inline v0::detail {

/// The increment of the counter.
inline constexpr std::uint64_t splitmix64_step = 0x9e3779b97f4a7c15;

/// The number for a state of the counter.
[[nodiscard]] constexpr std::uint64_t splitmix64(std::uint64_t state) noexcept {
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
    return state ^ (state >> 31);
}

} // namespace cloudflare::inline v0::detail
