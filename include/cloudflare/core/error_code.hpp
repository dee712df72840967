/// The library's error codes and the groups of them that a caller branches on.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/fwd.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <type_traits>

namespace cloudflare::inline v0 {

/// What went wrong, as exactly as the library knows.
enum class errc {
    // The order of these groups matters: conditions and an error's default delivery are ranges of
    // it.
    //
    // Refused by the library: nothing was sent.
    invalid_argument = 1, ///< a parameter breaks a rule; the message names both
    invalid_credentials,  ///< a credential has an impossible form (empty, a newline, quotes ...)
    missing_credentials,  ///< the environment or the file has none
    unsupported_by_scope, ///< the API has this call for accounts only
    // Between here and the API.
    resolve_failed,     ///< the host name has no address
    connect_failed,     ///< no address of the host accepted the connection
    proxy_refused,      ///< the proxy refuses CONNECT, or sends more than a response to it
    tls_failed,         ///< the TLS handshake failed, the certificate's check included
    connection_lost,    ///< the connection was closed or reset before the response was complete
    malformed_response, ///< what came back is not HTTP
    response_too_large, ///< the response is larger than the transport's limits
    deadline_exceeded,  ///< the deadline passed
    cancelled,          ///< the caller cancelled the call
    // Refused by the API.
    bad_request,        ///< 400 and similar: the API does not accept the input (12130 ...)
    unauthorized,       ///< the credentials are not accepted (10000, 9109 ...)
    forbidden,          ///< the credentials lack the permission, or the edge refused the client
    not_found,          ///< no such token (12135)
    no_route,           ///< the account or zone id is wrong (7003, 7000)
    conflict,           ///< a conflict that sending again does not resolve (409, 12132)
    token_in_use,       ///< a policy, group or app still uses the token (12139)
    limit_reached,      ///< the account holds as many tokens as it may
    rate_limited,       ///< too many requests (429, 971)
    access_not_enabled, ///< the account has never enabled Zero Trust (9999)
    server_error,       ///< 5xx
    api_refused,        ///< `success: false` for a reason that has no code of its own here
    // The request succeeded, but its response cannot be used.
    unexpected_response, ///< not the API's JSON: HTML, plain text, nothing, too deep
    missing_field,       ///< a required field is absent or of another type
    secret_missing,      ///< the server acted, but the response holds no client secret
    // In this program's own storage, and rotation.
    sink_failed,       ///< the sink did not store a secret
    intent_log_failed, ///< the intent log cannot be read or written
    grace_running,     ///< a rotation would revoke a secret that is still in its grace period
    rotation_lost,     ///< a secret was rotated, and the new one is lost
    secret_unreadable, ///< a stored secret cannot be read, or not opened with the keys given
};

/// Groups of codes. Compare an `error` or its code with one:
/// `if (r.error() == condition::rate_limited)`. No group says whether the server may have acted, as
/// that does not follow from the code: see `error::may_have_acted`.
enum class condition {
    invalid_input = 1, ///< refused by the library before anything was sent
    network,           ///< no usable response came: DNS, TCP, TLS, HTTP or the deadline
    unauthorized,      ///< the credentials are wrong or lack the permission
    not_found,         ///< no such token
    token_in_use,      ///< delete refused: unbind the token first, or rotate it
    limit_reached,     ///< delete tokens first
    rate_limited,      ///< wait `retry_after`
    unavailable,       ///< probably temporary: 5xx or the rate limit
    cancelled,         ///< by the caller
};

/// Of `errc`: `cloudflare`. It compares equal in every shared library.
[[nodiscard]] boost::system::error_category const& error_category() noexcept;
/// Of `condition`: `cloudflare.condition`. It compares equal in every shared library.
[[nodiscard]] boost::system::error_category const& condition_category() noexcept;

/// Called by Boost.System where an `errc` becomes an `error_code`.
[[nodiscard]] inline boost::system::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}
/// Called by Boost.System where a `condition` becomes an `error_condition`.
[[nodiscard]] inline boost::system::error_condition make_error_condition(condition group) noexcept {
    return {static_cast<int>(group), condition_category()};
}

