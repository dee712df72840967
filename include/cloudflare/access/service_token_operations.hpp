/// The seven operations of the service tokens API, as values for `client::call`.
///
/// Source: the operations `access-service-tokens-*` of Cloudflare's OpenAPI document.
#pragma once

#include <cloudflare/access/scope.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/access/service_token_params.hpp>
#include <cloudflare/api/operation.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

namespace detail {

[[nodiscard]] inline std::string collection_target(any_scope const& scope) {
    auto path = scope.path();
    path.append("access").append("service_tokens");
    return std::move(path).str();
}

/// The path of one token; its id must be a UUID, because anything else could change the path.
[[nodiscard]] inline result<std::string> token_target(any_scope const& scope, std::string_view id,
                                                      std::string_view action = {}) {
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool is_uuid = id.size() == form.size();
    for (std::size_t i = 0; is_uuid && i != form.size(); ++i)
        is_uuid = form[i] == '-' ? id[i] == '-' : is_lower_hex(id.substr(i, 1));
    if (!is_uuid)
        return error(errc::invalid_argument,
                     "service token id: must be a UUID in lowercase (the id, not the client id)");
    auto path = scope.path();
    path.append("access").append("service_tokens").append(id);
    if (!action.empty()) path.append(action);
    return std::move(path).str();
}

/// The path of an action that the API has for accounts only.
[[nodiscard]] inline result<std::string>
account_action_target(any_scope const& scope, std::string_view id, std::string_view action) {
    if (!scope.is_account())
        return error(errc::unsupported_by_scope,
                     std::string(action) + ": the API has it for accounts only; in a zone, update");
    return token_target(scope, id, action);
}

} // namespace detail

/// Makes a service token. Only this response shows the secret, and the API has no idempotency key:
/// when the outcome is unknown the request is not sent again.
class create_service_token {
public:
    using result_type = issued_service_token;
    static constexpr std::string_view name = "create_service_token";
    static constexpr auto method = http::method::post;
    static constexpr auto idempotency = cloudflare::idempotency::at_most_once;

    /// Sent to `POST /access/service_tokens` of the scope.
    create_service_token(any_scope scope, create_params params)
        : scope_(scope), params_(std::move(params)) {}

    [[nodiscard]] result<std::string> target() const {
        if (auto const ok = params_.check(); !ok) return ok.error();
        return detail::collection_target(scope_);
    }
    [[nodiscard]] std::string body() const { return params_.body(); }

private:
    any_scope scope_;
    create_params params_;
};

/// One page of the service tokens. An empty list may also mean that the credentials may not see
/// them.
class list_service_tokens {
public:
    using result_type = page<service_token>;
    static constexpr std::string_view name = "list_service_tokens";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;

    /// @param params which page, and which tokens
    explicit list_service_tokens(any_scope scope, list_params params = list_params())
        : scope_(scope), params_(std::move(params)) {}

    [[nodiscard]] result<std::string> target() const {
        if (auto const ok = params_.check(); !ok) return ok.error();
        auto path = detail::collection_target(scope_);
        params_.append_to(path);
        return path;
    }

private:
    any_scope scope_;
    list_params params_;
};

/// One service token.
class get_service_token {
public:
    using result_type = service_token;
    static constexpr std::string_view name = "get_service_token";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;

    /// `id` is the API's, not the client id.
    get_service_token(any_scope scope, std::string id) : scope_(scope), id_(std::move(id)) {}

    [[nodiscard]] result<std::string> target() const { return detail::token_target(scope_, id_); }

private:
    any_scope scope_;
    std::string id_;
};

/// Changes a service token. One that raises `client_secret_version` rotates the secret.
class update_service_token {
public:
    using result_type = updated_service_token;
    static constexpr std::string_view name = "update_service_token";
    static constexpr auto method = http::method::put;
    /// `idempotent`, or `revokes` where the update raises the version of the secret.
    cloudflare::idempotency idempotency;

    /// `id` is the API's, not the client id.
    update_service_token(any_scope scope, std::string id, update_params params)
        : idempotency(params.rotates() ? cloudflare::idempotency::revokes
                                       : cloudflare::idempotency::idempotent),
          scope_(scope),
          id_(std::move(id)),
          params_(std::move(params)) {}

    [[nodiscard]] result<std::string> target() const {
        if (auto const ok = params_.check(); !ok) return ok.error();
        return detail::token_target(scope_, id_);
    }
    [[nodiscard]] std::string body() const { return params_.body(); }

private:
    any_scope scope_;
    std::string id_;
    update_params params_;
};

/// Deletes a service token; returns it as it was, if the API shows it. Refused
/// (`errc::token_in_use`) while a policy, a group or an application uses it.
class delete_service_token {
public:
    using result_type = std::optional<service_token>;
    static constexpr std::string_view name = "delete_service_token";
    static constexpr auto method = http::method::delete_;
    static constexpr auto idempotency = cloudflare::idempotency::idempotent_delete;

    /// `id` is the API's, not the client id.
    delete_service_token(any_scope scope, std::string id) : scope_(scope), id_(std::move(id)) {}

    [[nodiscard]] result<std::string> target() const { return detail::token_target(scope_, id_); }

private:
    any_scope scope_;
    std::string id_;
};

/// Makes a new secret for a service token of an account. Only one previous secret stays valid, and
/// a second rotation revokes it: when the outcome is unknown the request is not sent again.
class rotate_service_token {
public:
    using result_type = issued_service_token;
    static constexpr std::string_view name = "rotate_service_token";
    static constexpr auto method = http::method::post;
    static constexpr auto idempotency = cloudflare::idempotency::revokes;

    /// Accounts only: in a zone it ends with `errc::unsupported_by_scope`.
    rotate_service_token(any_scope scope, std::string id,
                         rotate_params const& params = rotate_params())
        : scope_(scope), id_(std::move(id)), params_(params) {}
    rotate_service_token(zone_scope, std::string, rotate_params = rotate_params()) = delete;

    [[nodiscard]] result<std::string> target() const {
        return detail::account_action_target(scope_, id_, "rotate");
    }
    [[nodiscard]] std::string body() const { return params_.body(); }

private:
    any_scope scope_;
    std::string id_;
    rotate_params params_;
};

/// Sets the expiry of a service token of an account to one year from now, whatever its duration.
class refresh_service_token {
public:
    using result_type = service_token;
    static constexpr std::string_view name = "refresh_service_token";
    static constexpr auto method = http::method::post;
    static constexpr auto idempotency = cloudflare::idempotency::idempotent;

    /// Accounts only: in a zone it ends with `errc::unsupported_by_scope`.
    refresh_service_token(any_scope scope, std::string id) : scope_(scope), id_(std::move(id)) {}
    refresh_service_token(zone_scope, std::string) = delete;

    [[nodiscard]] result<std::string> target() const {
        return detail::account_action_target(scope_, id_, "refresh");
    }

private:
    any_scope scope_;
    std::string id_;
};

} // namespace cloudflare::inline v0::access
