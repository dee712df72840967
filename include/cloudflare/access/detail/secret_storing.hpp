/// Storing a secret in a sink that may have stored it though it returned an error.
#pragma once

#include <cloudflare/access/detail/held_key.hpp>

#include <chrono>
#include <utility>

namespace cloudflare::inline v0::access::detail {

inline constexpr int max_stores = 3;

/// Stores the secret of a new token. After an error the sink is asked whether it has it.
///
/// @return an error: the sink does not have it, or (`delivery::accepted`) that is not known
template <class Tools>
task_of<Tools, result<void>> store_secret(Tools& tools, issue_flow& f,
                                          issued_service_token const& token) {
    auto span = std::chrono::milliseconds(100);
    for (int i = 1;; ++i, span *= 2) {
        auto pending = tools.store(f.wanted, token);
        auto const stored = co_await std::move(pending);
        if (stored) co_return result<void>();
        auto pending_find_held = tools.find_held(f.wanted.key);
        auto const held = co_await std::move(pending_find_held);
        if (!held)
            co_return with_delivery(error(errc::sink_failed, stored.error().details()),
                                    delivery::accepted,
                                    "whether the sink holds the secret is not known");
        if (*held && (*held)->token_id == token.id &&
            (*held)->version >= token.client_secret_version.value_or(0))
            co_return result<void>();
        if (i == max_stores)
            co_return with_delivery(error(errc::sink_failed, stored.error().details()),
                                    delivery::rejected);
        if (*held) {
            auto pending_forget_given_up = forget_given_up(tools, f, **held);
            auto const given_up = co_await std::move(pending_forget_given_up);
            static_cast<void>(given_up); // the next store shows it
        }
        auto pending_pause = tools.pause(span);
        co_await std::move(pending_pause);
    }
}

/// Stores the new secret of a token that was rotated, unless the sink has this version or a later
/// one.
///
/// @return an error: the sink does not have it, as far as it says
template <class Tools>
task_of<Tools, result<void>> store_rotated(Tools& tools, intent const& target,
                                           issued_service_token const& token) {
    auto span = std::chrono::milliseconds(100);
    for (int i = 1;; ++i, span *= 2) {
        auto pending = tools.store(target, token);
        auto const stored = co_await std::move(pending);
        if (stored) co_return result<void>();
        auto pending_find_held = tools.find_held(target.key);
        auto const held = co_await std::move(pending_find_held);
        auto const version = token.client_secret_version.value_or(0);
        if (held && *held && (*held)->token_id == token.id && version != 0 &&
            (*held)->version >= version)
            co_return result<void>();
        if (i == max_stores) co_return error(errc::sink_failed, stored.error().details());
        auto pending_pause = tools.pause(span);
        co_await std::move(pending_pause);
    }
}

} // namespace cloudflare::inline v0::access::detail
