/// HTTP/1.1 as the sandbox server reads and writes it.
#pragma once

#include <cloudflare/core/detail/crc32.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::testing::detail {

/// Nothing where the method is not known here.
[[nodiscard]] inline std::optional<http::request>
to_request(boost::beast::http::request<boost::beast::http::string_body> const& from) {
    http::request r{.origin = *http::origin::parse("http://127.0.0.1")};
    std::string_view const verb(from.method_string().data(), from.method_string().size());
    bool is_known = false;
    for (auto const m : {http::method::get, http::method::post, http::method::put,
                         http::method::patch, http::method::delete_}) {
        if (to_string(m) != verb) continue;
        r.method = m;
        is_known = true;
    }
    r.target = from.target();
    r.body = from.body();
    for (auto const& f : from)
        static_cast<void>(r.fields.add(f.name_string(), f.value()));
    return is_known ? std::optional(std::move(r)) : std::nullopt;
}

/// The body in gzip (RFC 1952), in stored blocks (RFC 1951, section 3.2.4).
[[nodiscard]] inline std::string gzip(std::string_view body) {
    std::string packed("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    auto const put = [&](std::uint32_t value, int bytes) {
        for (int i = 0; i != bytes; ++i)
            packed += static_cast<char>(value >> (8 * i) & 0xff);
    };
    for (std::string_view rest = body;;) {
        auto const piece = rest.substr(0, 0xffff);
        rest.remove_prefix(piece.size());
        packed += rest.empty() ? '\1' : '\0'; // the last block
        auto const size = static_cast<std::uint32_t>(piece.size());
        put(size, 2);
        put(~size, 2);
        packed.append(piece);
        if (rest.empty()) break;
    }
    put(cloudflare::detail::crc32(body), 4);
    put(static_cast<std::uint32_t>(body.size()), 4);
    return packed;
}

[[nodiscard]] inline std::string to_wire(http::response const& r, bool chunked) {
    std::string wire = "HTTP/1.1 " + std::to_string(r.status) + " \r\n";
    wire += r.fields.wire_format();
    if (!chunked) {
        wire += "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n";
        return wire += r.body;
    }
    wire += "Transfer-Encoding: chunked\r\n\r\n";
    for (std::string_view rest = r.body; !rest.empty();) {
        auto const piece = rest.substr(0, 7);
        rest.remove_prefix(piece.size());
        wire += static_cast<char>('0' + piece.size());
        wire.append("\r\n").append(piece).append("\r\n");
    }
    return wire += "0\r\n\r\n";
}

} // namespace cloudflare::inline v0::testing::detail
