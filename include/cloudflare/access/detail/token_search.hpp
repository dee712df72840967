/// Looking for the token of a create whose outcome is unknown.
#pragma once

#include <cloudflare/access/detail/issue_flow.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// The result of looking for an issue's tokens.
struct look {
    std::vector<service_token> found{};
    bool is_proven = false; ///< nothing was found, and the list proves that there is none
    bool is_empty = false;  ///< the list shows no token at all
};

/// Looks for the issue's tokens until one is found or the settle window ends.
///
/// @return an error only if it was cancelled
template <class Tools>
task_of<Tools, result<look>> look_for(Tools& tools, issue_flow& f) {
    auto const end = tools.steady_now() + tools.options().settle_window();
    auto span = std::chrono::milliseconds(500);
    std::vector<std::string> before;
    for (;;) {
        look seen;
        auto pending = tools.list();
        auto const listed = co_await std::move(pending);
        if (!listed && listed.error() == errc::cancelled) co_return listed.error();
        if (listed) {
            std::vector<std::string> ids;
            for (auto const& t : listed->tokens) {
                ids.push_back(t.id);
                if (is_ours(f, t)) seen.found.push_back(t);
            }
            seen.is_empty = ids.empty();
            seen.is_proven = listed->complete && (listed->pages == 1 || ids == before);
            before = std::move(ids);
        }
        auto const now = tools.steady_now();
        if (!seen.found.empty() || now >= end) co_return seen;
        auto const next = (std::min)(end, now + span);
        co_await tools.client().transport().sleep_until(next);
        span = (std::min)(span * 2, std::chrono::milliseconds(8000));
    }
}

/// After a create with an unknown outcome: the token that was found, with a fresh secret; or
/// nothing if another create may be sent.
template <class Tools>
task_of<Tools, result<std::optional<issued_service_token>>>
resolve_create(Tools& tools, issue_flow& f, error why) {
    ++f.unresolved;
    if (tools.options().settle_window() == std::chrono::milliseconds(0))
        co_return with_delivery(why, delivery::unknown);
    auto pending = look_for(tools, f);
    auto const seen = co_await std::move(pending);
    if (!seen) co_return with_delivery(seen.error(), delivery::unknown);
    if (seen->found.empty()) {
        bool const may_create = seen->is_proven && (!seen->is_empty || f.blind_creates++ == 0);
        if (!may_create) co_return with_delivery(why, delivery::unknown);
        co_return std::optional<issued_service_token>();
    }
    f.unresolved = (std::max)(0, f.unresolved - static_cast<int>(seen->found.size()));
    auto pending_fresh_secret = tools.fresh_secret(seen->found.front());
    auto renewed = co_await std::move(pending_fresh_secret);
    // If the fresh secret is lost, too, the token is deleted, and so is any other.
    for (std::size_t n = renewed ? 1 : 0; n != seen->found.size(); ++n) {
        auto pending_remove = tools.remove(seen->found[n].id);
        auto const removed = co_await std::move(pending_remove);
        if (removed) f.deleted.push_back(seen->found[n].id);
        if (!removed) ++f.unresolved;
        if (!removed && !renewed) co_return with_delivery(removed.error(), delivery::unknown);
    }
    if (!renewed) co_return std::optional<issued_service_token>();
    co_return std::optional<issued_service_token>(std::move(*renewed));
}

} // namespace cloudflare::inline v0::access::detail
