/// What a response says of the rate limit: `Retry-After` and the `Ratelimit` field.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/http/headers.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cloudflare::inline v0 {

/// The longest wait that a server is taken to ask for, about 136 years: longer ones are clamped to
/// it, so that a wait also fits into 64 bits as nanoseconds.
inline constexpr std::chrono::seconds longest_retry_after{0xffff'ffff};

/// The wait that `Retry-After` asks for: whole seconds, or an HTTP date measured against the
/// response's own `Date`, so that this machine's clock does not matter. Without a `Date` it says
/// nothing, unless it is so far (2200 or later) that it means "do not come back".
///
/// @return at most `longest_retry_after`, however large the count; 0 for a date that has passed;
/// nothing where the field is absent or senseless.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(http::headers const& fields) noexcept;

/// How many requests are left in a window. A hint only: the advertised bucket is not always the one
/// that refuses, so `Retry-After` and 429 decide.
struct rate_limit {
    std::int64_t remaining = 0;
    std::chrono::seconds resets_in{}; ///< at most `longest_retry_after`
};

/// Reads `Ratelimit: "default";r=50;t=30` (an RFC 9651 list; draft-ietf-httpapi-ratelimit-headers).
/// Of several items the one with the least remaining counts; an item without `r` is ignored.
[[nodiscard]] std::optional<rate_limit> parse_rate_limit(std::string_view list) noexcept;

/// The same for a response, whose list may stand in several fields.
[[nodiscard]] std::optional<rate_limit> parse_rate_limit(http::headers const& fields);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/api/impl/rate_limit.ipp>
#endif
