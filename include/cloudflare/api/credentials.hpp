/// Credentials: what authorizes a request, in its header fields.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/http/headers.hpp>

#include <algorithm>
#include <concepts>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A way to authorize requests. `authorize` adds header fields to the request of each attempt, so
/// that they may change over time, e.g. when a credential is renewed. It may be called on several
/// threads at once, and must not block. It may add any field once that is neither reserved
/// (`http::is_reserved`) nor set by the client (`User-Agent`, `Accept`, `Content-Type`). Its error,
/// whatever the code, ends the call, and nothing is sent.
template <class S>
concept auth_strategy = requires(S const& strategy, http::headers& fields) {
    // Asked first: whether a result<credentials> can be copied depends on this.
    { strategy.authorize(fields) } -> std::same_as<result<void>>;
} && std::copy_constructible<S>;

namespace detail {

/// A character of an RFC 7235 token68, which is what the API accepts after `Bearer` (else it
/// responds with the errors 6003 and 6111).
[[nodiscard]] constexpr bool is_token68(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

/// The rule that a credential breaks, or empty. The error does not show the credential.
[[nodiscard]] inline std::optional<error> check_credential(std::string_view field,
                                                           std::string_view value) {
    auto const refuse = [&](char const* rule) {
        return error(errc::invalid_credentials, std::string(field) + ": " + rule);
    };
    if (value.empty()) return refuse("must not be empty");
    if (value.starts_with("Bearer ") || value.starts_with("bearer "))
        return refuse("must not begin with \"Bearer\", which is added when it is sent");
    if (value.starts_with('"') || value.starts_with('\'')) return refuse("must not be in quotes");
    if (value.find_first_of(" \t\r\n") != value.npos)
        return refuse("must not contain white space; is there a newline at its end?");
    if (!std::all_of(value.begin(), value.end(), is_token68))
        return refuse("must contain only letters, digits and -._~+/= (RFC 7235 token68)");
    return std::nullopt;
}

} // namespace detail

/// An API token, of a user or of an account: `Authorization: Bearer ...`.
class api_token {
public:
    /// @return the token, or `errc::invalid_credentials` with the rule that it breaks
    [[nodiscard]] static result<api_token> make(std::string_view token) {
        if (auto const refused = detail::check_credential("API token", token)) return *refused;
        return api_token(token);
    }

    /// Adds `Authorization: Bearer`.
    [[nodiscard]] result<void> authorize(http::headers& fields) const {
        return fields.add("Authorization", bearer_.reveal());
    }

private:
    explicit api_token(std::string_view token) {
        wiped_string bearer("Bearer ");
        bearer_ = secret(bearer += token);
    }
    secret bearer_;
};

/// The global API key of a user: `X-Auth-Email` and `X-Auth-Key`. Prefer an API token.
class api_key {
public:
    /// @return the key, or `errc::invalid_credentials` with the rule that it breaks
    [[nodiscard]] static result<api_key> make(std::string_view email, std::string_view key) {
        if (auto const refused = detail::check_credential("API key", key)) return *refused;
        auto const is_graphic = [](char c) { return c > 0x20 && c < 0x7f; };
        if (email.find('@') == email.npos || !std::all_of(email.begin(), email.end(), is_graphic))
            return error(errc::invalid_credentials,
                         "email: must be an address such as a@b.example");
        return api_key(email, key);
    }

    /// Adds `X-Auth-Email` and `X-Auth-Key`.
    [[nodiscard]] result<void> authorize(http::headers& fields) const {
        if (auto const ok = fields.add("X-Auth-Email", email_); !ok) return ok;
        return fields.add("X-Auth-Key", key_.reveal());
    }

private:
    api_key(std::string_view email, std::string_view key) : email_(email), key_(key) {}
    std::string email_;
    secret key_;
};

/// Any authorization strategy, type-erased. A copy is cheap and shares the strategy.
class credentials {
public:
    /// Any strategy: a copy of the credentials shares it.
    template <class S>
        requires(!std::same_as<S, credentials>) && auth_strategy<S>
    credentials(S strategy) : strategy_(std::make_shared<model<S> const>(std::move(strategy))) {}

    /// As the strategy does.
    [[nodiscard]] result<void> authorize(http::headers& fields) const {
        return strategy_->authorize(fields);
    }

    // No move operations: a move is a copy, so that moved-from credentials can still be used.
    /// A copy shares the strategy.
    credentials(credentials const&) noexcept = default;
    /// A copy shares the strategy.
    credentials& operator=(credentials const&) noexcept = default;
    ~credentials() = default;

private:
    struct any_strategy {
        virtual ~any_strategy() = default;
        [[nodiscard]] virtual result<void> authorize(http::headers&) const = 0;
    };
    template <class S>
    struct model final : any_strategy {
        explicit model(S s) : strategy(std::move(s)) {}
        [[nodiscard]] result<void> authorize(http::headers& fields) const override {
            return strategy.authorize(fields);
        }
        S strategy;
    };

    std::shared_ptr<any_strategy const> strategy_;
};

/// Credentials from variables: `CLOUDFLARE_API_TOKEN`; if that is not set, `CLOUDFLARE_EMAIL` and
/// `CLOUDFLARE_API_KEY`. Other tools for this API read the same names. An empty variable counts as
/// not set.
///
/// @param lookup returns the value of a variable as a `char const*`, or null, like `std::getenv`
/// @return the credentials; `errc::missing_credentials` where the variables are not set;
/// `errc::invalid_credentials` with the variable and the rule that it breaks
template <class Lookup>
[[nodiscard]] result<credentials> credentials_from(Lookup const& lookup) {
    auto const name = [](char const* variable, error const& e) {
        return e.with([&](error_details& d) { d.explanation = variable + (": " + d.explanation); });
    };
    auto const find = [&](char const* variable) -> std::string_view {
        char const* const value = lookup(variable);
        return value != nullptr ? value : std::string_view();
    };
    if (auto const token = find("CLOUDFLARE_API_TOKEN"); !token.empty()) {
        auto made = api_token::make(token);
        if (!made) return name("CLOUDFLARE_API_TOKEN", made.error());
        return credentials(std::move(*made));
    }
    auto const email = find("CLOUDFLARE_EMAIL");
    auto const key = find("CLOUDFLARE_API_KEY");
    if (email.empty() || key.empty())
        return error(errc::missing_credentials,
                     "set CLOUDFLARE_API_TOKEN, or CLOUDFLARE_EMAIL and CLOUDFLARE_API_KEY");
    auto made = api_key::make(email, key);
    if (!made) return name("CLOUDFLARE_EMAIL, CLOUDFLARE_API_KEY", made.error());
    return credentials(std::move(*made));
}

/// Credentials from the process's environment; see `credentials_from`. No other thread may change
/// the environment meanwhile.
[[nodiscard]] inline result<credentials> credentials_from_environment() {
    return credentials_from([](char const* name) { return std::getenv(name); });
}

// Of credentials nothing is printed but their kind.
inline std::ostream& operator<<(std::ostream& out, api_token const&) {
    return out << "API token [redacted]";
}
inline std::ostream& operator<<(std::ostream& out, api_key const&) {
    return out << "API key [redacted]";
}
inline std::ostream& operator<<(std::ostream& out, credentials const&) {
    return out << "credentials [redacted]";
}

} // namespace cloudflare::inline v0
