/// What `rotation` and `renewal` need of a sink.
#pragma once

#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/result.hpp>

#include <concepts>
#include <functional>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// Where a rotation's secret goes.
///
///     result<void> store(issued_service_token const&); // durable when it returns
///     result<bool> holds(std::string_view token_id);   // whether a secret of it was stored
///
/// `store` of a token that is held already replaces its secret.
template <class S>
concept rotation_sink = requires(S& sink, issued_service_token const& token, std::string_view id) {
    { sink.store(token) } -> std::same_as<result<void>>;
    { sink.holds(id) } -> std::same_as<result<bool>>;
};

/// Hands the secrets of rotations to two functions of the user's.
class callable_sink {
public:
    using store_function = std::function<result<void>(issued_service_token const&)>;
    using holds_function = std::function<result<bool>(std::string_view token_id)>;

    callable_sink(store_function store, holds_function holds)
        : store_(std::move(store)), holds_(std::move(holds)) {}

    [[nodiscard]] result<void> store(issued_service_token const& token) { return store_(token); }
    [[nodiscard]] result<bool> holds(std::string_view id) { return holds_(id); }

private:
    store_function store_;
    holds_function holds_;
};

} // namespace cloudflare::inline v0::access
