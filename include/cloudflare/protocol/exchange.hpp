/// The state machine of one call: when to send, when to wait, and when to stop.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/protocol/operation.hpp>
#include <cloudflare/protocol/retry.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

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
/// The rule of what is sent again. The columns are what is known of the attempt (`delivery`), the
/// rows what a second sending would do:
///
///     |                | not_sent | rejected            | unknown    | accepted |
///     | safe           | again    | 429: again; else no | again      | no       |
///     | idempotent     | again    | 429: again; else no | again      | no       |
///     | done_when_gone | again    | 429: again; else no | again      | no       |
///     | once, voids    | again    | 429: again; else no | no         | no       |
///
/// and never after bad input, a refused certificate, a proxy's refusal, a cancellation, the last
/// attempt, or with a wait that would end past the deadline.
class exchange {
public:
    enum class action : unsigned char {
        send, ///< send the request, until `attempt_deadline()`
        wait, ///< wait until `wake_at()`
        done, ///< the call is over: see `failure()`
    };

    /// @param operation the operation's name, for errors
    /// @param deadline when the whole call ends
    /// @param budget shared by the calls of a client; null for no bound
    exchange(std::string_view operation, idempotency kind, retry_policy const& policy,
             time_point deadline, retry_budget* budget = nullptr) noexcept
        : operation_(operation),
          kind_(kind),
          policy_(policy),
          deadline_(deadline),
          budget_(budget) {}

    /// The first action. A call whose deadline has passed sends nothing.
    [[nodiscard]] action start(time_point now) { return begin_attempt(now); }

    /// The attempt's answer was a success.
    [[nodiscard]] action succeeded() noexcept {
        failure_ = error();
        if (budget_ != nullptr) budget_->deposit();
        return action::done;
    }

    /// The attempt failed.
    ///
    /// @param random_bits 64 random bits, for the jitter
    [[nodiscard]] action failed(error const& e, time_point now, std::uint64_t random_bits) {
        if (is_gone(e)) {
            gone_ = true;
            return succeeded();
        }
        if (e.delivery() == delivery::unknown) may_have_acted_ = true;
        if (auto const why = reason_to_stop(e); why != stop_reason::none) return stop(e, why);

        auto wait = std::chrono::milliseconds(backoff(policy_, attempts_, random_bits));
        if (auto const asked = e.details().retry_after)
            wait = std::max(wait, std::chrono::milliseconds(*asked));
        if (wait >= deadline_ - now) return stop(e, stop_reason::deadline);
        if (budget_ != nullptr && !budget_->withdraw())
            return stop(e, stop_reason::budget_exhausted);
        failure_ = e;
        wake_at_ = now + wait;
        return action::wait;
    }

    /// The request could not be made, for want of good parameters or credentials: nothing was sent
    /// this time.
    [[nodiscard]] action refused(error const& e) {
        --attempts_;
        return stop(e, stop_reason::permanent);
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
        return stop(error(errc::cancelled, failure_.details()), stop_reason::cancelled);
    }

    [[nodiscard]] std::string_view operation() const noexcept { return operation_; }
    /// When the attempt ends that is under way.
    [[nodiscard]] time_point attempt_deadline() const noexcept { return attempt_deadline_; }
    /// When the wait ends that is under way.
    [[nodiscard]] time_point wake_at() const noexcept { return wake_at_; }
    /// Requests made, the one under way included.
    [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }

    /// Why the call failed, with all that is known of it; an error without a code where it
    /// succeeded.
    [[nodiscard]] error const& failure() const noexcept { return failure_; }
    /// The call succeeded by finding nothing left to delete: there is no answer to decode.
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
        attempt_deadline_ = std::min(deadline_, now + policy_.attempt_timeout());
        return action::send;
    }

    [[nodiscard]] bool is_gone(error const& e) const noexcept {
        return kind_ == idempotency::done_when_gone && may_have_acted_ && e == errc::not_found;
    }

    [[nodiscard]] stop_reason reason_to_stop(error const& e) const noexcept {
        if (e == errc::cancelled) return stop_reason::cancelled;
        if (e == condition::invalid_input || e == errc::tls_failed || e == errc::proxy_refused)
            return stop_reason::permanent;
        switch (e.delivery()) {
        case delivery::not_sent: break;
        case delivery::rejected:
            if (e != errc::rate_limited) return stop_reason::permanent;
            break;
        case delivery::unknown:
            if (e == errc::response_too_large) return stop_reason::permanent;
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
            // An earlier attempt may have acted, whatever the last one met with; asking never acts.
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
