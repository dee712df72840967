/// Sinks: where the secret of a new service token is put before anything else happens.
#pragma once

#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/result.hpp>

#include <concepts>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// Where secrets go.
///
///     result<void> store(issued_service_token const&); // for good; an error: nothing is kept
///     result<bool> holds(std::string_view token_id);   // whether a secret of it was stored
///
/// `store` of a token that is held already replaces its secret. `holds` is what tells a token that
/// was handed over from one that nobody owns, so it must know what earlier processes stored.
template <class S>
concept secret_sink = requires(S& sink, issued_service_token const& token, std::string_view id) {
    { sink.store(token) } -> std::same_as<result<void>>;
    { sink.holds(id) } -> std::same_as<result<bool>>;
};

/// Keeps secrets in memory, by token id.
class memory_sink {
public:
    [[nodiscard]] result<void> store(issued_service_token const& token) {
        held_.insert_or_assign(token.id, token);
        return {};
    }
    [[nodiscard]] result<bool> holds(std::string_view id) const { return held_.contains(id); }

    /// The token with its secret, or null.
    [[nodiscard]] issued_service_token const* find(std::string_view id) const noexcept {
        auto const found = held_.find(id);
        return found == held_.end() ? nullptr : &found->second;
    }

private:
    std::map<std::string, issued_service_token, std::less<>> held_;
};

/// Hands secrets to two functions of the user's.
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
