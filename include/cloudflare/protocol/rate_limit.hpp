/// What an answer says of the rate limit: `Retry-After` and the `Ratelimit` field.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/http/headers.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cloudflare::inline v0 {

/// The wait that `Retry-After` asks for: whole seconds, or an HTTP date measured against the
/// answer's own `Date`, so that this machine's clock does not matter (without a `Date` it says
/// nothing).
///
/// @return 0 for a date that has passed; nothing where the field is absent or senseless.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(http::headers const& fields) noexcept;

/// How many requests are left in a window. It may slow a client down; only `Retry-After` and 429
/// decide, for the bucket that is advertised is not always the one that refuses.
struct rate_limit {
    std::int64_t remaining = 0;
    std::chrono::seconds resets_in{};
};

/// Reads `Ratelimit: "default";r=50;t=30` (an RFC 9651 list; draft-ietf-httpapi-ratelimit-headers).
/// Of several items the one with the least remaining counts; an item without `r` is passed over.
[[nodiscard]] std::optional<rate_limit> parse_rate_limit(std::string_view list) noexcept;

/// The same for an answer, whose list may stand in several fields.
[[nodiscard]] std::optional<rate_limit> parse_rate_limit(http::headers const& fields);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/protocol/rate_limit_impl.hpp>
#endif
