/// HTTP dates (RFC 9110, section 5.6.7), for `Date` and `Retry-After`.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::http {

namespace detail {

/// Splits a date into its words: everything between spaces, commas, colons and hyphens.
struct date_words {
    std::array<std::string_view, 9> word{};
    std::size_t count = 0;

    explicit date_words(std::string_view string) noexcept {
        constexpr std::string_view separators = " ,:-";
        while (count != word.size()) {
            auto const begin = string.find_first_not_of(separators);
            if (begin == string.npos) return;
            string.remove_prefix(begin);
            word[count++] = string.substr(0, string.find_first_of(separators));
            string.remove_prefix(word[count - 1].size());
        }
    }
};

[[nodiscard]] inline int date_number(std::string_view word) noexcept {
    int value = -1;
    auto const [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
    return failed == std::errc() && end == word.data() + word.size() ? value : -1;
}

[[nodiscard]] inline unsigned month_number(std::string_view word) noexcept {
    constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (word.size() != 3) return 0;
    auto const at = names.find(word);
    return at == names.npos || at % 3 != 0 ? 0 : static_cast<unsigned>(at / 3 + 1);
}

} // namespace detail

/// Reads an HTTP date in any of its three forms:
///
///     Sun, 06 Nov 1994 08:49:37 GMT      the current form
///     Sunday, 06-Nov-94 08:49:37 GMT     obsolete (RFC 850); a year below 70 is taken for 20xx
///     Sun Nov  6 08:49:37 1994           obsolete (asctime)
///
/// @return empty where it is none of them
[[nodiscard]] inline std::optional<std::chrono::sys_seconds>
parse_date(std::string_view string) noexcept {
    using namespace std::chrono;
    detail::date_words const words(string);
    auto const& w = words.word;
    bool const asctime = words.count == 7 && detail::month_number(w[1]) != 0;
    if (!asctime && (words.count != 8 || w[7] != "GMT")) return std::nullopt;

    int const d = detail::date_number(asctime ? w[2] : w[1]);
    unsigned const m = detail::month_number(asctime ? w[1] : w[2]);
    auto const year_word = asctime ? w[6] : w[3];
    int y = detail::date_number(year_word);
    if (year_word.size() == 2 && y >= 0) y += y < 70 ? 2000 : 1900;
    std::size_t const time = asctime ? 3 : 4;
    int const h = detail::date_number(w[time]);
    int const min = detail::date_number(w[time + 1]);
    int const s = detail::date_number(w[time + 2]);

    if (d < 1 || d > 31 || m == 0 || y < 0 || y > 9999) return std::nullopt;
    auto const date = year(y) / month(m) / day(static_cast<unsigned>(d));
    if (!date.ok() || h < 0 || h > 23 || min < 0 || min > 59 || s < 0 || s > 60)
        return std::nullopt;
    return sys_days(date) + hours(h) + minutes(min) + seconds(s);
}

/// Writes an HTTP date in its current form, e.g. `Sun, 06 Nov 1994 08:49:37 GMT`.
[[nodiscard]] inline std::string format_date(timestamp moment) {
    using namespace std::chrono;
    constexpr std::string_view days_of_week = "SunMonTueWedThuFriSat";
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    auto const day = floor<days>(moment.seconds());
    unsigned const month(year_month_day(day).month());
    auto const iso = moment.to_string(); // e.g. 1994-11-06T08:49:37Z
    std::string date(days_of_week, std::size_t{3} * weekday(day).c_encoding(), 3);
    date.append(", ").append(iso, 8, 2).append(" ").append(months, std::size_t{3} * (month - 1), 3);
    return date.append(" ").append(iso, 0, 4).append(" ").append(iso, 11, 8).append(" GMT");
}

} // namespace cloudflare::inline v0::http
