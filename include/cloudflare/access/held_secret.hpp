/// A token that a sink holds, with its secret.
#pragma once

#include <cloudflare/access/access_headers.hpp>
#include <cloudflare/access/result_or_task.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/http/headers.hpp>

#include <optional>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// A token and its secret.
struct held_secret {
    held_token token;     ///< which token, and which version of its secret
    secret client_secret; ///< as it is stored; opened if it was sealed

    /// The two headers that pass Access.
    [[nodiscard]] result<http::headers> headers() const {
        http::headers fields;
        auto const added = add_access_headers(fields, token.client_id, client_secret);
        return added ? result<http::headers>(std::move(fields)) : added.error();
    }
    /// Whether both have the same client id and secret.
    [[nodiscard]] bool is_same_login(held_secret const& other) const noexcept {
        return token.client_id == other.token.client_id && client_secret == other.client_secret;
    }
};

/// A sink that gives secrets back, as `sealed_sink` and `any_async_sink` do:
///
///     read(std::string_view key)  -> std::optional<held_secret>
template <class S>
concept readable_sink = listable_sink<S> && requires(S& sink, std::string_view key) {
    { sink.read(key) } -> result_or_task<std::optional<held_secret>>;
};

} // namespace cloudflare::inline v0::access
