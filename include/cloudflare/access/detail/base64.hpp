/// Base64 (RFC 4648), for keys and sealed secrets.
#pragma once

#include <cloudflare/core/wipe.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// Appends `bytes` in the alphabet for URLs, without padding.
inline void append_base64url(wiped_string& string, std::string_view bytes) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : bytes) {
        bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffffff;
        for (count += 8; count >= 6; count -= 6)
            string += alphabet[bits >> (count - 6) & 63];
    }
    if (count != 0) string += alphabet[bits << (6 - count) & 63];
}

/// The six bits that a character of either alphabet stands for, or -1.
[[nodiscard]] constexpr int base64_bits(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

/// The bytes of a string without padding, in either alphabet. Nothing if a character is in neither,
/// or the last one has bits that no encoder sets, so that bytes have one form only.
[[nodiscard]] inline std::optional<wiped_string> decode_base64(std::string_view string) {
    wiped_string bytes;
    bytes.reserve(string.size());
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : string) {
        int const six = base64_bits(c);
        if (six < 0) return std::nullopt;
        bits = (bits << 6 | static_cast<std::uint32_t>(six)) & 0xffffff;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xff);
    }
    bool const is_whole = string.size() % 4 != 1 && (bits & ((1U << count) - 1)) == 0;
    return is_whole ? std::optional(std::move(bytes)) : std::nullopt;
}

} // namespace cloudflare::inline v0::access::detail
