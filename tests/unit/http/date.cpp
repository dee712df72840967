#include <cloudflare/http/date.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::sys_days;

TEST_CASE("a date is read in any of its three forms") {
    auto const expected = sys_days(1994y / 11 / 6) + 8h + 49min + 37s;
    for (auto const string : {"Sun, 06 Nov 1994 08:49:37 GMT"sv, "Sunday, 06-Nov-94 08:49:37 GMT"sv,
                              "Sun Nov  6 08:49:37 1994"sv}) {
        CAPTURE(string);
        CHECK(http::parse_date(string) == expected);
    }
}

TEST_CASE("each month has its number") {
    constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned m = 1; m <= 12; ++m) {
        std::string const name(months[m - 1]);
        CAPTURE(name);
        auto const expected = sys_days(2025y / std::chrono::month(m) / 15) + 1h + 2min + 3s;
        CHECK(http::parse_date("Mon, 15 " + name + " 2025 01:02:03 GMT") == expected);
        CHECK(http::parse_date("Monday, 15-" + name + "-25 01:02:03 GMT") == expected);
        CHECK(http::parse_date("Mon " + name + " 15 01:02:03 2025") == expected);
    }
}

TEST_CASE("a year of two digits is taken for 20xx below 70, for 19xx from 70 on") {
    CHECK(http::parse_date("Monday, 01-Jan-00 00:00:00 GMT") == sys_days(2000y / 1 / 1));
    CHECK(http::parse_date("Monday, 01-Jan-69 00:00:00 GMT") == sys_days(2069y / 1 / 1));
    CHECK(http::parse_date("Monday, 01-Jan-70 00:00:00 GMT") == sys_days(1970y / 1 / 1));
    CHECK(http::parse_date("Monday, 01-Jan-99 00:00:00 GMT") == sys_days(1999y / 1 / 1));
}

TEST_CASE("the ends of the day, of the year and of time are read") {
    CHECK(http::parse_date("Thu, 01 Jan 1970 00:00:00 GMT") == std::chrono::sys_seconds());
    CHECK(http::parse_date("Fri, 31 Dec 9999 23:59:59 GMT") ==
          sys_days(9999y / 12 / 31) + 23h + 59min + 59s);
    CHECK(http::parse_date("Sat, 01 Jan 0000 00:00:00 GMT") == sys_days(0y / 1 / 1));
    CHECK(http::parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == sys_days(2017y / 1 / 1));
}

TEST_CASE("a leap day exists in leap years only") {
    CHECK(http::parse_date("Thu, 29 Feb 2024 00:00:00 GMT") == sys_days(2024y / 2 / 29));
    CHECK_FALSE(http::parse_date("Sat, 29 Feb 2025 00:00:00 GMT").has_value());
    CHECK_FALSE(http::parse_date("Mon, 29 Feb 2100 00:00:00 GMT").has_value());
    CHECK(http::parse_date("Tue Feb 29 00:00:00 2000") == sys_days(2000y / 2 / 29));
    CHECK_FALSE(http::parse_date("Wed Feb 30 00:00:00 2000").has_value());
}

TEST_CASE("what is not a date is refused") {
    for (auto const string : {
             ""sv,
             " "sv,
             "120"sv,
             "soon"sv,
             "Sun, 06 Nov 1994 08:49:37"sv,
             "Sun, 06 Nov 1994 08:49:37 UTC"sv,
             "Sun, 06 Nov 1994 08:49:37 +0000"sv,
             "Sun, 06 Nov 1994 08:49 GMT"sv,
             "Sun, 06 Nov 1994 08:49:37 GMT GMT"sv,
             "06 Nov 1994 08:49:37 GMT"sv,
             "Sun, 06 Nov 1994 24:00:00 GMT"sv,
             "Sun, 06 Nov 1994 08:60:00 GMT"sv,
             "Sun, 06 Nov 1994 08:49:61 GMT"sv,
             "Sun, 00 Nov 1994 08:49:37 GMT"sv,
             "Sun, 31 Nov 1994 08:49:37 GMT"sv,
             "Sun, 32 Dec 1994 08:49:37 GMT"sv,
             "Sun, 06 Nop 1994 08:49:37 GMT"sv,
             "Sun, 06 anF 1994 08:49:37 GMT"sv, // three letters in a row out of JanFeb
             "Sun, 06 November 1994 08:49:37 GMT"sv,
             "Sun, 06 11 1994 08:49:37 GMT"sv,
             "Sun, +6 Nov 1994 08:49:37 GMT"sv,
             "Sun, 6x Nov 1994 08:49:37 GMT"sv,
             "Sun, 06 Nov 10000 08:49:37 GMT"sv,
             "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"sv,
             "Sun, 99999999999 Nov 1994 08:49:37 GMT"sv,
             "Sun, 06 Nov 1994 08:49:37 GMT\n"sv,
             "Sun, 06 Nov 1994 08:49:37\0 GMT"sv,
             "Sun, 06\tNov 1994 08:49:37 GMT"sv,
             "Sun Nov  6 08:49:37 GMT 1994"sv,
             "Sun Nov  6 08:49:37"sv,
             "2025-09-25T22:26:26Z"sv,
             ",,,,,,,,"sv,
             "a b c d e f g"sv,
             "a b c d e f g GMT"sv,
         }) {
        CAPTURE(string);
        CHECK_FALSE(http::parse_date(string).has_value());
    }
}

