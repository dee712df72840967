/// Percent-encoding (RFC 3986) of what goes into a path segment or a query.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::http {

/// Appends `text` to `target` with every byte but the unreserved ones (letters, digits, `-._~`)
/// written as `%XX`.
inline void append_percent_encoded(std::string& target, std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (char const c : text) {
        bool const unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                                (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved) {
            target += c;
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        target += '%';
        target += hex[byte >> 4];
        target += hex[byte & 15];
    }
}

/// The text with every `%XX` read, or nothing where two hexadecimal digits are missing.
[[nodiscard]] inline std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        if (text.front() != '%') {
            decoded += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned char byte = 0;
        if (text.size() < 3 ||
            std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr != text.data() + 3)
            return std::nullopt;
        decoded += static_cast<char>(byte);
        text.remove_prefix(3);
    }
    return decoded;
}

} // namespace cloudflare::inline v0::http
