/// An IP address as bytes, so that all spellings of one compare equal and ranges can be tested.
#pragma once

#include <cloudflare/http/origin.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cloudflare::inline v0::detail {

/// An IPv4 or IPv6 address. An IPv4 address is stored as the mapped IPv6 address `::ffff:a.b.c.d`.
struct ip_address {
    std::array<std::uint8_t, 16> bytes{};

    /// Whether it is an IPv4 address, also where it was written as a mapped one.
    [[nodiscard]] constexpr bool is_ipv4() const noexcept {
        return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; }) &&
               bytes[10] == 0xff && bytes[11] == 0xff;
    }

    /// Whether the first `count` bits, at most 128, are those of `other`.
    [[nodiscard]] constexpr bool shares_prefix(ip_address const& other,
                                               unsigned count) const noexcept {
        for (unsigned bit = 0; bit != count; ++bit)
            if (((bytes[bit / 8] ^ other.bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
        return true;
    }

    friend bool operator==(ip_address const&, ip_address const&) = default;
};

/// Writes the four numbers of an IPv4 address to `out`.
constexpr void put_ipv4(std::string_view string, std::uint8_t* out) noexcept {
    *out = 0;
    for (char const c : string) {
        if (c == '.') {
            *++out = 0;
        } else {
            *out = static_cast<std::uint8_t>(*out * 10 + (c - '0'));
        }
    }
}

/// Reads `127.0.0.1` or `2001:db8::1`, without brackets, port or zone; empty where it is neither.
[[nodiscard]] inline std::optional<ip_address> parse_ip_address(std::string_view string) noexcept {
    ip_address a;
    if (http::detail::is_ipv4(string)) {
        a.bytes[10] = a.bytes[11] = 0xff;
        put_ipv4(string, &a.bytes[12]);
        return a;
    }
    if (!http::detail::is_ipv6(string)) return std::nullopt;

    std::size_t size = 0; // of what was read
    std::optional<std::size_t> gap;
    while (!string.empty()) {
        if (string.starts_with("::")) {
            gap = size;
            string.remove_prefix(2);
            continue;
        }
        if (string.starts_with(':')) string.remove_prefix(1);
        auto const group = string.substr(0, string.find(':'));
        string.remove_prefix(group.size());
        if (group.find('.') != group.npos) {
            put_ipv4(group, &a.bytes[size]);
            size += 4;
            continue;
        }
        std::uint16_t value = 0;
        std::from_chars(group.data(), group.data() + group.size(), value, 16);
        a.bytes[size++] = static_cast<std::uint8_t>(value >> 8);
        a.bytes[size++] = static_cast<std::uint8_t>(value & 0xff);
    }
    if (gap) // the groups after the gap belong at the end
        std::rotate(a.bytes.begin() + static_cast<std::ptrdiff_t>(*gap),
                    a.bytes.begin() + static_cast<std::ptrdiff_t>(size), a.bytes.end());
    return a;
}

} // namespace cloudflare::inline v0::detail
