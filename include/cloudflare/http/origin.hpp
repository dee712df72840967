/// Where a request goes: scheme, host and port.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/detail/same_name.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::http {

/// An origin such as `https://api.cloudflare.com`. Copies share their contents and allocate
/// nothing.
class origin {
public:
    /// Reads `http://host[:port]` or `https://host[:port]`; an IPv6 address is in brackets. User
    /// name, path and query are refused. A host name may end with one dot, and has no empty label.
    ///
    /// @return `errc::invalid_argument` with the rule that is broken
    [[nodiscard]] static result<origin> parse(std::string_view string);

    /// Whether the scheme is `https`.
    [[nodiscard]] bool is_secure() const noexcept { return parts_->secure; }
    /// The host name or address as it was given; an IPv6 address without its brackets.
    [[nodiscard]] std::string const& host() const noexcept { return parts_->host; }
    /// The host without the dot that may end it: the server name that TLS sends (RFC 6066, section
    /// 3) and verifies the certificate against.
    [[nodiscard]] std::string const& tls_host() const noexcept { return parts_->tls_host; }
    /// Whether requests stay on this machine: the host is `localhost`, a name below it, an address
    /// in 127.0.0.0/8, or `::1`.
    [[nodiscard]] bool is_loopback() const noexcept { return parts_->loopback; }
    /// The scheme's default where the URL has none.
    [[nodiscard]] std::uint16_t port() const noexcept { return parts_->port; }
    /// The value of the `Host` field: host, and port unless it is the scheme's default.
    [[nodiscard]] std::string const& authority() const noexcept { return parts_->authority; }

    // No move operations: a moved-from origin is a copy, and still valid.
    /// A copy shares what is read.
    origin(origin const&) noexcept = default;
    /// A copy shares what is read.
    origin& operator=(origin const&) noexcept = default;
    ~origin() = default;

    /// Equality of scheme, host (case-insensitively) and port.
    friend bool operator==(origin const& a, origin const& b) noexcept {
        return a.parts_ == b.parts_ || (a.is_secure() == b.is_secure() && a.port() == b.port() &&
                                        same_name(a.host(), b.host()));
    }
    /// Prints e.g. `https://api.cloudflare.com`.
    friend std::ostream& operator<<(std::ostream& out, origin const& o) {
        return out << (o.is_secure() ? "https://" : "http://") << o.authority();
    }

private:
    struct parts {
        bool secure = true;
        std::string host{};
        std::uint16_t port = 443;
        std::string authority{};
        std::string tls_host{};
        bool loopback = false;
    };
    explicit origin(parts p) : parts_(std::make_shared<parts const>(std::move(p))) {}

    std::shared_ptr<parts const> parts_;
};

