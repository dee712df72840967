/// Which tokens an intent's issue may have made.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/service_token.hpp>

#include <algorithm>
#include <chrono>

namespace cloudflare::inline v0::access::detail {

/// Whether the intent's issue may have made a token of this name and version.
[[nodiscard]] inline bool is_marked(service_token const& t, intent const& i) {
    bool const by_version = i.purpose == intent_purpose::issue && i.version != 0 &&
                            t.client_secret_version.value_or(0) / 16 == i.version / 16;
    return by_version || has_tag(t.name, i.tag);
}

/// How far clocks may be wrong.
inline constexpr std::chrono::hours clock_tolerance{24};

/// Whether a token existed before the intent. If it has the tag, its name was copied.
[[nodiscard]] inline bool is_older(service_token const& t, intent const& i) {
    return t.created_at && t.created_at->plus(clock_tolerance) < i.opened_at;
}

/// Whether a token was made while the intent's issue may have made one.
[[nodiscard]] inline bool is_made_in_time(service_token const& t, intent const& i,
                                          std::chrono::seconds watch) {
    auto const end = (std::max)(i.until, i.opened_at.plus(watch)).plus(clock_tolerance);
    return !t.created_at || (!is_older(t, i) && *t.created_at <= end);
}
} // namespace cloudflare::inline v0::access::detail
