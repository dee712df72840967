/// Percent-encoding (RFC 3986) of what goes into a path segment or a query.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::http {

namespace detail {

/// Which bytes are unreserved (section 2.3).
inline constexpr auto unreserved = [] {
    std::array<bool, 256> table{};
    for (char const c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "abcdefghijklmnopqrstuvwxyz-._~"))
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();

} // namespace detail

/// Appends `string` to `target`; every byte that is not unreserved (letters, digits, `-._~`)
/// becomes `%XX`.
inline void append_percent_encoded(std::string& target, std::string_view string) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    auto const is_unreserved = [](char c) {
        return detail::unreserved[static_cast<unsigned char>(c)];
    };
    for (;;) {
        auto const reserved = std::find_if_not(string.begin(), string.end(), is_unreserved);
        target.append(string.begin(), reserved);
        if (reserved == string.end()) return;
        auto const byte = static_cast<unsigned char>(*reserved);
        ((target += '%') += hex[byte >> 4]) += hex[byte & 15];
        string = {reserved + 1, string.end()};
    }
}

/// Decodes every `%XX` in a string; empty where a `%` is not followed by two hexadecimal digits.
[[nodiscard]] inline std::optional<std::string> percent_decode(std::string_view string) {
    std::string decoded;
    while (!string.empty()) {
        if (string.front() != '%') {
            decoded += string.front();
            string.remove_prefix(1);
            continue;
        }
        unsigned char byte = 0;
        if (string.size() < 3 ||
            std::from_chars(string.data() + 1, string.data() + 3, byte, 16).ptr !=
                string.data() + 3)
            return std::nullopt;
        decoded += static_cast<char>(byte);
        string.remove_prefix(3);
    }
    return decoded;
}

} // namespace cloudflare::inline v0::http
