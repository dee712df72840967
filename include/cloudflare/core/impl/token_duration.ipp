/// The definitions of `token_duration`.
#pragma once

#include <cloudflare/core/token_duration.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflare::inline v0 {

namespace detail {

/// Consumes the unit that `string` begins with; its length in nanoseconds, or 0 where there is
/// none.
[[nodiscard]] inline std::int64_t take_duration_unit(std::string_view& string) noexcept {
    using namespace std::chrono_literals;
    struct unit {
        std::string_view name;
        std::chrono::nanoseconds length;
    };
    // The micro sign and the Greek mu in UTF-8, whatever the compiler's execution character set.
    static constexpr unit units[] = {
        {"ns", 1ns}, {"us", 1us}, {"\xc2\xb5s", 1us}, {"\xce\xbcs", 1us},
        {"ms", 1ms}, {"s", 1s},   {"m", 1min},        {"h", 1h},
    };
    for (auto const& [name, length] : units) {
        if (!string.starts_with(name)) continue;
        string.remove_prefix(name.size());
        return length.count();
    }
    return 0;
}

/// a * b + c for numbers that are not negative; empty where it overflows.
[[nodiscard]] constexpr std::optional<std::int64_t> multiply_add(std::int64_t a, std::int64_t b,
                                                                 std::int64_t c) noexcept {
    constexpr auto max = (std::numeric_limits<std::int64_t>::max)();
    if (b != 0 && a > (max - c) / b) return std::nullopt;
    return a * b + c;
}

/// Consumes one component such as `1.5h` that `string` begins with; in nanoseconds.
[[nodiscard]] inline result<std::int64_t> take_duration_component(std::string_view& string) {
    auto const refuse = [](char const* rule) {
        return error(errc::invalid_argument, std::string("duration: ") + rule);
    };
    auto const is_digit = [&] { return !string.empty() && string[0] >= '0' && string[0] <= '9'; };

    std::optional<std::int64_t> whole = 0;
    bool any_digit = false;
    for (; is_digit(); string.remove_prefix(1), any_digit = true)
        if (whole) whole = multiply_add(*whole, 10, string[0] - '0');

    std::string_view fraction;
    if (string.starts_with('.')) {
        string.remove_prefix(1);
        fraction = string.substr(0, string.find_first_not_of("0123456789"));
        string.remove_prefix(fraction.size());
        any_digit = any_digit || !fraction.empty();
    }
    if (!any_digit) return refuse("must be a number and a unit, such as 8760h, or forever");

    auto const unit = take_duration_unit(string);
    if (unit == 0) return refuse("must have a unit after each number: ns, us, ms, s, m or h");
    // floor((d1 * unit + floor(rest / 10)) / 10), from the last digit to the first: nested floors
    // equal one floor, so this is exact without a wide integer.
    std::int64_t part = 0;
    for (auto digit = fraction.rbegin(); digit != fraction.rend(); ++digit)
        part = ((*digit - '0') * unit + part) / 10;
    auto const total = whole ? multiply_add(*whole, unit, part) : std::nullopt;
    if (!total) return refuse("must be at most 292 years");
    return *total;
}

} // namespace detail

CLOUDFLARE_DECL result<token_duration> token_duration::parse(std::string_view string) {
    if (string == "forever") return forever();
    if (string.empty() || string.starts_with('-'))
        return error(errc::invalid_argument,
                     "duration: must be positive, such as 8760h, or forever");

    std::int64_t total = 0;
    auto rest = string.starts_with('+') ? string.substr(1) : string;
    do {
        auto const component = detail::take_duration_component(rest);
        if (!component) return component.error();
        auto const sum = detail::multiply_add(total, 1, *component);
        if (!sum) return error(errc::invalid_argument, "duration: must be at most 292 years");
        total = *sum;
    } while (!rest.empty());
    if (total == 0) return error(errc::invalid_argument, "duration: must be longer than zero");
    return token_duration(std::chrono::nanoseconds(total), std::string(string));
}

} // namespace cloudflare::inline v0
