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

/// The longest wait that a server is taken to ask for, about 136 years: longer ones are clamped to
/// it, so that a wait also fits into 64 bits as nanoseconds.
inline constexpr std::chrono::seconds max_retry_after{0xffff'ffff};

/// The wait that `Retry-After` asks for: whole seconds, or an HTTP date measured against the
/// response's own `Date`, so that this machine's clock does not matter. Without a `Date` it says
/// nothing, unless it is so far (2200 or later) that it means "do not come back".
///
/// @return at most `max_retry_after`, however large the count; 0 for a date that has passed;
/// nothing where the field is absent or senseless.
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
