/// Percent-encoding (RFC 3986) of what goes into a path segment or a query.
#pragma once

#include <cloudflare/core/fwd.hpp>

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

} // namespace cloudflare::inline v0::http
