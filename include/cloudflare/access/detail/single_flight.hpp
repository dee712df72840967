/// One issue of a key at a time, by the log of intents.
#pragma once

#include <cloudflare/access/detail/intent_age.hpp>
#include <cloudflare/access/detail/issue_flow.hpp>
#include <cloudflare/access/detail/key_wait.hpp>
#include <cloudflare/access/detail/settlement.hpp>

#include <utility>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline error key_is_held(intent const& holder) {
    return {errc::conflict,
            error_details{.explanation = "the key is held by intent " + holder.tag +
                                         ", an issue that has not ended: ask again later, or "
                                         "reconcile",
                          .delivery = delivery::not_sent}};
}

/// Settles another issue of the same key if it is old enough to be given up.
///
/// @return whether the key is free now
template <class Tools>
task_of<Tools, bool> settle_holder(Tools& tools, intent holder) {
    if (is_young(holder, tools.now(), tools.options())) co_return false;
    auto const before = tools.this_moment();
    auto pending = tools.list();
    auto const listed = co_await std::move(pending);
    if (!listed) co_return false;
    auto const now = tools.time_at(before); // by the server's clock now
    if (is_young(holder, now, tools.options())) co_return false;
    // From `min_age` on the issue does not wait for a token that is not listed: its intent is
    // watched.
    settlement settles(tools, *listed, now, tools.options().min_age());
    settled_tokens done;
    auto pending_settle = settles.settle(holder, done);
    auto const settled = co_await std::move(pending_settle);
    static_cast<void>(settled);
    co_return holder.state == intent_state::settled;
}

/// Inserts the intent; waits while another one holds the key, until the issue's deadline.
///
/// @param tools must end by that deadline
template <class Tools>
task_of<Tools, result<void>> take_key(Tools& tools, issue_flow& f) {
    key_wait wait;
    for (;;) {
        auto pending = insert_unless_held(tools, f.wanted);
        auto holder = co_await std::move(pending);
        if (!holder) co_return holder.error();
        if (!*holder) co_return result<void>();
        if (is_late(tools, f)) co_return key_is_held(**holder);
        auto pending_settle_holder = settle_holder(tools, std::move(**holder));
        bool const is_free = co_await std::move(pending_settle_holder);
        if (is_free) continue;
        auto pending_wait = wait.once(tools, f.end);
        auto const waited = co_await std::move(pending_wait);
        if (!waited) co_return waited;
    }
}

} // namespace cloudflare::inline v0::access::detail
