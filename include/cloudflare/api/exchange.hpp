/// The state machine of one call: when to send, when to wait, and when to stop.
#pragma once

#include <cloudflare/api/operation.hpp>
#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/api/retry.hpp>
#include <cloudflare/core/result.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
    return std::clamp(*asked, std::chrono::seconds(0), longest_retry_after);
}

} // namespace detail

/// One call, from its first attempt to its end, without a socket, a clock or a coroutine: it is
/// told what happened and when, and says what to do next.
///
///     exchange call(name, idempotency, policy, deadline, budget);
///     for (auto next = call.start(now); next != exchange::action::done;)
///         if (next == exchange::action::send) {
///             ... send, until call.attempt_deadline(); decode ...
///             next = ok ? call.succeeded() : call.failed(error, now, random_bits);
///         } else {
///             ... wait until call.wake_at() ...
///             next = call.woke(now);
///         }
///     // then call.failure(): nothing where the call succeeded
///
/// The rule of what is sent again. Columns: how far the attempt got (`delivery`). Rows: what a
/// second sending would do (`idempotency`):
///
///     |                | not_sent | rejected            | unknown    | accepted |
///     | safe           | again    | 429: again; else no | again      | no       |
///     | idempotent     | again    | 429: again; else no | again      | no       |
///     | done_when_gone | again    | 429: again; else no | again      | no       |
///     | once, voids    | again    | 429: again; else no | no         | no       |
///
/// and never, whatever the row and column, after
///
/// - bad input or credentials (`condition::invalid_input`), and whatever keeps the request from
///   being made;
/// - a TLS handshake that failed, a proxy's refusal, a response that is too large;
/// - a redirect (3xx), a 501, a 505;
/// - a 2xx that holds no envelope (HTML, another encoding, nothing), or whose envelope refuses for a
///   reason that has no code of its own here;
/// - a cancellation, the last attempt, the last of the retry budget;
/// - a wait that would end past the deadline: the backoff, or what `Retry-After` asks for. (Backoff
///   is added to that as jitter, and shortened where only the sum does not fit.)
///
/// An error without a code, which a transport gives by mistake, is taken for a lost connection.
class exchange {
public:
    enum class action : unsigned char {
        send, ///< send the request, until `attempt_deadline()`
        wait, ///< wait until `wake_at()`
        done, ///< the call is over: see `failure()`
    };

    /// @param operation the operation's name, for errors; must outlive this object
    /// @param deadline when the whole call ends
    /// @param budget shared by the calls of a client, and must outlive this object; null for no
    /// bound
    exchange(std::string_view operation, idempotency kind, retry_policy const& policy,
             time_point deadline, retry_budget* budget = nullptr) noexcept
        : operation_(operation),
          kind_(kind),
          policy_(policy),
          deadline_(deadline),
          budget_(budget) {}

    /// The first action. A call whose deadline has passed sends nothing.
    [[nodiscard]] action start(time_point now) { return begin_attempt(now); }

    /// The attempt's response was a success.
    [[nodiscard]] action succeeded() noexcept {
        failure_ = error();
        if (budget_ != nullptr) budget_->deposit();
        return action::done;
    }

    /// The attempt failed.
    ///
    /// @param random_bits 64 random bits, for the jitter
    [[nodiscard]] action failed(error const& e, time_point now, std::uint64_t random_bits) {
        if (!e.code()) return failed(without_code(e), now, random_bits);
        if (is_gone(e)) {
            gone_ = true;
            return succeeded();
        }
        if (e.delivery() == delivery::unknown) may_have_acted_ = true;
        if (auto const why = reason_to_stop(e); why != stop_reason::none) return stop(e, why);
        auto const wait = wait_after(e, now, random_bits);
        if (!wait) return stop(e, stop_reason::deadline);
        if (budget_ != nullptr && !budget_->withdraw())
            return stop(e, stop_reason::budget_exhausted);
        failure_ = e;
        wake_at_ = now + *wait;
        return action::wait;
    }

    /// The request could not be made, because the parameters or the credentials are bad, or the
    /// strategy failed to provide them: nothing was sent this time.
    [[nodiscard]] action refused(error const& e) {
        if (attempts_ != 0) --attempts_;
        return stop(detail::not_sent(e), stop_reason::permanent);
    }

    /// The limiter permits no (further) attempt before the deadline.
    ///
    /// @param wait until it would
    [[nodiscard]] action no_permit(time_point::duration wait) {
        auto const seconds = std::chrono::ceil<std::chrono::seconds>(wait);
        return stop(error(errc::rate_limited,
                          error_details{.explanation = "the rate limit has no permit for " +
                                                       std::to_string(seconds.count()) +
                                                       " s, which is past the deadline",
                                        .delivery = delivery::not_sent,
                                        .retry_after = seconds}),
                    stop_reason::deadline);
    }

