/// The definitions of `timestamp`.
#pragma once

#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloudflare::inline v0 {

namespace detail {

/// Reads an RFC 3339 string from left to right. A step that fails may have consumed part of the
/// string; the caller then stops reading.
class rfc3339_reader {
public:
    explicit rfc3339_reader(std::string_view string) noexcept : rest_(string) {}

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool next_is_digit() const noexcept {
        return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9';
    }

    /// Consumes one of these characters, and returns it; 0 where there is none.
    template <std::same_as<char>... Characters>
    char accept(Characters... characters) noexcept {
        if (rest_.empty() || ((rest_[0] != characters) && ...)) return 0;
        char const found = rest_[0];
        rest_.remove_prefix(1);
        return found;
    }

    /// Exactly `Count` digits as a number between `low` and `high`, or -1.
    template <std::size_t Count>
    int number(int low, int high) noexcept {
        if (rest_.size() < Count) return -1;
        int value = 0;
        bool all_digits = true;
        for (std::size_t i = 0; i != Count; ++i) {
            int const digit = rest_[i] - '0';
            all_digits &= digit >= 0 && digit <= 9;
            value = value * 10 + digit;
        }
        rest_.remove_prefix(Count);
        return all_digits && value >= low && value <= high ? value : -1;
    }

private:
    std::string_view rest_;
};

inline void append_digits(std::string& string, std::int64_t value, int width) {
    auto const digits = std::to_string(value);
    if (auto const have = static_cast<int>(digits.size()); have < width)
        string.append(static_cast<std::size_t>(width - have), '0');
    string += digits;
}

} // namespace detail

CLOUDFLARE_DECL result<timestamp> timestamp::parse(std::string_view string) {
    using namespace std::chrono;
    auto const refuse = [](char const* rule) {
        return error(errc::invalid_argument, std::string("timestamp: ") + rule);
    };

    detail::rfc3339_reader in(string);
    int const y = in.number<4>(0, 9999);
    bool const separated = in.accept('-') != 0;
    int const m = in.number<2>(1, 12);
    bool const separated_twice = in.accept('-') != 0;
    int const d = in.number<2>(1, 31);
    if (y < 0 || !separated || m < 0 || !separated_twice || d < 0)
        return refuse("must begin with a date such as 2025-09-25");
    auto const date = year(y) / month(static_cast<unsigned>(m)) / day(static_cast<unsigned>(d));
    if (!date.ok()) return refuse("that day does not exist");

    if (in.accept('T', 't', ' ') == 0) return refuse("must have a T after the date");
    int const h = in.number<2>(0, 23);
    bool const colon = in.accept(':') != 0;
    int const min = in.number<2>(0, 59);
    bool const colon_twice = in.accept(':') != 0;
    int const s = in.number<2>(0, 60);
    if (h < 0 || !colon || min < 0 || !colon_twice || s < 0)
        return refuse("must have a time such as 22:26:26");

    nanoseconds fraction{};
    if (in.accept('.') != 0) {
        if (!in.next_is_digit()) return refuse("must have a digit after the point");
        for (nanoseconds unit = 100ms; in.next_is_digit(); unit /= 10) {
            if (unit == 0ns) return refuse("must have at most 9 fractional digits");
            fraction += unit * in.number<1>(0, 9);
        }
    }

    minutes offset{};
    if (in.accept('Z', 'z') == 0) {
        char const sign = in.accept('+', '-');
        int const oh = in.number<2>(0, 23);
        bool const offset_colon = in.accept(':') != 0;
        int const om = in.number<2>(0, 59);
        if (sign == 0 || oh < 0 || !offset_colon || om < 0)
            return refuse("must end with Z or an offset such as +02:00");
        offset = hours(oh) + minutes(om);
        if (sign == '-') offset = -offset;
    }
    if (!in.at_end()) return refuse("has text after its end");

    auto const moment = sys_days(date) + hours(h) + minutes(min) - offset + std::chrono::seconds(s);
    if (s == 60 && moment != floor<days>(moment))
        return refuse("second 60 is allowed at 23:59 UTC only");
    if (moment < sys_days(year(0) / 1 / 1) || moment >= sys_days(year(10000) / 1 / 1))
        return refuse("must be from year 0 to 9999 in UTC");
    return timestamp(moment, fraction);
}

CLOUDFLARE_DECL std::string timestamp::to_string() const {
    using namespace std::chrono;
    auto const midnight = floor<days>(seconds_);
    year_month_day const date(midnight);
    hh_mm_ss const time(seconds_ - midnight);

    std::string string;
    string.reserve(30);
    detail::append_digits(string, int(date.year()), 4);
    detail::append_digits(string += '-', unsigned(date.month()), 2);
    detail::append_digits(string += '-', unsigned(date.day()), 2);
    detail::append_digits(string += 'T', time.hours().count(), 2);
    detail::append_digits(string += ':', time.minutes().count(), 2);
    detail::append_digits(string += ':', time.seconds().count(), 2);
    if (fraction_ != 0ns) {
        detail::append_digits(string += '.', fraction_.count(), 9);
        while (string.back() == '0')
            string.pop_back();
    }
    return string += 'Z';
}

} // namespace cloudflare::inline v0
