#include <cloudflare/core/token_duration.hpp>

#include <doctest/doctest.h>

#include <type_traits>

#include <compare>

#include <chrono>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

TEST_CASE("a duration is read by value and keeps its spelling") {
    struct row {
        std::string_view string;
        std::chrono::nanoseconds expected;
    };
    for (auto const& [string, expected] : {
             row{"8760h", 8760h},
             row{"1ns", 1ns},
             row{"1us", 1us},
             row{"1\u00b5s", 1us}, // U+00B5, the micro sign
             row{"1\u03bcs", 1us}, // U+03BC, the Greek letter
             row{"1ms", 1ms},
             row{"1s", 1s},
             row{"1m", 1min},
             row{"1h", 1h},
             row{"+5s", 5s},
             row{"007s", 7s},
             row{"2h45m", 2h + 45min},
             row{"1h1m1s1ms1us1ns", 1h + 1min + 1s + 1ms + 1us + 1ns},
             row{"1m1ms", 1min + 1ms},
             row{"1s1s", 2s},        // a unit may come again
             row{"1ns1h", 1h + 1ns}, // and in any order
             row{"0h1s", 1s},
             row{"1.5h", 90min},
             row{"1.5h.5m", 90min + 30s},
             row{".5s", 500ms},
             row{"5.s", 5s},
             row{"0.1s", 100ms},
             row{"1.000000001s", 1s + 1ns},
             row{"0.25us", 250ns},
             row{"1.9ns", 1ns}, // below a nanosecond there is nothing
             row{"1.0000000000000000000000000001s", 1s},
         }) {
        CAPTURE(string);
        auto const d = token_duration::parse(string);
        REQUIRE(d.has_value());
        CHECK(d->value() == expected);
        CHECK(d->str() == string);
        CHECK_FALSE(d->is_forever());
        std::ostringstream out;
        out << *d;
        CHECK(out.str() == string);
    }
}

TEST_CASE("what is not a positive duration is refused, and the error says so") {
    for (auto const string : {
             ""sv,
             "0"sv,
             "-1h"sv,
             "-0h"sv,
             "0s"sv,
             "0h0m"sv,
             "0.0s"sv,
             "0.9ns"sv,
             "+0s"sv,
             "1"sv,
             "8760"sv,
             "h"sv,
             "s"sv,
             ".s"sv,
             "."sv,
             ".h"sv,
             "+"sv,
             "-"sv,
             "+-1s"sv,
             "++1s"sv,
             "1h-30m"sv,
             "1h+30m"sv,
             "1d"sv,
             "1y"sv,
             "1w"sv,
             "1H"sv,
             "1 h"sv,
             " 1h"sv,
             "1h "sv,
             "1h 30m"sv,
             "1h\n"sv,
             "1h30"sv,
             "1hr"sv,
             "1min"sv,
             "1sec"sv,
             "1.2.3s"sv,
             "1,5h"sv,
             "1e3s"sv,
             "0x10s"sv,
             "1h\0"sv,
             "\0"
             "1h"sv,
             "1\0h"sv,
             "1\xb5s"sv,
             "1\u00b5"sv,
             "1\u00b5\u00b5s"sv,
             "\xef\xbb\xbf"
             "1h"sv,
             "\xd9\xa1h"sv,
             "Forever"sv,
             "forever "sv,
             "+forever"sv,
             "1hforever"sv,
             "forever1h"sv,
             "infinity"sv,
         }) {
        CAPTURE(string);
        auto const d = token_duration::parse(string);
        REQUIRE_FALSE(d.has_value());
        CHECK(d.error() == errc::invalid_argument);
        CHECK(d.error().details().explanation.starts_with("duration: "));
    }
}

