/// What a limiter allows: how many requests in which time.
#pragma once

#include <cloudflare/core/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace cloudflare::inline v0 {

/// Options of a limiter. Built by chained setters; a value outside its range is clamped.
///
/// The defaults are Cloudflare's: 1200 requests in five minutes for all that a user does, and 200
/// a second for an IP address; past either everything is refused for five minutes
/// (developers.cloudflare.com/fundamentals/api/reference/limits).
class limiter_options {
public:
    using duration = std::chrono::milliseconds;

    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    limiter_options() noexcept {}

    /// How many requests may be made in a window. Default 1200; from 1 to 100,000. Set it lower to
    /// leave a share to people and to programs that use the same account.
    limiter_options& permits(std::int64_t count) noexcept {
        permits_ = std::clamp<std::int64_t>(count, 1, 100'000);
        return *this;
    }
    /// The length of the window. Default 5 min; from 1 s to a day.
    limiter_options& window(duration span) noexcept {
        window_ = std::clamp<duration>(span, std::chrono::seconds(1), std::chrono::hours(24));
        return *this;
    }
    /// How many of the permits are left to others. Default a thirtieth, from the moment on that
    /// somebody else is seen to use the account (by `Ratelimit`), for an hour; one that is set is
    /// kept always. At most half of the permits.
    limiter_options& reserve(std::int64_t count) noexcept {
        reserve_ = std::max<std::int64_t>(count, 0);
        return *this;
    }
    /// How many requests may be made at once. Default a sixth of the permits.
    limiter_options& burst(std::int64_t count) noexcept {
        burst_ = std::max<std::int64_t>(count, 1);
        return *this;
    }
    /// In how much time all permits may be used. Default a twelfth of the window. It is what makes
    /// others' use visible before the permits are used up.
    limiter_options& spread(duration span) noexcept {
        spread_ = std::clamp<duration>(span, duration(0), std::chrono::hours(24));
        return *this;
    }
    /// How long nothing is sent after a 429 that has no `Retry-After`. Default 5 min; at most an
    /// hour.
    limiter_options& ban(duration span) noexcept {
        ban_ = std::clamp<duration>(span, duration(0), std::chrono::hours(1));
        return *this;
    }

    [[nodiscard]] std::int64_t permits() const noexcept { return permits_; }
    [[nodiscard]] duration window() const noexcept { return window_; }
    [[nodiscard]] std::int64_t reserve() const noexcept {
        return (std::min)(reserve_.value_or(permits_ / 30), permits_ / 2);
    }
    [[nodiscard]] bool keeps_reserve() const noexcept { return reserve_.has_value(); }
    [[nodiscard]] std::int64_t burst() const noexcept {
        return std::clamp<std::int64_t>(burst_.value_or(permits_ / 6), 1, permits_);
    }
    [[nodiscard]] duration spread() const noexcept { return spread_.value_or(window_ / 12); }
    [[nodiscard]] duration ban() const noexcept { return ban_; }

private:
    std::int64_t permits_ = 1200;
    duration window_ = std::chrono::minutes(5);
    std::optional<std::int64_t> reserve_;
    std::optional<std::int64_t> burst_;
    std::optional<duration> spread_;
    duration ban_ = std::chrono::minutes(5);
};

} // namespace cloudflare::inline v0
