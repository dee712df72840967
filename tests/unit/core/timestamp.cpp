#include <cloudflare/core/timestamp.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::sys_days;

namespace timestamp_tests {
namespace {

constexpr auto september_25 = sys_days(2025y / 9 / 25);

} // namespace

TEST_CASE("a moment as the API writes it is read to the second") {
    auto const t = timestamp::parse("2025-09-25T22:26:26Z");
    REQUIRE(t.has_value());
    CHECK(t->seconds() == september_25 + 22h + 26min + 26s);
    CHECK(t->fraction() == 0ns);
}

TEST_CASE("the epoch and the seconds around it") {
    CHECK(timestamp::parse("1970-01-01T00:00:00Z").value() == timestamp());
    CHECK(timestamp::parse("1970-01-01T00:00:01Z").value().seconds().time_since_epoch() == 1s);
    CHECK(timestamp::parse("1969-12-31T23:59:59Z").value().seconds().time_since_epoch() == -1s);
}

TEST_CASE("T, t or a space may stand before the time, Z or z after it") {
    auto const expected = timestamp(september_25 + 1h + 2min + 3s);
    for (auto const string : {"2025-09-25T01:02:03Z"sv, "2025-09-25t01:02:03z"sv,
                              "2025-09-25 01:02:03Z"sv, "2025-09-25T01:02:03z"sv}) {
        CAPTURE(string);
        CHECK(timestamp::parse(string).value() == expected);
    }
}

TEST_CASE("0 to 9 fractional digits are read, and none is lost") {
    struct row {
        std::string_view fraction;
        std::chrono::nanoseconds expected;
    };
    for (auto const& [fraction, expected] : {
             row{"", 0ns},
             row{".1", 100'000'000ns},
             row{".12", 120'000'000ns},
             row{".123", 123'000'000ns},
             row{".1234", 123'400'000ns},
             row{".12345", 123'450'000ns},
             row{".123456", 123'456'000ns},
             row{".1234567", 123'456'700ns},
             row{".12345678", 123'456'780ns},
             row{".123456789", 123'456'789ns},
             row{".000000001", 1ns},
             row{".0", 0ns},
             row{".000000000", 0ns},
             row{".999999999", 999'999'999ns},
         }) {
        CAPTURE(fraction);
        auto const t = timestamp::parse("2025-09-25T22:26:26" + std::string(fraction) + "Z");
        REQUIRE(t.has_value());
        CHECK(t->fraction() == expected);
        CHECK(t->seconds() == september_25 + 22h + 26min + 26s);
    }
}

TEST_CASE("a tenth fractional digit is refused, a zero too") {
    CHECK_FALSE(timestamp::parse("2025-09-25T22:26:26.1234567891Z").has_value());
    CHECK_FALSE(timestamp::parse("2025-09-25T22:26:26.0000000000Z").has_value());
    auto const endless = "2025-09-25T22:26:26." + std::string(10'000, '9') + "Z";
    CHECK(timestamp::parse(endless).error().details().explanation ==
          "timestamp: must have at most 9 fractional digits");
}

TEST_CASE("an offset is taken off") {
    struct row {
        std::string_view offset;
        std::chrono::minutes expected;
    };
    for (auto const& [offset, expected] : {
             row{"+00:00", 0min},
             row{"-00:00", 0min},
             row{"+00:01", -1min},
             row{"+02:00", -120min},
             row{"-08:00", 480min},
             row{"+05:45", -345min},
             row{"-00:30", 30min},
             row{"+23:59", -1439min},
             row{"-23:59", 1439min},
         }) {
        CAPTURE(offset);
        auto const t = timestamp::parse("2025-09-25T12:00:00.5" + std::string(offset));
        REQUIRE(t.has_value());
        CHECK(t->seconds() == september_25 + 12h + expected);
        CHECK(t->fraction() == 500ms);
    }
}

TEST_CASE("a leap day exists in leap years only") {
    struct row {
        std::string_view date;
        bool exists;
    };
    for (auto const& [date, exists] : {
             row{"2024-02-29", true},
             row{"2025-02-29", false},
             row{"2000-02-29", true},
             row{"1900-02-29", false},
             row{"2100-02-29", false},
             row{"0000-02-29", true},
             row{"2024-02-30", false},
             row{"2025-04-31", false},
             row{"2025-12-31", true},
             row{"2025-12-32", false},
             row{"2025-01-00", false},
             row{"2025-00-01", false},
             row{"2025-13-01", false},
         }) {
        CAPTURE(date);
        CHECK(timestamp::parse(std::string(date) + "T00:00:00Z").has_value() == exists);
    }
    CHECK(timestamp::parse("2024-02-29T00:00:00Z").value().plus(24h) ==
          timestamp::parse("2024-03-01T00:00:00Z").value());
}

TEST_CASE("a leap second is read as the second after it") {
    auto const after = timestamp(sys_days(2017y / 1 / 1));
    CHECK(timestamp::parse("2016-12-31T23:59:60Z").value() == after);
    CHECK(timestamp::parse("2017-01-01T01:59:60+02:00").value() == after);
    CHECK(timestamp::parse("2016-12-31T15:59:60-08:00").value() == after);
    CHECK(timestamp::parse("2016-12-31T23:59:60.25Z").value() == timestamp(after.seconds(), 250ms));
}

TEST_CASE("second 60 is refused where it is not 23:59 UTC") {
    for (auto const string :
         {"2016-12-31T23:58:60Z"sv, "2016-12-31T22:59:60Z"sv, "2016-12-31T23:59:60+02:00"sv,
          "2016-12-31T00:00:60Z"sv, "2016-12-31T23:59:61Z"sv, "2016-12-31T23:59:60+00:01"sv}) {
        CAPTURE(string);
        CHECK_FALSE(timestamp::parse(string).has_value());
    }
}

TEST_CASE("the first and the last moment are read, those beyond are refused") {
    CHECK(timestamp::parse("0000-01-01T00:00:00Z").value().seconds() == sys_days(0y / 1 / 1));
    CHECK(timestamp::parse("9999-12-31T23:59:59.999999999Z").value() ==
          timestamp(sys_days(9999y / 12 / 31) + 23h + 59min + 59s, 999'999'999ns));
    for (auto const string :
         {"0000-01-01T00:00:00+00:01"sv, "9999-12-31T23:59:59-00:01"sv, "9999-12-31T23:59:60Z"sv,
          "10000-01-01T00:00:00Z"sv, "-0001-01-01T00:00:00Z"sv, "+2025-01-01T00:00:00Z"sv}) {
        CAPTURE(string);
        CHECK_FALSE(timestamp::parse(string).has_value());
    }
}

TEST_CASE("an offset may reach over the end of what the local time seems to be") {
    CHECK(timestamp::parse("0000-01-01T00:00:00-00:01").value().to_string() ==
          "0000-01-01T00:01:00Z");
    CHECK(timestamp::parse("9999-12-31T23:59:59+23:59").value().to_string() ==
          "9999-12-31T00:00:59Z");
}

TEST_CASE("what is not an RFC 3339 date-time is refused, and the error says so") {
    for (auto const string : {
             ""sv,
             "2025"sv,
             "2025-09-25"sv,
             "2025-09-25T22:26"sv,
             "2025-09-25T2226:26Z"sv,
             "2025-09-25T22:2626Z"sv,
             "2025-0925T22:26:26Z"sv,
             "202509-25T22:26:26Z"sv,
             "2025-09-25T22:26Z"sv,
             "2025-09-25T22:26:26"sv, // no offset
             "2025-09-25T22:26:26.Z"sv,
             "2025-09-25T22:26:26,5Z"sv,
             "2025-09-25T24:00:00Z"sv,
             "2025-09-25T22:60:00Z"sv,
             "2025-09-25T22:26:62Z"sv,
             "2025-9-25T22:26:26Z"sv,
             "25-09-25T22:26:26Z"sv,
             "20250925T222626Z"sv,
             "2025/09/25T22:26:26Z"sv,
             "2025-09-25_22:26:26Z"sv,
             "2025-09-25T22:26:26+2:00"sv,
             "2025-09-25T22:26:26+0200"sv,
             "2025-09-25T22:26:26+02"sv,
             "2025-09-25T22:26:26+24:00"sv,
             "2025-09-25T22:26:26+02:60"sv,
             "2025-09-25T22:26:26UTC"sv,
             "2025-09-25T22:26:26Z "sv,
             " 2025-09-25T22:26:26Z"sv,
             "2025-09-25T22:26:26Z\n"sv,
             "2025-09-25T22:26:26Z\0"sv,
             "2025-09-25T22:26:26ZZ"sv,
             "2025-09-25T22:26:26Z+00:00"sv,
             "2025-09-25T-2:26:26Z"sv,
             "2025-09-25T+2:26:26Z"sv,
             "\xef\xbb\xbf"
             "2025-09-25T22:26:26Z"sv,
             "\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa5-09-25T22:26:26Z"sv, // Arabic digits
             "1758839186"sv,
         }) {
        CAPTURE(string);
        auto const t = timestamp::parse(string);
        REQUIRE_FALSE(t.has_value());
        CHECK(t.error() == errc::invalid_argument);
        CHECK(t.error().details().explanation.starts_with("timestamp: "));
    }
}

TEST_CASE("no beginning of a moment is a moment") {
    constexpr auto string = "2025-09-25T22:26:26.5+02:00"sv;
    REQUIRE(timestamp::parse(string).has_value());
    for (std::size_t size = 0; size != string.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(timestamp::parse(string.substr(0, size)).has_value());
    }
}

TEST_CASE("a moment with one byte spoiled is refused, wherever the byte stands") {
    constexpr auto string = "2025-09-25T22:26:26.5+02:00"sv;
    for (std::size_t i = 0; i != string.size(); ++i) {
        for (char const spoiler : {'\0', '\n', 'x', '\xff', '/'}) {
            CAPTURE(i);
            CAPTURE(int(spoiler));
            std::string spoiled(string);
            spoiled[i] = spoiler;
            CHECK_FALSE(timestamp::parse(spoiled).has_value());
        }
    }
}

TEST_CASE("a moment prints in UTC with as many fractional digits as are needed") {
    struct row {
        std::string_view string;
        std::string_view printed;
    };
    for (auto const& [string, printed] : {
             row{"2025-09-25T22:26:26Z", "2025-09-25T22:26:26Z"},
             row{"2025-09-25T22:26:26.500Z", "2025-09-25T22:26:26.5Z"},
             row{"2025-09-25T22:26:26.000000001Z", "2025-09-25T22:26:26.000000001Z"},
             row{"2025-09-25T22:26:26.010Z", "2025-09-25T22:26:26.01Z"},
             row{"2025-09-25T22:26:26.000Z", "2025-09-25T22:26:26Z"},
             row{"2025-01-01T00:00:00+01:00", "2024-12-31T23:00:00Z"},
             row{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
             row{"0044-03-15T01:02:03Z", "0044-03-15T01:02:03Z"},
             row{"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
             row{"1969-12-31T23:59:59.75Z", "1969-12-31T23:59:59.75Z"},
         }) {
        CAPTURE(string);
        auto const t = timestamp::parse(string).value();
        CHECK(t.to_string() == printed);
        std::ostringstream out;
        out << t;
        CHECK(out.str() == printed);
    }
}

TEST_CASE("what a moment prints is read as the same moment") {
    constexpr std::int64_t first = sys_days(0y / 1 / 1).time_since_epoch() / 1s;
    constexpr std::int64_t last =
        sys_days(std::chrono::year(10000) / 1 / 1).time_since_epoch() / 1s;
    std::mt19937_64 random(1);
    for (int i = 0; i != 1000; ++i) {
        auto const span = static_cast<std::int64_t>(random() % std::uint64_t(last - first));
        std::chrono::nanoseconds const fraction(
            static_cast<std::int64_t>(random() % 1'000'000'000));
        timestamp const t(std::chrono::sys_seconds(std::chrono::seconds(first + span)), fraction);
        CAPTURE(t.to_string());
        CHECK(timestamp::parse(t.to_string()).value() == t);
    }
}

TEST_CASE("moments are ordered by second, then by fraction") {
    timestamp const moments[] = {
        timestamp::parse("0000-01-01T00:00:00Z").value(),
        timestamp::parse("1969-12-31T23:59:59Z").value(),
        timestamp::parse("1969-12-31T23:59:59.9Z").value(),
        timestamp(),
        timestamp::parse("1970-01-01T00:00:00.000000001Z").value(),
        timestamp::parse("2025-09-25T22:26:26Z").value(),
        timestamp::parse("2300-01-01T00:00:00Z").value(), // beyond 64 bits of nanoseconds
        timestamp::parse("9999-12-31T23:59:59Z").value(),
    };
    for (std::size_t i = 1; i != std::size(moments); ++i) {
        CAPTURE(i);
        CHECK(moments[i - 1] < moments[i]);
        CHECK(moments[i] > moments[i - 1]);
        CHECK(moments[i] != moments[i - 1]);
    }
    CHECK(timestamp::parse("2025-01-01T00:00:00+01:00").value() ==
          timestamp::parse("2024-12-31T23:00:00.0Z").value());
}

TEST_CASE("a system clock's moment is kept whole, before the epoch too") {
    using clock = std::chrono::system_clock;
    timestamp const after(clock::time_point(1500ms));
    CHECK(after.seconds().time_since_epoch() == 1s);
    CHECK(after.fraction() == 500ms);

    timestamp const before(clock::time_point(-1us)); // the finest that every standard library has
    CHECK(before.seconds().time_since_epoch() == -1s);
    CHECK(before.fraction() == 999'999us);
    CHECK(before.to_string() == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("a system time of any resolution is kept whole") {
    timestamp const nanoseconds(std::chrono::sys_time<std::chrono::nanoseconds>(-1ns));
    CHECK(nanoseconds.fraction() == 999'999'999ns);
    CHECK(nanoseconds.to_string() == "1969-12-31T23:59:59.999999999Z");

    timestamp const milliseconds(std::chrono::sys_time<std::chrono::milliseconds>(-1ms));
    CHECK(milliseconds.to_string() == "1969-12-31T23:59:59.999Z");

    timestamp const days = september_25;
    CHECK(days.to_string() == "2025-09-25T00:00:00Z");

    timestamp const last_day = std::chrono::sys_seconds(sys_days(9999y / 12 / 31));
    CHECK(last_day.to_string() == "9999-12-31T00:00:00Z");
}

TEST_CASE("a later moment keeps its fraction") {
    auto const t = timestamp::parse("2025-12-31T23:59:59.25Z").value();
    CHECK(t.plus(1s).to_string() == "2026-01-01T00:00:00.25Z");
    CHECK(t.plus(-1s).to_string() == "2025-12-31T23:59:58.25Z");
    CHECK(t.plus(0s) == t);
}

TEST_CASE("a fraction is below one second, whatever a moment is made of") {
    timestamp const more(std::chrono::sys_seconds(10s), 1500ms);
    CHECK(more.fraction() == 500ms);
    CHECK(more.seconds().time_since_epoch() == 11s);
    CHECK(more.to_string() == "1970-01-01T00:00:11.5Z");

    timestamp const less(std::chrono::sys_seconds(10s), -1ns);
    CHECK(less.fraction() == 999'999'999ns);
    CHECK(less.seconds().time_since_epoch() == 9s);
}

static_assert(timestamp() == timestamp(std::chrono::sys_seconds{}));
static_assert(timestamp(std::chrono::sys_seconds(1s)) > timestamp());

TEST_CASE("a moment before year 0 or after 9999 is clamped, whatever it is made of") {
    using namespace std::chrono;
    auto const first = "0000-01-01T00:00:00Z", last = "9999-12-31T23:59:59.999999999Z";
    CHECK(timestamp(sys_seconds::min()).to_string() == first);
    CHECK(timestamp(sys_seconds::max()).to_string() == last);
    CHECK(timestamp(sys_time<hours>::min()).to_string() == first);
    CHECK(timestamp(sys_time<hours>::max()).to_string() == last);
    CHECK(timestamp(sys_time<milliseconds>::min()).to_string() == first);
    CHECK(timestamp(sys_time<milliseconds>::max()).to_string() == last);
    CHECK(timestamp(sys_days(year(-1) / 12 / 31)).to_string() == first);
    CHECK(timestamp(sys_days(year(10000) / 1 / 1)).to_string() == last);
    CHECK(timestamp(sys_days(year(0) / 1 / 1)).to_string() == first);
    CHECK(timestamp(sys_days(year(10000) / 1 / 1) - seconds(1)).to_string() ==
          "9999-12-31T23:59:59Z");
    CHECK(timestamp(sys_seconds::min(), nanoseconds::min()).to_string() == first);
    CHECK(timestamp(sys_seconds::max(), nanoseconds::max()).to_string() == last);
    CHECK(timestamp(sys_seconds::max(), nanoseconds::min()).to_string() == last);
    CHECK(timestamp(sys_seconds(), nanoseconds(-1)).to_string() ==
          "1969-12-31T23:59:59.999999999Z");

    timestamp const now(sys_seconds(seconds(1'790'000'000)));
    CHECK(now.plus(seconds::min()).to_string() == first);
    CHECK(now.plus(seconds::max()).to_string() == "9999-12-31T23:59:59Z");
    CHECK(timestamp(sys_seconds::min()).plus(seconds::max()).to_string() == "9999-12-31T23:59:59Z");
    CHECK(timestamp(sys_seconds::max()).plus(seconds::min()).to_string() == first);
}

TEST_CASE("each error says which rule a string breaks") {
    struct row {
        std::string_view string;
        std::string_view explanation;
    };
    for (auto const& [string, explanation] : {
             row{"2025", "timestamp: must begin with a date such as 2025-09-25"},
             row{"20a5-09-25T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-0:-25T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025/09-25T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-00-25T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-13-25T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-09/25T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-09-00T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-09-32T22:26:26Z", "timestamp: must begin with a date such as 2025-09-25"},
             row{"2025-02-31T22:26:26Z", "timestamp: that day does not exist"},
             row{"2025-09-25_22:26:26Z", "timestamp: must have a T after the date"},
             row{"2025-09-25T24:26:26Z", "timestamp: must have a time such as 22:26:26"},
             row{"2025-09-25T22-26:26Z", "timestamp: must have a time such as 22:26:26"},
             row{"2025-09-25T22:26-26Z", "timestamp: must have a time such as 22:26:26"},
             row{"2025-09-25T22:26:61Z", "timestamp: must have a time such as 22:26:26"},
             row{"2025-09-25T22:26:26.Z", "timestamp: must have a digit after the point"},
             row{"2025-09-25T22:26:26.0123456789Z",
                 "timestamp: must have at most 9 fractional digits"},
             row{"2025-09-25T22:26:26", "timestamp: must end with Z or an offset such as +02:00"},
             row{"2025-09-25T22:26:26*02:00",
                 "timestamp: must end with Z or an offset such as +02:00"},
             row{"2025-09-25T22:26:26+0200",
                 "timestamp: must end with Z or an offset such as +02:00"},
             row{"2025-09-25T22:26:26+02:60",
                 "timestamp: must end with Z or an offset such as +02:00"},
             row{"2025-09-25T22:26:26ZZ", "timestamp: has text after its end"},
             row{"2025-09-25T22:26:60Z", "timestamp: second 60 is allowed at 23:59 UTC only"},
             row{"0000-01-01T00:00:00+00:01", "timestamp: must be from year 0 to 9999 in UTC"},
             row{"9999-12-31T23:59:60Z", "timestamp: must be from year 0 to 9999 in UTC"},
         }) {
        CAPTURE(string);
        auto const refused = timestamp::parse(string);
        REQUIRE(refused.has_error());
        CHECK(refused.error().details().explanation == explanation);
    }
}

TEST_CASE("seconds and a fraction of more than a second meet before they are clamped") {
    auto const first = std::chrono::sys_seconds(sys_days(0y / 1 / 1));
    auto const last = std::chrono::sys_seconds(sys_days(9999y / 12 / 31)) + 86399s;
    CHECK(timestamp(first - 5s, 10s) == timestamp(first + 5s));
    CHECK(timestamp(first + 5s, -10s) == timestamp(first));
    CHECK(timestamp(first + 5s, -5s) == timestamp(first));
    CHECK(timestamp(last + 5s, -10s) == timestamp(last - 5s));
    CHECK(timestamp(last - 5s, 10s) == timestamp(last, 999'999'999ns));
    CHECK(timestamp(last - 5s, 5s) == timestamp(last));
}

TEST_CASE("an offset of less than an hour is one") {
    CHECK(timestamp::parse("2025-09-25T22:26:26+00:30").value().to_string() ==
          "2025-09-25T21:56:26Z");
    CHECK(timestamp::parse("2025-09-25T22:26:26-00:00").value().to_string() ==
          "2025-09-25T22:26:26Z");
    CHECK(timestamp::parse("2025-09-25T22:26:26+23:59").value().to_string() ==
          "2025-09-24T22:27:26Z");
}

} // namespace timestamp_tests
