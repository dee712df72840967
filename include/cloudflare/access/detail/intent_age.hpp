/// How old an intent is, and whether others than its issue may touch it yet.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <algorithm>
#include <chrono>

namespace cloudflare::inline v0::access::detail {

/// Never negative, so that every intent is old enough for a bound of zero: the server tells its
/// time in whole seconds only.
[[nodiscard]] inline std::chrono::seconds age(intent const& i, timestamp now) {
    return (std::max)(now.seconds() - i.opened_at.seconds(), std::chrono::seconds(0));
}

/// Whether an intent was opened by a wrong clock: at no time, or in the future.
[[nodiscard]] inline bool is_dated_wrongly(intent const& i, timestamp now) {
    return i.opened_at == timestamp() || i.opened_at > now.plus(std::chrono::minutes(5));
}

/// Whether an intent is too young for others than its issue to touch it.
[[nodiscard]] inline bool is_young(intent const& i, timestamp now, issue_options const& options) {
    return i.state == intent_state::open && !is_dated_wrongly(i, now) &&
           age(i, now) < options.min_age();
}

} // namespace cloudflare::inline v0::access::detail
