/// CRC-32 (IEEE 802.3), as in gzip.
#pragma once

#include <cloudflare/core/config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace cloudflare::inline v0::detail {

[[nodiscard]] inline std::uint32_t crc32(std::string_view string) noexcept {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t byte = 0; byte != 256; ++byte) {
            t[byte] = byte;
            for (int bit = 0; bit != 8; ++bit)
                t[byte] = (t[byte] >> 1) ^ ((t[byte] & 1) != 0 ? 0xedb88320U : 0U);
        }
        return t;
    }();
    std::uint32_t crc = 0xffffffff;
    for (char const c : string)
        crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
    return ~crc;
}

} // namespace cloudflare::inline v0::detail
