/// A point in time as the API writes it: from and to an RFC 3339 string.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/result.hpp>

#include <chrono>
#include <compare>
#include <ostream>
#include <string>
#include <string_view>

namespace cloudflare::inline v0 {

/// A point in time in UTC, to the nanosecond. Clamped to the years 0 to 9999.
///
/// Seconds and nanoseconds are kept apart, because one 64-bit count of nanoseconds ends in 2262
/// and a token that lasts `forever` may expire later than that.
class timestamp {
public:
    /// 1970-01-01T00:00:00Z.
    constexpr timestamp() noexcept = default;

    /// A time point of the system clock, of any resolution; rounded down to nanoseconds.
    template <class Duration>
    constexpr timestamp(std::chrono::sys_time<Duration> moment) noexcept {
        // Compared in a double, into which any time of any clock fits.
        using wide = std::chrono::duration<double>;
        wide const since_1970 = moment.time_since_epoch();
        if (since_1970 < wide(first().time_since_epoch())) {
            seconds_ = first();
        } else if (since_1970 >= wide(last().time_since_epoch() + std::chrono::seconds(1))) {
            *this = latest();
        } else {
            seconds_ = std::chrono::floor<std::chrono::seconds>(moment);
            fraction_ = std::chrono::floor<std::chrono::nanoseconds>(moment - seconds_);
        }
    }

    /// The sum of both; `fraction` may be negative, or more than a second.
    constexpr timestamp(std::chrono::sys_seconds seconds,
                        std::chrono::nanoseconds fraction) noexcept {
        auto const whole = std::chrono::floor<std::chrono::seconds>(fraction);
        if (seconds < first() - whole) {
            seconds_ = first();
        } else if (seconds > last() - whole) {
            *this = latest();
        } else {
            seconds_ = seconds + whole;
            fraction_ = fraction - whole;
        }
    }

    /// Reads an RFC 3339 date-time: `T`, `t` or a space between date and time, 0 to 9 fractional
    /// digits, `Z` or an offset. A leap second (23:59:60 UTC) is read as the second after it.
    ///
    /// @return the point in time, or `errc::invalid_argument` with the rule that is broken
    [[nodiscard]] static result<timestamp> parse(std::string_view string);

    /// Rounded down to whole seconds.
    [[nodiscard]] constexpr std::chrono::sys_seconds seconds() const noexcept { return seconds_; }
    /// The rest beyond `seconds()`: from 0 to less than one second.
    [[nodiscard]] constexpr std::chrono::nanoseconds fraction() const noexcept { return fraction_; }

    /// RFC 3339 in UTC with a `Z` and as many fractional digits as are needed, e.g.
    /// `2025-09-25T22:26:26Z`.
    [[nodiscard]] std::string to_string() const;

    /// This time plus `span`, which may be negative; clamped to the years 0 to 9999.
    [[nodiscard]] constexpr timestamp plus(std::chrono::seconds span) const noexcept {
        if (span > last() - seconds_) return last();
        if (span < first() - seconds_) return first();
        return timestamp(seconds_ + span, fraction_);
    }

    /// The same point in time.
    friend constexpr bool operator==(timestamp const&, timestamp const&) noexcept = default;
    /// Earlier is less.
    friend constexpr std::strong_ordering operator<=>(timestamp const&,
                                                      timestamp const&) noexcept = default;
    /// Prints `to_string()`.
    friend std::ostream& operator<<(std::ostream& out, timestamp const& t) {
        return out << t.to_string();
    }

private:
    [[nodiscard]] static constexpr std::chrono::sys_seconds first() noexcept {
        return std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
    }
    [[nodiscard]] static constexpr std::chrono::sys_seconds last() noexcept {
        return std::chrono::sys_days(std::chrono::year(10000) / 1 / 1) - std::chrono::seconds(1);
    }
    [[nodiscard]] static constexpr timestamp latest() noexcept {
        timestamp t;
        t.seconds_ = last();
        t.fraction_ = std::chrono::nanoseconds(999'999'999);
        return t;
    }

    std::chrono::sys_seconds seconds_{};
    std::chrono::nanoseconds fraction_{};
};

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/core/impl/timestamp.ipp>
#endif
