/// Finding the tokens of an issue by their tag, and giving one a fresh secret.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/access/service_tokens.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What a request found of a token. (Not a `result<bool>`: returned from a coroutine as a constant,
/// that is true whatever it holds, for it converts to bool.)
enum class presence : unsigned char {
    there,
    gone
};

/// What issuer and reconcile have in common: the requests that settle an intent.
template <class Client>
class recovery {
public:
    template <class T>
    using task = typename Client::template task<T>;

    recovery(Client through, any_scope where, issue_options options)
        : client_(std::move(through)), scope_(where), options_(std::move(options)) {}

    [[nodiscard]] Client const& client() const noexcept { return client_; }
    [[nodiscard]] any_scope const& scope() const noexcept { return scope_; }
    [[nodiscard]] issue_options const& options() const noexcept { return options_; }

    /// All tokens of the scope. Not filtered by name: how the API compares names is not recorded.
    [[nodiscard]] task<result<std::vector<service_token>>> list() {
        service_tokens tokens(client_, scope_);
        auto listing = tokens.list_all();
        auto found = co_await std::move(listing);
        co_return found;
    }

    /// Looks for the token that a create with an unknown outcome made, until the settle window
    /// ends.
    ///
    /// @param deleted ids of tokens of this issue that are deleted: a list may lag behind
    /// @return the token; nothing where no list showed it; an error only when cancelled
    [[nodiscard]] task<result<std::optional<service_token>>>
    find(intent const& wanted, std::vector<std::string> const& deleted) {
        auto& way = client_.transport();
        auto const end = way.now() + options_.settle_window();
        auto pause = std::chrono::milliseconds(500);
        for (;;) {
            auto listing = list();
            auto const tokens = co_await std::move(listing);
            if (!tokens && tokens.error() == errc::cancelled) co_return tokens.error();
            if (tokens)
                for (auto const& t : *tokens)
                    if (has_tag(t.name, wanted.tag) && std::ranges::count(deleted, t.id) == 0)
                        co_return std::optional<service_token>(t);
            if (way.now() >= end) co_return std::optional<service_token>();
            auto const next = std::min(end, way.now() + pause);
            co_await way.sleep_until(next);
            pause *= 2;
        }
    }

    /// A new secret for a token that nobody uses: by rotate, or by raising the version where there
    /// is no rotate.
    ///
    /// Asked for once only: a rotate whose outcome is unknown may still act, and would void the
    /// secret that a second one gave. Such a token is fit to be deleted, no more.
    [[nodiscard]] task<result<issued_service_token>> fresh_secret(any_scope where,
                                                                  service_token token) {
        auto const next_version = token.client_secret_version.value_or(1) + 1;
        auto renewing = where.is_account() ? rotate(where, token.id)
                                           : raise_version(where, token.id, next_version);
        auto renewed = co_await std::move(renewing);
        if (renewed && renewed->client_id.empty()) renewed->client_id = token.client_id;
        co_return renewed;
    }

    /// Deletes a token of this issue.
    ///
    /// @return what was found before it was deleted; an error where it is not certain that it is
    /// gone
    [[nodiscard]] task<result<presence>> remove(intent const& wanted, std::string id) {
        auto deleting = client_.call(delete_service_token(wanted.scope, std::move(id)));
        auto const deleted = co_await std::move(deleting);
        if (!deleted && deleted.error() != errc::not_found) co_return deleted.error();
        co_return deleted ? presence::there : presence::gone;
    }

    /// Takes the tag out of the token's name; false where that is not certain.
    [[nodiscard]] task<bool> rename(intent const& wanted, std::string id) {
        auto naming = client_.call(
            update_service_token(wanted.scope, std::move(id), update_params().name(wanted.name)));
        auto const named = co_await std::move(naming);
        co_return named.has_value();
    }

private:
    task<result<issued_service_token>> rotate(any_scope where, std::string id) {
        auto rotating = client_.call(rotate_service_token(where, std::move(id)));
        auto rotated = co_await std::move(rotating);
        co_return rotated;
    }

    task<result<issued_service_token>> raise_version(any_scope where, std::string id,
                                                     std::int64_t version) {
        auto updating = client_.call(update_service_token(
            where, std::move(id), update_params().client_secret_version(version)));
        auto updated = co_await std::move(updating);
        if (!updated) co_return updated.error();
        co_return as_issued(std::move(*updated));
    }

    Client client_;
    any_scope scope_;
    issue_options options_;
};

} // namespace cloudflare::inline v0::access
