/// When a call may be tried again: attempts, backoff, and a budget that all calls of a client
/// share.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace cloudflare::inline v0 {

/// Longer deadlines are clamped to this, so that now + deadline cannot overflow.
inline constexpr std::chrono::milliseconds max_deadline = std::chrono::years(10);

/// How often and how fast a call is tried again. Built by chained setters, which clamp.
class retry_policy {
public:
    using duration = std::chrono::milliseconds;

    retry_policy() noexcept = default;

    /// Requests a call may make, the first included. Default 4; from 1 (no retry) to 100.
    retry_policy& max_attempts(unsigned count) noexcept {
        max_attempts_ = std::clamp(count, 1U, 100U);
        return *this;
    }
    /// The longest wait before the second attempt; it doubles with each further one. Default 500
    /// ms.
    retry_policy& base_delay(duration delay) noexcept {
        base_delay_ = std::clamp(delay, duration(1), max_deadline);
        return *this;
    }
    /// Upper bound of the delay. Default 30 s.
    retry_policy& max_delay(duration delay) noexcept {
        max_delay_ = std::clamp(delay, duration(1), max_deadline);
        return *this;
    }
    /// How long one attempt may take within the call's deadline. Default 30 s. A create that runs
    /// into it ends with an unknown outcome; a call that is safe to repeat is tried again.
    retry_policy& attempt_timeout(duration timeout) noexcept {
        attempt_timeout_ = std::clamp(timeout, duration(1), max_deadline);
        return *this;
    }

    [[nodiscard]] unsigned max_attempts() const noexcept { return max_attempts_; }
    [[nodiscard]] duration base_delay() const noexcept { return base_delay_; }
    [[nodiscard]] duration max_delay() const noexcept { return max_delay_; }
    [[nodiscard]] duration attempt_timeout() const noexcept { return attempt_timeout_; }

private:
    unsigned max_attempts_ = 4;
    duration base_delay_{500};
    duration max_delay_{30'000};
    duration attempt_timeout_{30'000};
};

/// The wait after failed attempt number `attempt` (from 1): "full jitter", which is anything from
/// zero to the doubled delay, so that many clients that failed together do not come back together.
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

/// Bounds the retries of all calls together, so that a broken service is not hit harder than a
/// working one: a retry takes a token out, a call that succeeds puts a tenth of one back. Safe to
/// share by threads.
class retry_budget {
public:
    /// @param capacity how many retries may be made in a row while nothing succeeds
    explicit retry_budget(std::int64_t capacity = 20) noexcept
        : capacity_(std::clamp<std::int64_t>(capacity, 0, max_capacity) * scale),
          tenths_(capacity_) {}

    /// Takes one retry out; false where none is left.
    [[nodiscard]] bool withdraw() noexcept {
        auto have = tenths_.load(std::memory_order_relaxed);
        while (have >= scale)
            if (tenths_.compare_exchange_weak(have, have - scale, std::memory_order_relaxed))
                return true;
        return false;
    }

    /// Notes that a call succeeded.
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
