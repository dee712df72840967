/// An HTTP proxy, and the hosts that bypass it.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/origin.hpp>
#include <cloudflare/http/percent_encoding.hpp>
#include <cloudflare/transport/detail/no_proxy.hpp>

#include <algorithm>
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
    /// Reads `[http://][user[:password]@]host[:port]`, with port 80 by default. In user and
    /// password, every character but letters, digits and `-._~` must be percent-encoded. A proxy
    /// that is reached by `https://` or `socks5://` is not supported.
    ///
    /// @param no_proxy the hosts to reach directly, separated by commas, blanks or tabs. An entry
    /// is a name, which includes all names below it (`*.example.com` and `.example.com` mean the
    /// same as `example.com`); an address in any spelling; a range such as `10.0.0.0/8` or
    /// `fd00::/8`; each optionally with `:port`; or `*` for all. Names are not resolved, so a range
    /// matches only origins whose host is an address. An entry that is none of these matches
    /// nothing.
    /// @return `errc::invalid_argument` with the rule that is broken; it does not show the URL
    [[nodiscard]] static result<proxy> parse(std::string_view url, std::string_view no_proxy = {});

    /// A proxy that cannot be used: a call to an origin that it serves fails with `why`; other
    /// calls do not.
    [[nodiscard]] static proxy make_unusable(error why, std::string_view no_proxy = {});

    /// Why the proxy cannot be used; empty where it can. For an origin that the proxy serves, a
    /// transport returns this error and sends nothing.
    [[nodiscard]] std::optional<error> const& unusable() const noexcept { return unusable_; }

    /// Host and port of the proxy; `proxy.invalid` where it cannot be used.
    [[nodiscard]] http::origin const& address() const noexcept { return address_; }
    /// `user:password`, in which the password may be empty (RFC 7617, section 2); empty where the
    /// proxy needs no credentials.
    [[nodiscard]] secret const& credentials() const noexcept { return credentials_; }
    /// Whether requests to this origin go through the proxy.
    [[nodiscard]] bool serves(http::origin const& origin) const noexcept {
        return origin.is_secure() && !detail::is_in_no_proxy(no_proxy_, origin);
    }

    /// Prints the address without user and password.
    friend std::ostream& operator<<(std::ostream& out, proxy const& p) { return out << p.address_; }

private:
    template <class Lookup>
    friend result<std::optional<proxy>> proxy_from(Lookup lookup);

    proxy(http::origin const& address, std::string_view no_proxy)
        : address_(address), no_proxy_(no_proxy) {}

    /// @param field the name to show in an error
    [[nodiscard]] static result<proxy> parse(std::string const& field, std::string_view url,
                                             std::string_view no_proxy);

    http::origin address_;
    secret credentials_;
    std::string no_proxy_;
    std::optional<error> unusable_;
};

/// The proxy in the variable `https_proxy` or `HTTPS_PROXY`, bypassed by the hosts in `no_proxy` or
/// `NO_PROXY`; empty where the first two are not set. The lower-case name has precedence. An empty
/// variable counts as not set. A proxy that cannot be used is not an error yet: see
/// `proxy::unusable`.
///
/// @param lookup returns the value of a variable as a `char const*`, or null, like `std::getenv`
/// @return currently never an error
template <class Lookup>
[[nodiscard]] result<std::optional<proxy>> proxy_from(Lookup lookup) {
    auto const find = [&](char const* lower, char const* upper) {
        char const* const value = lookup(lower);
        return value != nullptr && *value != '\0' ? lower : upper;
    };
    auto const value_of = [&](char const* name) -> std::string_view {
        char const* const value = lookup(name);
        return value != nullptr ? value : std::string_view();
    };
    auto const name = find("https_proxy", "HTTPS_PROXY");
    auto const url = value_of(name);
    if (url.empty()) return std::optional<proxy>();
    auto const no_proxy = value_of(find("no_proxy", "NO_PROXY"));
    auto parsed = proxy::parse(name, url, no_proxy);
    if (!parsed) return std::optional<proxy>(proxy::make_unusable(parsed.error(), no_proxy));
    return std::optional<proxy>(std::move(*parsed));
}

/// The same from the process's environment. No other thread may change the environment meanwhile.
[[nodiscard]] inline result<std::optional<proxy>> proxy_from_environment() {
    return proxy_from([](char const* name) { return std::getenv(name); });
}

namespace detail {

/// `user:password` from the part of a URL before the `@`.
[[nodiscard]] inline result<secret> parse_user_info(std::string const& field,
                                                    std::string_view string) {
    auto const refuse = [&](char const* rule) {
        return error(errc::invalid_argument, field + ": " + rule);
    };
    if (string.empty()) return secret();
    auto const colon = string.find(':');
    auto user = http::percent_decode(string.substr(0, colon));
    auto password =
        http::percent_decode(colon == string.npos ? std::string_view() : string.substr(colon + 1));
    if (!user || !password) return refuse("user and password must be percent-encoded");
    auto const is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    bool const has_control = std::any_of(user->begin(), user->end(), is_control) ||
                             std::any_of(password->begin(), password->end(), is_control);
    bool const has_colon = user->find(':') != user->npos;
    auto joined = *user + ':' + *password;
    wipe(*password);
    auto credentials = secret::take(joined);
    if (has_colon) return refuse("user must not hold a colon (RFC 7617)");
    if (has_control) return refuse("user and password must hold no control character (RFC 7617)");
    return credentials;
}

} // namespace detail

inline result<proxy> proxy::parse(std::string const& field, std::string_view url,
                                  std::string_view no_proxy) {
    auto const refuse = [&](std::string_view rule) {
        return error(errc::invalid_argument, (field + ": ").append(rule));
    };
    if (auto const end = url.find("://"); end != url.npos) {
        if (!http::same_name(url.substr(0, end), "http"))
            return refuse("must begin with http://; a proxy that is reached by https:// or SOCKS "
                          "is not supported");
        url.remove_prefix(end + 3);
    }
    while (url.ends_with('/'))
        url.remove_suffix(1);
    if (url.find_first_of("/?#") != url.npos)
        return refuse("must end behind host and port; in user and password, / ? # are written "
                      "%2F %3F %23");
    auto const at = url.rfind('@');
    auto credentials =
        detail::parse_user_info(field, at == url.npos ? std::string_view() : url.substr(0, at));
    if (!credentials) return credentials.error();
    auto address =
        http::origin::parse(std::string("http://").append(url.substr(at + 1))); // npos + 1 is 0
    if (!address) {
        std::string_view rule = address.error().details().explanation;
        return refuse(rule.substr(rule.find(": ") + 2)); // without "base URL: "
    }
    proxy made(*address, no_proxy);
    made.credentials_ = std::move(*credentials);
    return made;
}

inline result<proxy> proxy::parse(std::string_view url, std::string_view no_proxy) {
    return parse("proxy", url, no_proxy);
}

inline proxy proxy::make_unusable(error why, std::string_view no_proxy) {
    proxy made(*http::origin::parse("http://proxy.invalid"), no_proxy);
    made.unusable_ = std::move(why);
    return made;
}

} // namespace cloudflare::inline v0
