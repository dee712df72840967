/// Comparing the names of header fields and of hosts.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <string_view>

namespace cloudflare::inline v0::http {

/// Whether two names are the same, ignoring ASCII case.
[[nodiscard]] constexpr bool same_name(std::string_view a, std::string_view b) noexcept {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [&](char x, char y) { return lower(x) == lower(y); });
}

} // namespace cloudflare::inline v0::http
