/// The definition of `system_random`.
#pragma once

#include <cloudflare/core/detail/system_random.hpp>

#include <cstdint>
#include <random>

namespace cloudflare::inline v0::detail {

CLOUDFLARE_DECL std::uint64_t system_random() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

} // namespace cloudflare::inline v0::detail