/// The code in a few words, e.g. "connection lost".
[[nodiscard]] constexpr char const* to_string(errc code) noexcept {
    switch (code) {
    case errc::invalid_argument: return "invalid argument";
    case errc::invalid_credentials: return "invalid credentials";
    case errc::missing_credentials: return "no credentials";
    case errc::unsupported_by_scope: return "not available in this scope";
    case errc::resolve_failed: return "host name not resolved";
    case errc::connect_failed: return "connection refused or unreachable";
    case errc::proxy_refused: return "refused by the proxy";
    case errc::tls_failed: return "TLS handshake failed";
    case errc::connection_lost: return "connection lost";
    case errc::malformed_response: return "malformed HTTP response";
    case errc::response_too_large: return "response too large";
    case errc::deadline_exceeded: return "deadline exceeded";
    case errc::cancelled: return "cancelled";
    case errc::bad_request: return "request not accepted";
    case errc::unauthorized: return "credentials not accepted";
    case errc::forbidden: return "permission denied";
    case errc::not_found: return "not found";
    case errc::no_route: return "wrong account or zone id";
    case errc::conflict: return "conflict";
    case errc::token_in_use: return "service token in use";
    case errc::limit_reached: return "limit of service tokens reached";
    case errc::rate_limited: return "rate limited";
    case errc::access_not_enabled: return "Access is not enabled for the account";
    case errc::server_error: return "server error";
    case errc::api_refused: return "refused by the API";
    case errc::unexpected_response: return "not a response of the API";
    case errc::missing_field: return "field missing in the response";
    case errc::secret_missing: return "client secret missing in the response";
    case errc::sink_failed: return "secret not stored";
    case errc::intent_log_failed: return "intent log unavailable";
    case errc::grace_running: return "a grace period is running";
    case errc::rotation_lost: return "rotated, and the new secret is lost";
    case errc::secret_unreadable: return "stored secret cannot be read";
    }
    return "unknown error";
}

/// The group in a few words, e.g. "rate limited".
[[nodiscard]] constexpr char const* to_string(condition group) noexcept {
    switch (group) {
    case condition::invalid_input: return "invalid input";
    case condition::network: return "network failure";
    case condition::unauthorized: return "unauthorized";
    case condition::not_found: return "not found";
    case condition::token_in_use: return "service token in use";
    case condition::limit_reached: return "limit reached";
    case condition::rate_limited: return "rate limited";
    case condition::unavailable: return "service unavailable";
    case condition::cancelled: return "cancelled";
    }
    return "unknown condition";
}

namespace detail {

[[nodiscard]] constexpr bool in_group(errc code, condition group) noexcept {
    switch (group) {
    case condition::invalid_input:
        return code >= errc::invalid_argument && code <= errc::unsupported_by_scope;
    case condition::network: return code >= errc::resolve_failed && code <= errc::deadline_exceeded;
    case condition::unauthorized: return code == errc::unauthorized || code == errc::forbidden;
    case condition::not_found: return code == errc::not_found;
    case condition::token_in_use: return code == errc::token_in_use;
    case condition::limit_reached: return code == errc::limit_reached;
    case condition::rate_limited: return code == errc::rate_limited;
    case condition::unavailable: return code == errc::server_error || code == errc::rate_limited;
    case condition::cancelled: return code == errc::cancelled;
    }
    return false;
}

/// Identifies a category across shared libraries. Each version has its own ids, because its codes
/// may have other numbers.
[[nodiscard]] constexpr std::uint64_t category_id(std::uint64_t category,
                                                  std::uint64_t version) noexcept {
    return 0x6e1c5a2f9b3d4e00 + (version << 8) + category;
}

// Boost's categories have no virtual destructor, and are never deleted.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#endif

class error_category_impl final : public boost::system::error_category {
public:
    constexpr error_category_impl() noexcept : error_category(category_id(1, namespace_version)) {}
    char const* name() const noexcept override { return "cloudflare"; }
    std::string message(int code) const override { return to_string(static_cast<errc>(code)); }
    char const* message(int code, char*, std::size_t) const noexcept override {
        return to_string(static_cast<errc>(code));
    }
};

class condition_category_impl final : public boost::system::error_category {
public:
    constexpr condition_category_impl() noexcept
        : error_category(category_id(2, namespace_version)) {}
    char const* name() const noexcept override { return "cloudflare.condition"; }
    std::string message(int group) const override {
        return to_string(static_cast<condition>(group));
    }
    char const* message(int group, char*, std::size_t) const noexcept override {
        return to_string(static_cast<condition>(group));
    }
    bool equivalent(boost::system::error_code const& code, int group) const noexcept override {
        return code.category() == cloudflare::error_category() &&
               in_group(static_cast<errc>(code.value()), static_cast<condition>(group));
    }
};

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

} // namespace detail

inline boost::system::error_category const& error_category() noexcept {
    static constexpr detail::error_category_impl category;
    return category;
}

inline boost::system::error_category const& condition_category() noexcept {
    static constexpr detail::condition_category_impl category;
    return category;
}

// Printed in a few words, as `to_string` gives them.
inline std::ostream& operator<<(std::ostream& out, errc code) {
    return out << to_string(code);
}
inline std::ostream& operator<<(std::ostream& out, condition group) {
    return out << to_string(group);
}

} // namespace cloudflare::inline v0

template <>
struct boost::system::is_error_code_enum<cloudflare::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<cloudflare::condition> : std::true_type {};
