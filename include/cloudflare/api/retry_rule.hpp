/// The rule: whether a request is sent again after an attempt that failed, and after which wait.
#pragma once

#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/api/retry.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace cloudflare::inline v0 {

namespace detail {

/// Whether the same request would certainly fail the same way again.
[[nodiscard]] inline bool is_permanent(error const& e) noexcept {
    if (e == condition::invalid_input || e == errc::tls_failed || e == errc::proxy_refused ||
        e == errc::response_too_large)
        return true;
    int const status = e.details().http_status;
    if (status >= 200 && status < 300) // a 2xx without an envelope, or with `success: false`
        return e == errc::unexpected_response || e == errc::api_refused;
    return (status >= 300 && status < 400) || status == 501 || status == 505;
}

/// The wait that the server asks for, clamped, because a user's transport may give any value.
[[nodiscard]] inline std::optional<std::chrono::seconds>
clamped_retry_after(error const& e) noexcept {
    auto const asked = e.details().retry_after;
    if (!asked) return std::nullopt;
    return std::clamp(*asked, std::chrono::seconds(0), http::max_retry_after);
}

} // namespace detail

/// Why a request is not sent again after an attempt that ended with `failure`; `none` where it may
/// be sent again, if attempts, budget and deadline allow it.
///
/// Rows: what a second request would do (`idempotency`). Columns: how far the attempt got
/// (`delivery`).
///
///     |                       | not_sent | rejected            | unknown | accepted |
///     | safe                  | again    | 429: again; else no | again   | no       |
///     | idempotent            | again    | 429: again; else no | again   | no       |
///     | idempotent_delete     | again    | 429: again; else no | again   | no       |
///     | at_most_once, revokes | again    | 429: again; else no | no      | no       |
///
/// In any row and column it is never sent again after
///
/// - bad input or credentials (`condition::invalid_input`), or another error that kept the request
///   from being made;
/// - a TLS handshake that failed, a proxy's refusal, a response that is too large;
/// - a redirect (3xx), a 501, a 505;
/// - a 2xx without an envelope (HTML, compressed, empty), or with `success: false` and an error
///   code that the library does not know;
/// - a cancellation.
[[nodiscard]] inline stop_reason reason_not_to_retry(idempotency kind,
                                                     error const& failure) noexcept {
    if (failure == errc::cancelled) return stop_reason::cancelled;
    if (detail::is_permanent(failure)) return stop_reason::permanent;
    switch (failure.delivery()) {
    case delivery::not_sent: return stop_reason::none;
    case delivery::rejected:
        return failure == errc::rate_limited ? stop_reason::none : stop_reason::permanent;
    case delivery::unknown:
        return is_repeatable(kind) ? stop_reason::none : stop_reason::not_repeatable;
    case delivery::accepted: break;
    }
    return stop_reason::permanent;
}

/// The wait before the next attempt: the backoff; or the time that `Retry-After` asks for plus the
/// backoff, of which only as much is added as fits before the deadline.
///
/// @param attempt how many attempts were made
/// @param left the time until the call's deadline
/// @param random_bits 64 random bits
/// @return empty where the wait would not end before the deadline
[[nodiscard]] inline std::optional<std::chrono::milliseconds>
retry_wait(retry_policy const& policy, unsigned attempt, error const& failure,
           time_point::duration left, std::uint64_t random_bits) noexcept {
    using std::chrono::milliseconds;
    // In milliseconds, because the seconds asked for may overflow as nanoseconds.
    auto const available = std::chrono::ceil<milliseconds>(left);
    auto const jitter = backoff(policy, attempt, random_bits);
    auto const asked = detail::clamped_retry_after(failure);
    if (!asked) return jitter < available ? std::optional(jitter) : std::nullopt;
    if (*asked >= available) return std::nullopt;
    return *asked + (std::min)(jitter, available - milliseconds(1) - *asked);
}

} // namespace cloudflare::inline v0
