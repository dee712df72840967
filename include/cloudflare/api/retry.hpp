/// How often a call is retried and how long it waits: attempts, backoff, and a budget that all calls
/// of a client share. (Whether a request may be sent again at all: retry_rule.hpp.)
#pragma once

#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace cloudflare::inline v0 {

/// Longer deadlines are clamped to this, so that now + deadline cannot overflow.
inline constexpr std::chrono::milliseconds max_deadline = std::chrono::years(10);

/// How often and how fast a call is retried. Built by chained setters, which clamp.
class retry_policy : public detail::options_base<retry_policy> {
public:
    /// Of every setting here.
    using duration = std::chrono::milliseconds;

    /// How many requests a call may make, the first included. Default 4; from 1 (no retry) to 100.
    retry_policy& max_attempts(unsigned count) noexcept {
        return set(max_attempts_, std::clamp(count, 1U, 100U));
    }
    [[nodiscard]] unsigned max_attempts() const noexcept { return max_attempts_; }

    /// The longest wait before the second attempt; it doubles with each further one. Default
    /// 500 ms; from 1 ms.
    retry_policy& base_delay(duration delay) noexcept {
        return set(base_delay_, std::clamp(delay, duration(1), max_deadline));
    }
    [[nodiscard]] duration base_delay() const noexcept { return base_delay_; }

    /// The longest wait before any attempt, unless the server asks for a longer one. Default 30 s;
    /// from 1 ms.
    retry_policy& max_delay(duration delay) noexcept {
        return set(max_delay_, std::clamp(delay, duration(1), max_deadline));
    }
    [[nodiscard]] duration max_delay() const noexcept { return max_delay_; }

    /// How long one attempt may take, within the call's deadline. Default 30 s; from 1 ms. A create
    /// that exceeds it ends with an unknown outcome; a call that is safe to repeat is retried.
    retry_policy& attempt_timeout(duration timeout) noexcept {
        return set(attempt_timeout_, std::clamp(timeout, duration(1), max_deadline));
    }
    [[nodiscard]] duration attempt_timeout() const noexcept { return attempt_timeout_; }

private:
    unsigned max_attempts_ = 4;
    duration base_delay_{500};
    duration max_delay_{30'000};
    duration attempt_timeout_{30'000};
};

/// The wait after the failed attempt number `attempt` (from 1). It is random ("full jitter"), from
/// zero to `base_delay` doubled `attempt - 1` times, at most `max_delay`: clients that failed at the
/// same time do not all retry at the same time.
///
/// @param random_bits 64 random bits
[[nodiscard]] inline retry_policy::duration backoff(retry_policy const& policy, unsigned attempt,
                                                    std::uint64_t random_bits) noexcept {
    auto ceiling = policy.base_delay();
    for (unsigned i = 1; i < attempt && ceiling < policy.max_delay(); ++i)
        ceiling *= 2;
    ceiling = (std::min)(ceiling, policy.max_delay());
    auto const choices = static_cast<std::uint64_t>(ceiling.count()) + 1;
    return retry_policy::duration(random_bits % choices);
}

/// Bounds the retries of all calls together, so that a service that fails is not sent much more than
/// one that works: each retry is withdrawn from the budget, and each call that succeeds deposits a
/// tenth of one. Threads may share it.
class retry_budget {
public:
    /// @param capacity how many retries may be made in a row while nothing succeeds
    explicit retry_budget(std::int64_t capacity = 20) noexcept
        : capacity_(std::clamp<std::int64_t>(capacity, 0, max_capacity) * scale),
          tenths_(capacity_) {}

    /// Withdraws one retry; false, and nothing is withdrawn, where none is left.
    [[nodiscard]] bool withdraw() noexcept {
        auto have = tenths_.load(std::memory_order_relaxed);
        while (have >= scale)
            if (tenths_.compare_exchange_weak(have, have - scale, std::memory_order_relaxed))
                return true;
        return false;
    }

    /// Deposits a tenth of a retry, up to the capacity: a call succeeded.
    void deposit() noexcept {
        auto have = tenths_.load(std::memory_order_relaxed);
        while (have < capacity_)
            if (tenths_.compare_exchange_weak(have, have + 1, std::memory_order_relaxed)) return;
    }

private:
    static constexpr std::int64_t scale = 10;
    static constexpr std::int64_t max_capacity = 1'000'000'000;
    std::int64_t capacity_;
    std::atomic<std::int64_t> tenths_;
};

} // namespace cloudflare::inline v0
