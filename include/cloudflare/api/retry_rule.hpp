/// The rule of what is sent again after an attempt that failed, and after which wait.
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

/// Whether the same request is certain to fail the same way, whatever a second sending would do.
[[nodiscard]] inline bool is_permanent(error const& e) noexcept {
    if (e == condition::invalid_input || e == errc::tls_failed || e == errc::proxy_refused ||
        e == errc::response_too_large)
        return true;
    int const status = e.details().http_status;
    if (status >= 200 && status < 300) // success, but no envelope, or one that refuses
        return e == errc::unexpected_response || e == errc::api_refused;
    return (status >= 300 && status < 400) || status == 501 || status == 505;
}

/// What the server asked to wait, within bounds: a transport may be a user's.
[[nodiscard]] inline std::optional<std::chrono::seconds>
clamped_retry_after(error const& e) noexcept {
    auto const asked = e.details().retry_after;
    if (!asked) return std::nullopt;
    return std::clamp(*asked, std::chrono::seconds(0), http::max_retry_after);
}

} // namespace detail

/// Why a request is not sent again after an attempt that ended with `failure`; `none` where it may
/// be, as far as attempts, budget and deadline allow.
///
/// Columns: how far the attempt got (`delivery`). Rows: what a second sending would do
/// (`idempotency`):
///
///     |                | not_sent | rejected            | unknown    | accepted |
///     | safe           | again    | 429: again; else no | again      | no       |
///     | idempotent     | again    | 429: again; else no | again      | no       |
///     | idempotent_delete | again    | 429: again; else no | again      | no       |
///     | at_most_once, revokes    | again    | 429: again; else no | no         | no       |
///
/// and never, whatever the row and column, after
///
/// - bad input or credentials (`condition::invalid_input`), and whatever keeps the request from
///   being made;
/// - a TLS handshake that failed, a proxy's refusal, a response that is too large;
/// - a redirect (3xx), a 501, a 505;
/// - a 2xx that holds no envelope (HTML, another encoding, nothing), or whose envelope refuses for a
///   reason that has no code of its own here;
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

/// The wait before the next attempt: the backoff, or what `Retry-After` asks for. Backoff is added
/// to that as jitter, and shortened where only the sum does not fit.
///
/// @param attempt how many were made
/// @param left the time until the call's deadline
/// @param random_bits 64 random bits, for the jitter
/// @return nothing where the wait would not end before the deadline
[[nodiscard]] inline std::optional<std::chrono::milliseconds>
retry_wait(retry_policy const& policy, unsigned attempt, error const& failure,
           time_point::duration left, std::uint64_t random_bits) noexcept {
    using std::chrono::milliseconds;
    // Whole milliseconds: those asked for may be too many to be nanoseconds.
    auto const available = std::chrono::ceil<milliseconds>(left);
    auto const jitter = backoff(policy, attempt, random_bits);
    auto const asked = detail::clamped_retry_after(failure);
    if (!asked) return jitter < available ? std::optional(jitter) : std::nullopt;
    if (*asked >= available) return std::nullopt;
    return *asked + (std::min)(jitter, available - milliseconds(1) - *asked);
}

} // namespace cloudflare::inline v0
