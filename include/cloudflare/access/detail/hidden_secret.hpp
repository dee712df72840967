/// Hiding a secret in a string that may quote it.
#pragma once

#include <cloudflare/access/detail/base64.hpp>
#include <cloudflare/core/wipe.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::access::detail {

/// The string with `[redacted]` in place of the secret, of each part of it that has at least 8
/// characters, and of the same in base64.
[[nodiscard]] inline std::string without(std::string_view hidden, std::string_view string) {
    constexpr std::size_t shortest = 8; // of what is recognized as a part
    wiped_string encoded;
    append_base64url(encoded, hidden);
    wiped_string other_alphabet = encoded;
    for (auto& c : other_alphabet)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    std::string shown;
    while (!string.empty()) {
        std::size_t part = 0;
        for (std::string_view const whole :
             {hidden, std::string_view(encoded), std::string_view(other_alphabet)}) {
            auto const least = (std::min)(shortest, whole.size());
            auto size = least;
            while (least != 0 && size <= string.size() &&
                   whole.find(string.substr(0, size)) != whole.npos)
                part = (std::max)(part, size++);
        }
        shown += part == 0 ? string.substr(0, 1) : std::string_view("[redacted]");
        string.remove_prefix(part == 0 ? 1 : part);
    }
    return shown;
}

} // namespace cloudflare::inline v0::access::detail
