/// How old an intent is, and whether it is to be touched yet.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <algorithm>
#include <chrono>

namespace cloudflare::inline v0::access::detail {

/// Not below zero: the server tells its time in whole seconds, and at a bound of zero every intent is
/// old enough.
[[nodiscard]] inline std::chrono::seconds age(intent const& i, timestamp now) {
    return (std::max)(now.seconds() - i.opened_at.seconds(), std::chrono::seconds(0));
}

/// Opened at no time, or in the future: by a clock that is wrong.
[[nodiscard]] inline bool is_dated_wrongly(intent const& i, timestamp now) {
    return i.opened_at == timestamp() || i.opened_at > now.plus(std::chrono::minutes(5));
}

/// Whether an intent is not to be touched yet.
[[nodiscard]] inline bool is_young(intent const& i, timestamp now, issue_options const& options) {
    return i.state == intent_state::open && !is_dated_wrongly(i, now) &&
           age(i, now) < options.min_age();
}

} // namespace cloudflare::inline v0::access::detail