TEST_CASE("a year that is not a number is refused, two characters long too") {
    for (auto const year : {"xxxx"sv, "xx"sv, "9x"sv, "x9"sv, "1x94"sv}) {
        CAPTURE(year);
        std::string const y(year);
        CHECK_FALSE(http::parse_date("Sun, 06 Nov " + y + " 08:49:37 GMT").has_value());
        CHECK_FALSE(http::parse_date("Sunday, 06-Nov-" + y + " 08:49:37 GMT").has_value());
        CHECK_FALSE(http::parse_date("Sun Nov  6 08:49:37 " + y).has_value());
    }
}

TEST_CASE("a day far out of range is refused, one that is right modulo 256 too") {
    for (auto const day : {"40"sv, "100"sv, "256"sv, "257"sv, "262"sv, "65537"sv}) {
        CAPTURE(day);
        std::string const d(day);
        CHECK_FALSE(http::parse_date("Sun, " + d + " Nov 1994 08:49:37 GMT").has_value());
        CHECK_FALSE(http::parse_date("Sun Nov " + d + " 08:49:37 1994").has_value());
    }
}

TEST_CASE("a date is written as it is read") {
    for (auto const string : {"Sun, 06 Nov 1994 08:49:37 GMT"sv, "Sat, 01 Jan 0000 00:00:00 GMT"sv,
                              "Thu, 29 Feb 2024 23:59:59 GMT"sv, "Fri, 31 Dec 9999 23:59:59 GMT"sv})
        CHECK(http::format_date(http::parse_date(string).value()) == string);
    timestamp const later(http::parse_date("Mon, 07 Nov 1994 00:00:00 GMT").value(), 999ms);
    CHECK(http::format_date(later) == "Mon, 07 Nov 1994 00:00:00 GMT");
}

TEST_CASE("the words of one form are not mixed with those of another") {
    for (auto const string : {"Sun Nov 06 1994 08:49:37 GMT"sv, // the month first, with a zone
                              "Sun 06 Nov 08:49:37 1994"sv, "Sun Nov  6 08:49:37 1994 GMT"sv,
                              "Sun, 06 Nov 1994 08:49:37"sv, "Sun, 06 Nov 1994 08:49:37 UTC"sv}) {
        CAPTURE(string);
        CHECK(!http::parse_date(string));
    }
}

TEST_CASE("each part of a date is refused just beyond its bounds") {
    for (auto const string : {"Sun, 00 Nov 1994 08:49:37 GMT"sv, "Sun, 31 Nov 1994 08:49:37 GMT"sv,
                              "Sun, 32 Dec 1994 08:49:37 GMT"sv, "Sun, 06 Nov 1994 24:49:37 GMT"sv,
                              "Sun, 06 Nov 1994 08:60:37 GMT"sv, "Sun, 06 Nov 1994 08:49:61 GMT"sv,
                              "Sun, 06 Nov 10000 08:49:37 GMT"sv}) {
        CAPTURE(string);
        CHECK(!http::parse_date(string));
    }
    for (auto const string :
         {"Thu, 01 Dec 1994 00:00:00 GMT"sv, "Sat, 31 Dec 1994 23:59:60 GMT"sv,
          "Fri, 31 Dec 9999 23:59:59 GMT"sv, "Sat, 01 Jan 0000 00:00:00 GMT"sv}) {
        CAPTURE(string);
        CHECK(http::parse_date(string).has_value());
    }
}