namespace detail {

/// Labels of letters, digits, '-' and '_' between dots, none of them empty; a dot may end the name.
[[nodiscard]] constexpr bool is_host_name(std::string_view string) noexcept {
    if (string.ends_with('.')) string.remove_suffix(1);
    constexpr std::string_view host_characters =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._";
    return !string.empty() && string.front() != '.' && string.back() != '.' &&
           string.find("..") == string.npos &&
           string.find_first_not_of(host_characters) == string.npos;
}

/// How many groups of an IPv6 address `string` has, separated by colons; -1 where one is invalid.
[[nodiscard]] constexpr int count_ipv6_groups(std::string_view string) noexcept {
    if (string.empty()) return 0;
    int count = 0;
    for (bool more = true; more; ++count) {
        auto const end = string.find(':');
        auto const group = string.substr(0, end);
        if (group.empty() || group.size() > 4 ||
            group.find_first_not_of("0123456789abcdefABCDEF") != group.npos)
            return -1;
        more = end != string.npos;
        if (more) string.remove_prefix(end + 1);
    }
    return count;
}

/// Four numbers up to 255, separated by points.
[[nodiscard]] constexpr bool is_ipv4(std::string_view string) noexcept {
    int numbers = 0, value = -1;
    for (char const c : string) {
        if (c >= '0' && c <= '9') {
            if (value == 0) return false; // no leading zeros: some read them as octal
            value = (std::max)(value, 0) * 10 + (c - '0');
            if (value > 255) return false;
        } else {
            if (c != '.' || value < 0) return false;
            ++numbers;
            value = -1;
        }
    }
    return numbers == 3 && value >= 0;
}

/// Eight groups, or fewer around one `::`; an IPv4 address at the end counts as two groups.
[[nodiscard]] constexpr bool is_ipv6(std::string_view string) noexcept {
    int groups_of_ipv4 = 0;
    if (auto const colon = string.rfind(':');
        string.find('.') != string.npos && colon != string.npos) {
        if (!is_ipv4(string.substr(colon + 1))) return false;
        groups_of_ipv4 = 2;
        bool const at_gap = colon != 0 && string[colon - 1] == ':';
        string = string.substr(0, at_gap ? colon + 1 : colon);
    }
    auto const gap = string.find("::");
    if (gap == string.npos) return count_ipv6_groups(string) + groups_of_ipv4 == 8;
    if (string.find("::", gap + 1) != string.npos) return false;
    int const before = count_ipv6_groups(string.substr(0, gap));
    int const after = count_ipv6_groups(string.substr(gap + 2));
    return before >= 0 && after >= 0 && before + after + groups_of_ipv4 < 8;
}

/// @param host a name without a dot at its end, or an address
[[nodiscard]] constexpr bool is_loopback(std::string_view host) noexcept {
    if (is_ipv4(host)) return host.starts_with("127.");
    if (is_ipv6(host)) // zeros, and a one at the end
        return host.back() == '1' && host.find_first_not_of("0:.") == host.size() - 1;
    constexpr std::string_view name = "localhost";
    if (host.size() < name.size()) return false;
    auto const before = host.substr(0, host.size() - name.size());
    return same_name(host.substr(before.size()), name) && (before.empty() || before.ends_with('.'));
}

} // namespace detail

inline result<origin> origin::parse(std::string_view string) {
    auto const refuse = [](char const* rule) {
        return error(errc::invalid_argument, std::string("base URL: ") + rule);
    };
    parts p;
    if (string.starts_with("https://")) {
        string.remove_prefix(8);
    } else if (string.starts_with("http://")) {
        string.remove_prefix(7);
        p.secure = false;
        p.port = 80;
    } else {
        return refuse("must begin with https:// or http://");
    }
    auto const standard_port = p.port;

    bool const bracketed = string.starts_with('[');
    auto const host_end = bracketed ? string.find(']') : string.find(':');
    if (bracketed && host_end == string.npos)
        return refuse("must close the bracket of the address");
    p.host = string.substr(bracketed ? 1 : 0, bracketed ? host_end - 1 : host_end);
    string.remove_prefix(host_end == string.npos ? string.size() : host_end + (bracketed ? 1 : 0));
    if (bracketed && !detail::is_ipv6(p.host))
        return refuse("must have an IPv6 address in its brackets");
    if (!bracketed && !detail::is_host_name(p.host))
        return refuse("must have a host of letters, digits and '-', between single dots");

    if (!string.empty()) {
        if (string[0] != ':') return refuse("has text after its host");
        string.remove_prefix(1);
        auto const [end, failed] =
            std::from_chars(string.data(), string.data() + string.size(), p.port);
        if (failed != std::errc() || end != string.data() + string.size() || p.port == 0)
            return refuse("must have a port from 1 to 65535");
    }
    p.authority = bracketed ? '[' + p.host + ']' : p.host;
    if (p.port != standard_port) p.authority += ':' + std::to_string(p.port);
    p.tls_host = p.host.substr(0, p.host.size() - (p.host.ends_with('.') ? 1 : 0));
    p.loopback = detail::is_loopback(p.tls_host);
    return origin(std::move(p));
}

} // namespace cloudflare::inline v0::http
