/// The rate limit as a response tells it in its `Ratelimit` field.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/retry_after.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

namespace cloudflare::inline v0 {

/// How many requests are left in a window. A hint only: the server may refuse by another limit than
/// the one it tells, so `Retry-After` and 429 decide.
struct rate_limit {
    std::int64_t remaining = 0;       ///< requests that the window still allows
    std::chrono::seconds resets_in{}; ///< at most `http::max_retry_after`
};

/// Reads `Ratelimit: "default";r=50;t=30` (an RFC 9651 list; draft-ietf-httpapi-ratelimit-headers).
/// Of several items the one with the least remaining counts; an item without `r` is ignored.
[[nodiscard]] std::optional<rate_limit> parse_rate_limit(std::string_view list) noexcept;

/// The same for a response, whose list may be spread over several fields.
[[nodiscard]] std::optional<rate_limit> parse_rate_limit(http::headers const& fields);

inline std::ostream& operator<<(std::ostream& out, rate_limit const& limit) {
    return out << limit.remaining << " requests left, reset in " << limit.resets_in.count() << " s";
}

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/api/impl/rate_limit.ipp>
#endif