TEST_CASE("the longest duration is 2^63-1 nanoseconds") {
    auto const longest = std::chrono::nanoseconds::max();
    REQUIRE(longest.count() == std::numeric_limits<std::int64_t>::max());
    for (auto const string :
         {"9223372036854775807ns"sv, "9223372036854775.807us"sv, "9223372036854ms775us807ns"sv,
          "2562047h47m16.854775807s"sv, "9223372036s854775807ns"sv, "0009223372036854775807ns"sv}) {
        CAPTURE(string);
        CHECK(token_duration::parse(string).value().value() == longest);
    }
    for (auto const string :
         {"9223372036854775808ns"sv, "9223372036854775.808us"sv, "9223372036854ms775us808ns"sv,
          "2562047h47m16.854775808s"sv, "2562048h"sv, "153722868m"sv, "9223372037s"sv,
          "9223372036854776ms"sv, "9223372036854775808h"sv, "18446744073709551617ns"sv, // 2^64 + 1
          "99999999999999999999999999999999s"sv, "2562047h1h"sv}) {
        CAPTURE(string);
        auto const d = token_duration::parse(string);
        REQUIRE_FALSE(d.has_value());
        CHECK(d.error().details().explanation == "duration: must be at most 292 years");
    }
}

TEST_CASE("a fraction is exact as far as nanoseconds go") {
    CHECK(token_duration::parse("0.4585346365975h").value().value() == 1'650'724'691'751ns);
    CHECK(token_duration::parse("0.45853463659750h").value().value() == 1'650'724'691'751ns);
    CHECK(token_duration::parse("0.88669333006250h").value().value() == 3'192'095'988'225ns);
    CHECK(token_duration::parse("0.00000000000028h").value().value() == 1ns);
    CHECK(token_duration::parse("0.999999999999999999999m").value().value() == 59'999'999'999ns);
}

TEST_CASE("a fraction may have any number of digits") {
    std::string const digits(10'000, '3');
    CHECK(token_duration::parse("0." + digits + "s").value().value() == 333'333'333ns);
    CHECK(token_duration::parse("1." + std::string(10'000, '0') + "1h").value().value() == 1h);
}

TEST_CASE("a zero at the end of a fraction changes nothing") {
    for (auto const digits : {"4585346365975"sv, "8866933300625"sv, "2728491817775"sv,
                              "8761867535175"sv, "123"sv, "5"sv}) {
        CAPTURE(digits);
        std::string const string = "0." + std::string(digits);
        CHECK(token_duration::parse(string + "h").value() ==
              token_duration::parse(string + "0h").value());
    }
}

TEST_CASE("durations are equal by value, not by spelling") {
    struct row {
        std::string_view a;
        std::string_view b;
        bool equal;
    };
    for (auto const& [a, b, equal] : {
             row{"60m", "1h", true},
             row{"8760h", "8760h0m0s", true},
             row{"1\u00b5s", "1\u03bcs", true},
             row{"1\u00b5s", "1us", true},
             row{"1.5h", "90m", true},
             row{"+1h", "1h", true},
             row{"forever", "forever", true},
             row{"59m", "1h", false},
             row{"1h", "1h1ns", false},
             row{"forever", "2562047h", false},
         }) {
        CAPTURE(a);
        CAPTURE(b);
        auto const left = token_duration::parse(a).value();
        auto const right = token_duration::parse(b).value();
        CHECK((left == right) == equal);
        CHECK((right == left) == equal);
        CHECK((left != right) == !equal);
    }
}

TEST_CASE("durations are ordered by length, and forever is the longest") {
    token_duration const ordered[] = {
        token_duration::parse("1ns").value(),
        token_duration::parse("59m").value(),
        token_duration::hours(1),
        token_duration::parse("90m").value(),
        token_duration::parse("9223372036854775807ns").value(),
        token_duration::forever(),
    };
    for (std::size_t i = 0; i != std::size(ordered); ++i) {
        for (std::size_t j = 0; j != std::size(ordered); ++j) {
            CAPTURE(ordered[i]);
            CAPTURE(ordered[j]);
            CHECK((ordered[i] < ordered[j]) == (i < j));
        }
    }
}

TEST_CASE("forever has no length and is sent as such") {
    for (auto const& d : {token_duration::forever(), token_duration::parse("forever").value()}) {
        CHECK(d.is_forever());
        CHECK_FALSE(d.value().has_value());
        CHECK(d.str() == "forever");
    }
    CHECK(token_duration::forever() == token_duration::parse("forever").value());
}

TEST_CASE("hours are written as hours") {
    auto const year = token_duration::hours(8760);
    CHECK(year.str() == "8760h");
    CHECK(year.value() == 8760h);
    CHECK(year == token_duration::parse("8760h").value());
    CHECK(token_duration::hours(1).value() == 1h);
    CHECK(token_duration::hours(2562047).value() == 2562047h);
}

TEST_CASE("hours out of range are taken to the nearer end") {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto max = std::numeric_limits<std::int64_t>::max();
    for (std::int64_t const count : {std::int64_t{0}, std::int64_t{-1}, least}) {
        CAPTURE(count);
        CHECK(token_duration::hours(count).str() == "1h");
        CHECK(token_duration::hours(count).value() == 1h);
    }
    for (std::int64_t const count : {std::int64_t{2562048}, max}) {
        CAPTURE(count);
        CHECK(token_duration::hours(count).str() == "2562047h");
        CHECK(token_duration::hours(count).value() == 2562047h);
    }
}

static_assert(std::is_same_v<decltype(token_duration::forever() <=> token_duration::forever()),
                             std::weak_ordering>);

TEST_CASE("a duration of std::chrono is written in hours, or refused") {
    using namespace std::chrono;
    CHECK(token_duration::make(hours(720)).value().str() == "720h");
    CHECK(token_duration::make(days(30)).value().str() == "720h");
    CHECK(token_duration::make(weeks(1)).value().str() == "168h");
    CHECK(token_duration::make(hours(1)).value().str() == "1h");
    CHECK(token_duration::make(hours(2562047)).value().str() == "2562047h");
    for (auto const bad :
         {hours(0), hours(-1), hours(-720), hours::min(), hours(2562048), hours::max()}) {
        CAPTURE(bad.count());
        auto const d = token_duration::make(bad);
        REQUIRE(d.has_error());
        CHECK(d.error() == errc::invalid_argument);
        CHECK(d.error().details().explanation.starts_with("duration: "));
    }
    CHECK(token_duration::make(days(0)).has_error());
    CHECK(token_duration::make(days::max()).has_error());
    CHECK(token_duration::make(weeks::max()).has_error());
    CHECK(token_duration::make(weeks::min()).has_error());
}

TEST_CASE("a count of hours outside its range is clamped") {
    constexpr auto max = std::numeric_limits<std::int64_t>::max();
    CHECK(token_duration::hours(0).str() == "1h");
    CHECK(token_duration::hours(-max - 1).str() == "1h");
    CHECK(token_duration::hours(2562047).str() == "2562047h");
    CHECK(token_duration::hours(max).str() == "2562047h");
}

TEST_CASE("each error says which rule a duration breaks") {
    struct row {
        std::string_view string;
        std::string_view explanation;
    };
    auto const number = "duration: must be a number and a unit, such as 8760h, or forever";
    auto const unit = "duration: must have a unit after each number: ns, us, ms, s, m or h";
    for (auto const& [string, explanation] : {
             row{"", "duration: must be positive, such as 8760h, or forever"},
             row{"-1h", "duration: must be positive, such as 8760h, or forever"},
             row{"-", "duration: must be positive, such as 8760h, or forever"},
             row{"h", number},
             row{"+", number},
             row{".h", number},
             row{"1h-", number},
             row{"1", unit},
             row{"1.", unit},
             row{"1.5q", unit},
             row{"1.5qh", unit},
             row{"1.5:h", unit},
             row{"1h2", unit},
             row{"2562048h", "duration: must be at most 292 years"},
             row{"2562047h48m", "duration: must be at most 292 years"},
             row{"99999999999999999999999h", "duration: must be at most 292 years"},
             row{"0h0m", "duration: must be longer than zero"},
             row{"0.1ns", "duration: must be longer than zero"},
         }) {
        CAPTURE(string);
        auto const refused = token_duration::parse(string);
        REQUIRE(refused.has_error());
        CHECK(refused.error() == errc::invalid_argument);
        CHECK(refused.error().details().explanation == explanation);
    }
}
