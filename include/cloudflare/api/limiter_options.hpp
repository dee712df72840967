/// The options of a limiter: how many requests it allows in which time.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace cloudflare::inline v0 {

/// Options of a limiter. Built by chained setters; a value outside its range is clamped.
///
/// The defaults are Cloudflare's limits: 1200 requests in five minutes for all that a user does, and
/// 200 a second for an IP address; past either, every request is refused for five minutes
/// (developers.cloudflare.com/fundamentals/api/reference/limits).
class limiter_options : public detail::options_base<limiter_options> {
public:
    /// Of every setting here.
    using duration = std::chrono::milliseconds;

    /// How many requests may be made in a window. Default 1200; from 1 to 100,000. Set it lower to
    /// leave a share to people and to programs that use the same account.
    limiter_options& permits(std::int64_t count) noexcept {
        return set(permits_, std::clamp<std::int64_t>(count, 1, 100'000));
    }
    [[nodiscard]] std::int64_t permits() const noexcept { return permits_; }

    /// The length of the window. Default 5 min; from 1 s to a day.
    limiter_options& window(duration span) noexcept {
        return set(window_,
                   std::clamp<duration>(span, std::chrono::seconds(1), std::chrono::hours(24)));
    }
    [[nodiscard]] duration window() const noexcept { return window_; }

    /// How many of the permits are left to other users of the account; at most half of them.
    /// Default: a thirtieth, for one hour from the moment when `Ratelimit` shows that somebody else
    /// uses the account. A reserve that is set is kept at all times.
    limiter_options& reserve(std::int64_t count) noexcept {
        return set(reserve_, std::max<std::int64_t>(count, 0));
    }
    [[nodiscard]] std::int64_t reserve() const noexcept {
        return (std::min)(reserve_.value_or(permits_ / 30), permits_ / 2);
    }
    /// Whether the reserve was set, and so is kept at all times.
    [[nodiscard]] bool keeps_reserve() const noexcept { return reserve_.has_value(); }

    /// How many requests may be made at once, without a wait between them. Default a sixth of the
    /// permits; from 1 to all permits.
    limiter_options& burst(std::int64_t count) noexcept {
        return set(burst_, std::max<std::int64_t>(count, 1));
    }
    [[nodiscard]] std::int64_t burst() const noexcept {
        return std::clamp<std::int64_t>(burst_.value_or(permits_ / 6), 1, permits_);
    }

    /// The shortest time in which all permits may be used; from 0 to a day. Default a twelfth of the
    /// window. A longer one shows other users' requests (by `Ratelimit`) before the permits are used
    /// up.
    limiter_options& spread(duration span) noexcept {
        return set(spread_, std::clamp<duration>(span, duration(0), std::chrono::hours(24)));
    }
    [[nodiscard]] duration spread() const noexcept { return spread_.value_or(window_ / 12); }

    /// How long nothing is sent after a 429 that has no `Retry-After`. Default 5 min; at most an
    /// hour.
    limiter_options& ban(duration span) noexcept {
        return set(ban_, std::clamp<duration>(span, duration(0), std::chrono::hours(1)));
    }
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
