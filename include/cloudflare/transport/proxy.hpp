/// An HTTP proxy to go through, and the hosts that are reached without it.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/origin.hpp>
#include <cloudflare/http/percent_encoding.hpp>

#include <cstdlib>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// An HTTP proxy. Requests to `https` origins go through it by CONNECT, so that it sees the host's
/// name and port and nothing else; requests to `http` origins never do.
class proxy {
public:
    /// Reads `http://[user:password@]host[:port]`, port 80 where none is named; user and password
    /// may be percent-encoded.
    ///
    /// @param no_proxy hosts that are reached directly, with commas between: `example.com` (and
    /// all below it), an address, either with `:port`, or `*` for all
    /// @return `errc::invalid_argument` that names the rule
    [[nodiscard]] static result<proxy> parse(std::string_view url, std::string_view no_proxy = {});

    [[nodiscard]] http::origin const& address() const noexcept { return address_; }
    /// `user:password`, or empty.
    [[nodiscard]] secret const& credentials() const noexcept { return credentials_; }
    /// Whether requests to this origin go through the proxy.
    [[nodiscard]] bool serves(http::origin const& where) const noexcept;

    /// Prints the address without user and password.
    friend std::ostream& operator<<(std::ostream& out, proxy const& p) { return out << p.address_; }

private:
    proxy(http::origin address, secret credentials, std::string_view no_proxy)
        : address_(std::move(address)), credentials_(std::move(credentials)), no_proxy_(no_proxy) {}

    http::origin address_;
    secret credentials_;
    std::string no_proxy_;
};

/// The proxy that `https_proxy` or `HTTPS_PROXY` names, but for what `no_proxy` or `NO_PROXY` lists;
/// nothing where neither is set. Errors as for `proxy::parse`.
///
/// @param lookup called with a name; gives a `char const*` or null, as `std::getenv` does
template <class Lookup>
[[nodiscard]] result<std::optional<proxy>> proxy_from(Lookup lookup) {
    auto const read = [&](char const* lower, char const* upper) -> std::string_view {
        char const* text = lookup(lower);
        if (text == nullptr) text = lookup(upper);
        return text != nullptr ? text : std::string_view();
    };
    auto const url = read("https_proxy", "HTTPS_PROXY");
    if (url.empty()) return std::optional<proxy>();
    auto parsed = proxy::parse(url, read("no_proxy", "NO_PROXY"));
    if (!parsed) return parsed.error();
    return std::optional<proxy>(std::move(*parsed));
}

/// The same from the process's environment.
[[nodiscard]] inline result<std::optional<proxy>> proxy_from_environment() {
    return proxy_from([](char const* name) { return std::getenv(name); });
}

namespace detail {

/// Whether an entry of a `no_proxy` list names this origin.
[[nodiscard]] inline bool names(std::string_view entry, http::origin const& where) noexcept {
    auto const trim = [](std::string_view text) {
        auto const begin = text.find_first_not_of(" \t");
        if (begin == text.npos) return std::string_view();
        return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
    };
    entry = trim(entry);
    if (entry == "*") return true;
    auto const port = std::to_string(where.port());
    bool const one_colon = entry.find(':') == entry.rfind(':');
    if (auto const colon = entry.rfind(':');
        colon != entry.npos && (one_colon || entry[colon - 1] == ']')) {
        if (entry.substr(colon + 1) != port) return false;
        entry = entry.substr(0, colon);
    }
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    std::string_view const host = where.host();
    if (entry.empty() || entry.size() > host.size()) return false;
    auto const rest = host.size() - entry.size();
    return http::same_name(host.substr(rest), entry) && (rest == 0 || host[rest - 1] == '.');
}

} // namespace detail

inline result<proxy> proxy::parse(std::string_view url, std::string_view no_proxy) {
    auto const refuse = [](char const* rule) {
        return error(errc::invalid_argument, std::string("proxy: ") + rule);
    };
    std::string_view const scheme = "http://";
    if (!url.starts_with(scheme)) return refuse("must begin with http://");
    auto rest = url.substr(scheme.size());
    while (rest.ends_with('/'))
        rest.remove_suffix(1);
    std::string user_info;
    if (auto const at = rest.rfind('@'); at != rest.npos) {
        auto decoded = http::percent_decode(rest.substr(0, at));
        if (!decoded) return refuse("user and password must be percent-encoded");
        user_info = std::move(*decoded);
        rest = rest.substr(at + 1);
    }
    auto address = http::origin::parse(std::string(scheme).append(rest));
    if (!address) return refuse("must be http://[user:password@]host[:port]");
    return proxy(std::move(*address), secret::take(user_info), no_proxy);
}

inline bool proxy::serves(http::origin const& where) const noexcept {
    if (!where.is_secure()) return false;
    for (std::string_view rest = no_proxy_; !rest.empty();) {
        auto const end = rest.find(',');
        if (detail::names(rest.substr(0, end), where)) return false;
        rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    }
    return true;
}

} // namespace cloudflare::inline v0
