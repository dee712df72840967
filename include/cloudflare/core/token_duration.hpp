/// How long a service token is valid: Go's duration grammar, or `forever`.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/result.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <ostream>
#include <ratio>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A duration that is compared by value and keeps its spelling: `60m` equals `1h`, but each is sent
/// as it was written, because the API stores and returns the string.
///
/// Positive, and at most 2^63-1 nanoseconds (about 292 years), as in Go.
class token_duration {
public:
    /// Reads a duration such as `8760h`, `2h45m`, `1.5h` or `300ms` (units ns, us, µs, ms, s, m,
    /// h), or `forever`.
    ///
    /// @return the duration, or `errc::invalid_argument` with the rule that is broken
    [[nodiscard]] static result<token_duration> parse(std::string_view string);

    /// `count` hours, spelled `<count>h`; clamped to 1 to 2562047 (292 years). `make` refuses a
    /// count outside that range instead.
    [[nodiscard]] static token_duration hours(std::int64_t count) {
        count = std::clamp<std::int64_t>(count, 1, max_hours().count());
        return {std::chrono::hours(count), std::to_string(count) + 'h'};
    }

    /// A whole number of hours, days or weeks, spelled in hours.
    ///
    /// @return the duration; `errc::invalid_argument` unless it is from 1 to 2562047 hours
    /// (292 years)
    template <class Rep, class Period>
        requires std::convertible_to<std::chrono::duration<Rep, Period>, std::chrono::hours>
    [[nodiscard]] static result<token_duration> make(std::chrono::duration<Rep, Period> length) {
        using days = std::chrono::duration<double, std::ratio<86400>>; // any length fits
        if (length < decltype(length)::zero() || length == decltype(length)::zero())
            return error(errc::invalid_argument, "duration: must be at least one hour");
        if (days(length) > days(max_hours()))
            return error(errc::invalid_argument, "duration: must be at most 292 years");
        return hours(std::chrono::hours(length).count());
    }

    /// A token that does not expire.
    [[nodiscard]] static token_duration forever() { return {std::nullopt, "forever"}; }

    /// Whether the token does not expire.
    [[nodiscard]] bool is_forever() const noexcept { return !value_; }

    /// The length; empty for `forever`.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> value() const noexcept { return value_; }

    /// The spelling it was made from, which is what is sent.
    [[nodiscard]] std::string const& str() const noexcept { return string_; }

    /// The same length, however it is spelled.
    friend bool operator==(token_duration const& a, token_duration const& b) noexcept {
        return a.value_ == b.value_;
    }
    /// `forever` is longer than every other. Weak: equal durations may be spelled differently.
    friend std::weak_ordering operator<=>(token_duration const& a,
                                          token_duration const& b) noexcept {
        if (a.is_forever() || b.is_forever()) return a.is_forever() <=> b.is_forever();
        return *a.value_ <=> *b.value_;
    }
    /// Prints the spelling.
    friend std::ostream& operator<<(std::ostream& out, token_duration const& d) {
        return out << d.string_;
    }

private:
    [[nodiscard]] static constexpr std::chrono::hours max_hours() noexcept {
        return std::chrono::floor<std::chrono::hours>((std::chrono::nanoseconds::max)());
    }
    token_duration(std::optional<std::chrono::nanoseconds> value, std::string string)
        : value_(value), string_(std::move(string)) {}

    std::optional<std::chrono::nanoseconds> value_;
    std::string string_;
};

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/core/impl/token_duration.ipp>
#endif
