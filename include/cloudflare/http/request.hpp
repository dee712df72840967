/// A request as a value, and its serialization in HTTP/1.1.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/method.hpp>
#include <cloudflare/http/origin.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::http {

/// What a transport sends. The transport adds `Host` and `Content-Length`.
struct request {
    http::origin origin;               ///< where it goes
    http::method method = method::get; ///< `get`, `post` ...
    std::string target{};              ///< path and query, percent-encoded, beginning with `/`
    headers fields{};                  ///< with the credentials; never printed
    std::string body{};                ///< empty for `get`
    /// Whether sending it twice does no harm. If not, a transport should not use a connection that
    /// has been idle for long: if the server closed it meanwhile, nobody knows whether it acted.
    bool repeatable = true;
};

namespace detail {

/// Whether every byte is a visible character of ASCII, 0x21 to 0x7e; eight at a time.
[[nodiscard]] inline bool is_graphic(std::string_view string) noexcept {
    constexpr std::uint64_t each = 0x0101010101010101;
    while (string.size() >= 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, string.data(), 8);
        // For a byte below 0x80: + 0x5f sets its highest bit from 0x21 on, + 1 only at 0x7f.
        if (((eight | (eight + each) | ~(eight + 0x5f * each)) & (0x80 * each)) != 0) return false;
        string.remove_prefix(8);
    }
    return std::all_of(string.begin(), string.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

} // namespace detail

/// Checks a target, which a user may have built: it must begin with `/` and contain only visible
/// ASCII characters, so that it is one word of the request line.
///
/// @return `errc::invalid_argument` with the rule that is broken
[[nodiscard]] inline result<void> check_target(std::string_view target) {
    if (target.starts_with('/') && detail::is_graphic(target)) return {};
    return error(errc::invalid_argument,
                 "target: must begin with / and hold no blank or control character");
}

/// Prints method, address and fields, credentials redacted, and the size of the body.
inline std::ostream& operator<<(std::ostream& out, request const& r) {
    return out << to_string(r.method) << ' ' << r.origin << r.target << '\n'
               << r.fields << "(" << r.body.size() << " bytes of body)\n";
}

/// The request's bytes in HTTP/1.1, replacing what `wire` holds.
inline void serialize(request const& r, wiped_string& wire) {
    bool const has_body = r.method != method::get && r.method != method::delete_;
    wire.clear();
    wire.reserve(r.target.size() + r.origin.authority().size() + r.fields.wire_format().size() +
                 r.body.size() + 64);
    wire.append(to_string(r.method)).append(1, ' ').append(r.target).append(" HTTP/1.1\r\nHost: ");
    wire.append(r.origin.authority()).append("\r\n").append(r.fields.wire_format());
    if (has_body || !r.body.empty())
        wire.append("Content-Length: ").append(std::to_string(r.body.size())).append("\r\n");
    wire.append("\r\n").append(r.body);
}

} // namespace cloudflare::inline v0::http
