/// Storing a secret in a sink that may keep what it failed to acknowledge.
#pragma once

#include <cloudflare/access/detail/held_key.hpp>

#include <chrono>
#include <utility>

namespace cloudflare::inline v0::access::detail {

inline constexpr int max_stores = 3;

/// Stores the secret. A store that failed may have kept it: the sink is asked.
///
/// @return an error: it is not held, or (`delivery::accepted`) that is not known
template <class Tools>
task_of<Tools, result<void>> store_secret(Tools& tools, issue_flow& f,
                                          issued_service_token const& token) {
    auto span = std::chrono::milliseconds(100);
    for (int i = 1;; ++i, span *= 2) {
        auto storing = tools.store(f.wanted, token);
        auto const stored = co_await std::move(storing);
        if (stored) co_return result<void>();
        auto finding = tools.find_held(f.wanted.key);
        auto const held = co_await std::move(finding);
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
            auto checking = forget_given_up(tools, f, **held);
            auto const given_up = co_await std::move(checking);
            static_cast<void>(given_up); // the next store tells
        }
        auto pausing = tools.pause(span);
        co_await std::move(pausing);
    }
}

} // namespace cloudflare::inline v0::access::detail
