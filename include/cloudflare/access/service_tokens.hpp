/// The service tokens of one scope: the comfortable face of the operations.
#pragma once

#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/api/call_options.hpp>
#include <cloudflare/api/page.hpp>
#include <cloudflare/core/config.hpp>

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
    /// The pages agree on `total_count`, none repeats a token, and as many came as are counted; or
    /// there was one page, and no count. Else the list is no proof that a token does not exist.
    bool complete = false;
    /// Where there are more than one, a token made while another was deleted may have slid from one
    /// page to the page before, unseen: only two lists in a row that agree are proof.
    int pages = 0;
};

namespace detail {

/// Puts pages together to a listing.
class listing_builder {
public:
    /// @param is_new false for a page that was there before
    void add(page<service_token> one, bool is_new);
    [[nodiscard]] token_listing finish();

private:
    token_listing all_;
    std::optional<std::int64_t> total_count_;
    bool consistent_ = true;
};

} // namespace detail

/// The calls that a client can make in a scope.
///
///     access::service_tokens tokens(client, account);
///     auto token = co_await tokens.create(access::create_params("ci"));
///
/// Each call gives `result<...>` in the client's coroutine type; see `client::call` for errors,
/// retries and cancellation.
template <class Client, scope Scope>
class service_tokens {
public:
    template <class T>
    using task = typename Client::template task<T>;

    service_tokens(Client through, Scope where) : client_(std::move(through)), where_(where) {}

    /// Makes a token; its secret is shown in this answer and never again.
    [[nodiscard]] task<result<issued_service_token>>
    create(create_params params, call_options options = call_options()) const {
        return client_.call(create_service_token(where_, std::move(params)), std::move(options));
    }

    /// One page of the tokens.
    [[nodiscard]] task<result<page<service_token>>>
    list(list_params params = list_params(), call_options options = call_options()) const {
        return client_.call(list_service_tokens(where_, std::move(params)), std::move(options));
    }

    /// All tokens, page by page from the first. Each page is a call of its own with its own
    /// deadline. What is created or deleted meanwhile may be missed; no token is given twice.
    [[nodiscard]] task<result<std::vector<service_token>>>
    list_all(list_params params = list_params(), call_options options = call_options()) const {
        return collect_tokens(client_, any_scope(where_), std::move(params), std::move(options));
    }

    /// The same, and whether the list is complete: a list that is not is a success, too.
    [[nodiscard]] task<result<token_listing>>
    list_whole(list_params params = list_params(), call_options options = call_options()) const {
        return collect(client_, any_scope(where_), std::move(params), std::move(options));
    }

    /// One token.
    [[nodiscard]] task<result<service_token>> get(std::string id,
                                                  call_options options = call_options()) const {
        return client_.call(get_service_token(where_, std::move(id)), std::move(options));
    }

    /// Changes a token.
    [[nodiscard]] task<result<updated_service_token>>
    update(std::string id, update_params params, call_options options = call_options()) const {
        return client_.call(update_service_token(where_, std::move(id), std::move(params)),
                            std::move(options));
    }

    /// Deletes a token.
    [[nodiscard]] task<result<std::optional<service_token>>>
    remove(std::string id, call_options options = call_options()) const {
        return client_.call(delete_service_token(where_, std::move(id)), std::move(options));
    }

    /// Makes a new secret for a token; it is shown in this answer and never again. Not for zones.
    [[nodiscard]] task<result<issued_service_token>>
    rotate(std::string id, rotate_params const& params = rotate_params(),
           call_options options = call_options()) const
        requires(!std::same_as<Scope, zone_scope>)
    {
        return client_.call(rotate_service_token(where_, std::move(id), params),
                            std::move(options));
    }

    /// Extends a token's life by one year. Not for zones.
    [[nodiscard]] task<result<service_token>> refresh(std::string id,
                                                      call_options options = call_options()) const
        requires(!std::same_as<Scope, zone_scope>)
    {
        return client_.call(refresh_service_token(where_, std::move(id)), std::move(options));
    }

private:
    static task<result<std::vector<service_token>>>
    collect_tokens(Client through, any_scope where, list_params params, call_options options) {
        auto collecting = collect(std::move(through), where, std::move(params), std::move(options));
        auto all = co_await std::move(collecting);
        if (!all) co_return all.error();
        co_return std::move(all->tokens);
    }

    static task<result<token_listing>> collect(Client through, any_scope where, list_params params,
                                               call_options options) {
        detail::listing_builder all;
        page_cursor cursor(params.per_page().value_or(list_params::usual_per_page));
        while (auto const number = cursor.next()) {
            params.page(*number);
            auto pending = through.call(list_service_tokens(where, params), options);
            auto response = co_await std::move(pending);
            if (!response) co_return response.error();
            auto const& items = response->items;
            auto const first_id = items.empty() ? std::string() : items.front().id;
            bool const is_new = cursor.advance(items.size(), first_id, response->info);
            all.add(std::move(*response), is_new);
            if (!is_new) break;
        }
        co_return all.finish();
    }

    Client client_;
    Scope where_;
};

} // namespace cloudflare::inline v0::access

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/access/impl/service_tokens.ipp>
#endif
