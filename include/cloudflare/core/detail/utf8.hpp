/// Well-formed UTF-8 (RFC 3629).
#pragma once

#include <cloudflare/core/config.hpp>

#include <cstddef>
#include <string_view>

namespace cloudflare::inline v0 {

namespace detail {

/// The length in bytes of the character that `string` begins with; 0 where that is not well-formed.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view string) noexcept {
    auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(string[at]); };
    if (string.empty()) return 0;
    unsigned const lead = byte(0);
    if (lead < 0x80) return 1;
    std::size_t const length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (length == 0 || length > string.size()) return 0;
    for (std::size_t k = 1; k != length; ++k)
        if ((byte(k) & 0xC0) != 0x80) return 0;
    if (length > 2) { // overlong forms, surrogates, and above U+10FFFF
        unsigned const second = byte(1);
        if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
            (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
            return 0;
    }
    return length;
}

} // namespace detail

/// Whether `string` is well-formed UTF-8: what a JSON string may hold.
[[nodiscard]] constexpr bool is_utf8(std::string_view string) noexcept {
    while (!string.empty()) {
        auto const length = detail::utf8_length(string);
        if (length == 0) return false;
        string.remove_prefix(length);
    }
    return true;
}

} // namespace cloudflare::inline v0
