/// The service tokens of one scope: a convenience wrapper over the operations.
#pragma once

#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/api/call_options.hpp>
#include <cloudflare/api/list_all.hpp>
#include <cloudflare/api/page.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// All tokens of a scope, page by page, and whether nothing is missing.
struct token_listing {
    std::vector<service_token> tokens; ///< no token twice
    /// Whether all pages have the same `total_count`, no token came twice, and there are as many
    /// tokens as counted; without a count, whether there was one page. Only a complete list proves
    /// that a token does not exist.
    bool complete = false;
    /// How many pages were read. If more than one, a token may have been missed: when another one
    /// was deleted, it moved to a page that was already read. Then only two equal lists in a row
    /// are proof.
    int pages = 0;
};

/// The calls that a client can make in a scope.
///
///     access::service_tokens tokens(client, account);
///     auto token = co_await tokens.create(access::create_params("ci"));
///
/// Each function returns `result<...>` in the client's coroutine type. For all of them:
///
/// - Errors: for bad parameters `condition::invalid_input`, which names the field, and nothing is
///   sent. Every other error tells by `delivery()` whether the server may have acted:
///   `errc::not_found` if there is no such token, `errc::unauthorized` or `errc::forbidden` if the
///   credentials do not allow the call.
/// - Retries: as each function says, within the retry policy, the budget and the deadline of
///   client and call. A request that certainly had no effect, because it was not sent or was
///   refused with a 429, is always sent again.
/// - Cancellation, if the transport's coroutines support it: the call ends with `errc::cancelled`,
///   and the error's `delivery()` tells whether the server may have acted.
/// - Lifetimes: a task owns its parameters, and may outlive this object and the client.
/// - Threads: as for the client. This object is a cheap value; its functions are const.
template <class Client, scope Scope>
class service_tokens {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param scope an account, a zone, or `any_scope` if that is known at run time only
    service_tokens(Client client, Scope scope) : client_(std::move(client)), scope_(scope) {}

    /// Makes a token. Its secret is in the result and is never shown again.
    ///
    /// Not sent again when the outcome is unknown: the token may exist, with a secret that nobody
    /// has, and a second request could make another. `issuer::issue` settles that.
    ///
    /// @param params name, and optionally duration and more; several tokens may have one name
    /// @return the token with its secret; `errc::limit_reached` if the account may have no more
    [[nodiscard]] task<result<issued_service_token>>
    create(create_params params, call_options options = call_options()) const {
        return client_.call(create_service_token(scope_, std::move(params)), std::move(options));
    }

    /// One page of the tokens, without their secrets. Sent again after any failure that may pass.
    ///
    /// @param params page, page size, and what to look for
    /// @return the page; an empty one may also mean that the credentials may not see the tokens
    [[nodiscard]] task<result<page<service_token>>>
    list(list_params params = list_params(), call_options options = call_options()) const {
        return client_.call(list_service_tokens(scope_, std::move(params)), std::move(options));
    }

    /// All tokens, page by page from the first. Each page is a call with its own deadline, and is
    /// sent again as by `list`. A token that is created or deleted meanwhile may be missed; none is
    /// returned twice.
    ///
    /// @return all of them, or the error of the page that failed: never a part of the list
    [[nodiscard]] task<result<std::vector<service_token>>>
    list_all(list_params params = list_params(), call_options options = call_options()) const {
        return read_pages(
            std::move(params), std::move(options), +[](token_pages& all) { return all.take(); });
    }

    /// The same, and whether the list is complete; an incomplete one is a success, too.
    [[nodiscard]] task<result<token_listing>>
    list_whole(list_params params = list_params(), call_options options = call_options()) const {
        return read_pages(
            std::move(params), std::move(options), +[](token_pages& all) {
                token_listing listing;
                listing.complete = all.is_complete();
                listing.pages = all.pages();
                listing.tokens = all.take();
                return listing;
            });
    }

    /// One token, without its secret. Sent again after any failure that may pass.
    ///
    /// @param id a UUID
    [[nodiscard]] task<result<service_token>> get(std::string id,
                                                  call_options options = call_options()) const {
        return client_.call(get_service_token(scope_, std::move(id)), std::move(options));
    }

    /// Changes a token; what `params` does not set stays. Sent again after any failure that may
    /// pass; if it sets `client_secret_version`, which may rotate the secret, not when the outcome
    /// is unknown.
    ///
    /// @return the token as it is now; if the update rotated the secret, also the new one, which is
    /// never shown again
    [[nodiscard]] task<result<updated_service_token>>
    update(std::string id, update_params params, call_options options = call_options()) const {
        return client_.call(update_service_token(scope_, std::move(id), std::move(params)),
                            std::move(options));
    }

    /// Deletes a token: Access refuses it from now on. Sent again after any failure that may pass;
    /// a "not found" after a request that may have deleted the token is a success.
    ///
    /// @return the token as it was, if the API shows it. `errc::not_found` if there was none;
    /// `errc::token_in_use` while a policy, a group or an application uses it
    [[nodiscard]] task<result<std::optional<service_token>>>
    remove(std::string id, call_options options = call_options()) const {
        return client_.call(delete_service_token(scope_, std::move(id)), std::move(options));
    }

    /// Makes a new secret for a token. It is in the result and is never shown again. The previous
    /// one is accepted until the time in `params`, any older one is revoked. Accounts only: the API
    /// has no such call for zones.
    ///
    /// Not sent again when the outcome is unknown: rotating twice would revoke the secret in use.
    /// `rotator` rotates without that risk.
    [[nodiscard]] task<result<issued_service_token>>
    rotate(std::string id, rotate_params const& params = rotate_params(),
           call_options options = call_options()) const
        requires(!std::same_as<Scope, zone_scope>)
    {
        return client_.call(rotate_service_token(scope_, std::move(id), params),
                            std::move(options));
    }

    /// Sets a token's expiry to one year from now, whatever its duration. The secret stays. Sent
    /// again after any failure that may pass. Accounts only: the API has no such call for zones.
    [[nodiscard]] task<result<service_token>> refresh(std::string id,
                                                      call_options options = call_options()) const
        requires(!std::same_as<Scope, zone_scope>)
    {
        return client_.call(refresh_service_token(scope_, std::move(id)), std::move(options));
    }

private:
    using token_pages = cloudflare::detail::page_collector<service_token>;

    template <class Result>
    [[nodiscard]] task<result<Result>> read_pages(list_params params, call_options options,
                                                  Result (*finish)(token_pages&)) const {
        token_pages all(params.per_page().value_or(list_params::default_per_page));
        auto make_page = [scope = any_scope(scope_),
                          params = std::move(params)](std::int64_t number) mutable {
            params.page(number);
            return list_service_tokens(scope, params);
        };
        return cloudflare::detail::read_pages(client_, std::move(make_page), std::move(options),
                                              std::move(all), finish);
    }

    Client client_;
    Scope scope_;
};

} // namespace cloudflare::inline v0::access
