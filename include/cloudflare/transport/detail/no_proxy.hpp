/// The list of hosts that bypass a proxy.
#pragma once

#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/detail/ip_address.hpp>

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace cloudflare::inline v0::detail {

/// A parsed entry of a `no_proxy` list: `host` or `[host]`, optionally with `/bits` and `:port`.
struct no_proxy_entry {
    std::string_view host{};
    std::optional<std::string_view> bits{}; ///< of a range
    std::string_view port{};                ///< empty for any

    explicit no_proxy_entry(std::string_view string) noexcept {
        std::string_view rest;
        if (auto const close = string.find(']'); string.starts_with('[') && close != string.npos) {
            host = string.substr(1, close - 1);
            rest = string.substr(close + 1);
        } else {
            bool const one_colon = string.find(':') == string.rfind(':');
            host = string.substr(0, string.find_first_of(one_colon ? "/:" : "/"));
            rest = string.substr(host.size());
        }
        if (auto const slash = host.find('/'); slash != host.npos) { // [fd00::/8]
            bits = host.substr(slash + 1);
            host = host.substr(0, slash);
        } else if (rest.starts_with('/')) {
            bits = rest.substr(1, rest.find(':') - 1);
            rest.remove_prefix(bits->size() + 1);
        }
        if (rest.starts_with(':')) {
            port = rest.substr(1);
        } else if (!rest.empty()) {
            host = {}; // malformed: it matches nothing
        }
    }
};

/// The number that `string` consists of; empty where it is not a number.
[[nodiscard]] inline std::optional<unsigned> parse_decimal(std::string_view string) noexcept {
    unsigned value = 0;
    auto const [end, failed] = std::from_chars(string.data(), string.data() + string.size(), value);
    if (failed != std::errc() || end != string.data() + string.size()) return std::nullopt;
    return value;
}

[[nodiscard]] constexpr std::string_view without_last_dot(std::string_view name) noexcept {
    if (name.ends_with('.')) name.remove_suffix(1);
    return name;
}

/// Whether the last label of a host is a number: then the host is an address in some spelling, and
/// not a name that could have names below it.
[[nodiscard]] constexpr bool ends_in_number(std::string_view host) noexcept {
    auto const label = host.substr(host.rfind('.') + 1); // npos + 1 is 0
    return !label.empty() && label.find_first_not_of("0123456789") == label.npos;
}

/// Whether the name `host` is `entry`, or below it. `*.entry` and `.entry` are the same as `entry`.
[[nodiscard]] inline bool is_name_within(std::string_view host, std::string_view entry) noexcept {
    if (entry.starts_with("*.")) entry.remove_prefix(1);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    entry = without_last_dot(entry);
    if (entry.empty() || entry.size() > host.size()) return false;
    auto const rest = host.size() - entry.size();
    if (!http::same_name(host.substr(rest), entry)) return false;
    return rest == 0 || (host[rest - 1] == '.' && !ends_in_number(host));
}

/// Whether an address is `entry`, or in the range that begins there.
[[nodiscard]] inline bool is_in_range(ip_address const& address, ip_address const& entry,
                                      std::string_view host,
                                      std::optional<std::string_view> bits) noexcept {
    if (!bits) return address == entry;
    auto count = parse_decimal(*bits);
    bool const short_form = host.find(':') == host.npos; // 10.0.0.0/8, not ::ffff:10.0.0.0/104
    if (!count || *count > (short_form ? 32U : 128U)) return false;
    if (short_form) *count += 96;
    bool const range_of_ipv4 = entry.is_ipv4() && *count >= 96;
    return address.is_ipv4() == range_of_ipv4 && address.shares_prefix(entry, *count);
}

/// Whether one entry of the list matches this origin.
[[nodiscard]] inline bool names(no_proxy_entry const& e, http::origin const& origin) noexcept {
    if (!e.port.empty() && parse_decimal(e.port) != unsigned{origin.port()}) return false;
    if (e.host == "*") return !e.bits;
    auto const host = without_last_dot(origin.host());
    auto const address = parse_ip_address(host);
    auto const entry = parse_ip_address(without_last_dot(e.host));
    if (address && entry) return is_in_range(*address, *entry, e.host, e.bits);
    return !address && !entry && !e.bits && is_name_within(host, e.host);
}

/// Whether a list such as `localhost, .example.com 10.0.0.0/8 [::1]:8443` matches this origin.
[[nodiscard]] inline bool is_in_no_proxy(std::string_view list,
                                         http::origin const& origin) noexcept {
    constexpr std::string_view separators = ", \t\r\n\v\f";
    while (!list.empty()) {
        auto const string = list.substr(0, list.find_first_of(separators));
        if (!string.empty() && names(no_proxy_entry(string), origin)) return true;
        list.remove_prefix(string.size() < list.size() ? string.size() + 1 : string.size());
    }
    return false;
}

} // namespace cloudflare::inline v0::detail
