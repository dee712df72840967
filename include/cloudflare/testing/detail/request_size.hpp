/// Where a request in HTTP/1.1 ends.
#pragma once

#include <cloudflare/http/headers.hpp>

#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

namespace cloudflare::inline v0::testing::detail {

/// The size of the request that `string` begins with; empty where it is not complete.
///
/// @param header_only the size without the body
[[nodiscard]] inline std::optional<std::size_t> request_size(std::string_view string,
                                                             bool header_only) {
    auto const header_end = string.find("\r\n\r\n");
    if (header_end == string.npos) return std::nullopt;
    if (header_only) return header_end + 4;
    std::size_t length = 0;
    for (auto rest = string.substr(0, header_end + 2); !rest.empty();) {
        auto const line = rest.substr(0, rest.find("\r\n"));
        rest.remove_prefix(line.size() + 2);
        auto const colon = line.find(':');
        if (colon == line.npos || !http::same_name(line.substr(0, colon), "content-length"))
            continue;
        auto const digits = line.find_first_not_of(' ', colon + 1);
        if (digits != line.npos)
            std::from_chars(line.data() + digits, line.data() + line.size(), length);
    }
    auto const size = header_end + 4 + length;
    return size <= string.size() ? std::optional(size) : std::nullopt;
}

} // namespace cloudflare::inline v0::testing::detail
