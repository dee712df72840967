/// The wait that a response asks for by its `Retry-After` field (RFC 9110, section 10.2.3).
#pragma once

#include <cloudflare/http/date.hpp>
#include <cloudflare/http/headers.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>

namespace cloudflare::inline v0::http {

/// Longer waits are clamped to this, about 136 years, so that a wait also fits into 64 bits as
/// nanoseconds.
inline constexpr std::chrono::seconds max_retry_after{0xffff'ffff};

/// The wait that `Retry-After` asks for: whole seconds, or an HTTP date, from which the response's
/// own `Date` is subtracted, so that this machine's clock does not matter. A date without that
/// field is ignored, unless it is in 2200 or later, which is taken for `max_retry_after`.
///
/// @return from 0 (also for a date that has passed) to `max_retry_after`; empty where the field is
/// absent, invalid or ignored
[[nodiscard]] inline std::optional<std::chrono::seconds>
retry_after(headers const& fields) noexcept {
    using namespace std::chrono;
    auto const value = fields.find("Retry-After");
    if (!value.empty() && value.find_first_not_of("0123456789") == value.npos) {
        std::uint32_t count = 0;
        auto const failed = std::from_chars(value.data(), value.data() + value.size(), count).ec;
        return failed == std::errc() ? seconds(count) : max_retry_after;
    }
    auto const until = parse_date(value);
    if (!until) return std::nullopt;
    if (auto const now = parse_date(fields.find("Date")))
        return std::clamp(*until - *now, seconds(0), max_retry_after);
    if (*until >= sys_days(year(2200) / 1 / 1)) return max_retry_after;
    return std::nullopt;
}

} // namespace cloudflare::inline v0::http