    /// The wait is over.
    [[nodiscard]] action woke(time_point now) { return begin_attempt(now); }

    /// The caller cancelled the call while it waited. (A cancelled attempt is a failed one.)
    [[nodiscard]] action cancelled() {
        auto d = failure_.details();
        d.delivery = attempts_ == 0    ? delivery::not_sent
                     : failure_.code() ? failure_.delivery()
                                       : delivery::unknown;
        return stop(error(errc::cancelled, std::move(d)), stop_reason::cancelled);
    }

    [[nodiscard]] std::string_view operation() const noexcept { return operation_; }
    /// Deadline of the current attempt.
    [[nodiscard]] time_point attempt_deadline() const noexcept { return attempt_deadline_; }
    /// End of the current wait.
    [[nodiscard]] time_point wake_at() const noexcept { return wake_at_; }
    /// Requests made, the one under way included.
    [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }

    /// Why the call failed, with all that is known of it; an error without a code where it
    /// succeeded.
    [[nodiscard]] error const& failure() const noexcept { return failure_; }
    /// The call succeeded by finding nothing left to delete: there is no response to decode.
    [[nodiscard]] bool gone() const noexcept { return gone_; }

private:
    [[nodiscard]] action begin_attempt(time_point now) {
        if (now >= deadline_) {
            if (failure_.code()) return stop(failure_, stop_reason::deadline);
            return stop(
                error(errc::deadline_exceeded, error_details{.delivery = delivery::not_sent}),
                stop_reason::deadline);
        }
        ++attempts_;
        attempt_deadline_ = (std::min)(deadline_, now + policy_.attempt_timeout());
        return action::send;
    }

    [[nodiscard]] static error without_code(error const& e) {
        auto d = e.details(); // whose delivery is `unknown` by default
        d.explanation = "the transport gave an error without a code";
        return {errc::connection_lost, std::move(d)};
    }

    /// The wait before the next attempt, in milliseconds; nothing where it does not fit the deadline.
    [[nodiscard]] std::optional<std::chrono::milliseconds>
    wait_after(error const& e, time_point now, std::uint64_t random_bits) const noexcept {
        using std::chrono::milliseconds;
        // Whole milliseconds: those asked for may be too many to be nanoseconds.
        auto const left = std::chrono::ceil<milliseconds>(deadline_ - now);
        auto const jitter = backoff(policy_, attempts_, random_bits);
        auto const asked = detail::clamped_retry_after(e);
        if (!asked) return jitter < left ? std::optional(jitter) : std::nullopt;
        if (*asked >= left) return std::nullopt;
        return *asked + (std::min)(jitter, left - milliseconds(1) - *asked);
    }

    [[nodiscard]] bool is_gone(error const& e) const noexcept {
        return kind_ == idempotency::done_when_gone && may_have_acted_ && e == errc::not_found;
    }

    [[nodiscard]] stop_reason reason_to_stop(error const& e) const noexcept {
        if (e == errc::cancelled) return stop_reason::cancelled;
        if (detail::is_permanent(e)) return stop_reason::permanent;
        switch (e.delivery()) {
        case delivery::not_sent: break;
        case delivery::rejected:
            if (e != errc::rate_limited) return stop_reason::permanent;
            break;
        case delivery::unknown:
            if (!is_repeatable(kind_)) return stop_reason::not_repeatable;
            break;
        case delivery::accepted: return stop_reason::permanent;
        }
        return attempts_ >= policy_.max_attempts() ? stop_reason::attempts_exhausted
                                                   : stop_reason::none;
    }

    [[nodiscard]] action stop(error const& e, stop_reason why) {
        failure_ = e.with([&](error_details& d) {
            d.operation = operation_;
            d.attempts = attempts_;
            d.stopped = why;
            d.idempotency = kind_;
            d.retry_after = detail::clamped_retry_after(e);
            // A call that only reads cannot have acted; otherwise an earlier attempt may have.
            if (kind_ == idempotency::safe) {
                if (d.delivery == delivery::unknown) d.delivery = delivery::rejected;
            } else if (may_have_acted_ && d.delivery != delivery::accepted) {
                d.delivery = delivery::unknown;
            }
        });
        return action::done;
    }

    std::string_view operation_;
    idempotency kind_;
    retry_policy policy_;
    time_point deadline_;
    retry_budget* budget_;
    unsigned attempts_ = 0;
    time_point attempt_deadline_{};
    time_point wake_at_{};
    bool may_have_acted_ = false;
    bool gone_ = false;
    error failure_;
};

} // namespace cloudflare::inline v0
