#include <cloudflare/http/retry_after.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace retry_after_tests {
namespace {

http::headers with(std::string_view retry_after, std::string_view date = {}) {
    http::headers fields;
    REQUIRE(fields.add("retry-after", retry_after).has_value());
    if (!date.empty()) REQUIRE(fields.add("date", date).has_value());
    return fields;
}

} // namespace

TEST_CASE("Retry-After in seconds is read") {
    CHECK(http::retry_after(with("0")) == 0s);
    CHECK(http::retry_after(with("1")) == 1s);
    CHECK(http::retry_after(with("120")) == 120s);
    CHECK(http::retry_after(with("4294967295")) == 4294967295s);
    CHECK(http::retry_after(with("007")) == 7s);
}

TEST_CASE("a Retry-After beyond all bounds is the longest wait, and never none") {
    CHECK(http::max_retry_after == 4294967295s);
    for (char const* text :
         {"4294967295", "4294967296", "4294967300", "99999999999", "9223372036854775807",
          "9223372036854775808", "18446744073709551615", "18446744073709551616",
          "99999999999999999999", "100000000000000000000000000000000000000000000000000"}) {
        CAPTURE(text);
        CHECK(http::retry_after(with(text)) == http::max_retry_after);
    }
    constexpr auto last = "Fri, 31 Dec 9999 23:59:59 GMT";
    CHECK(http::retry_after(with(last, "Fri, 02 Oct 2026 10:00:00 GMT")) == http::max_retry_after);
    CHECK(http::retry_after(with(last, "Sat, 01 Jan 0000 00:00:00 GMT")) == http::max_retry_after);
    CHECK(http::retry_after(with("Sat, 01 Jan 0000 00:00:00 GMT", last)) == 0s);
    // Without a date to measure it by it is far all the same.
    CHECK(http::retry_after(with(last)) == http::max_retry_after);
    CHECK(http::retry_after(with("Wed, 01 Jan 2200 00:00:00 GMT")) == http::max_retry_after);
    CHECK(http::retry_after(with("Tue, 31 Dec 2199 23:59:59 GMT")) == std::nullopt);
}

TEST_CASE("a Retry-After that is absent or senseless says nothing") {
    CHECK(http::retry_after(http::headers()) == std::nullopt);
    for (char const* text :
         {"", "soon", "-1", "+5", "1.5", "5s", "5 6", "99999999999999999999s", "0x10", "1e9"}) {
        CAPTURE(text);
        CHECK(http::retry_after(with(text)) == std::nullopt);
    }
}

TEST_CASE("a Retry-After date is measured against the response's own Date") {
    CHECK(http::retry_after(
              with("Fri, 02 Oct 2026 10:02:00 GMT", "Fri, 02 Oct 2026 10:00:00 GMT")) == 120s);
    CHECK(http::retry_after(
              with("Fri, 02 Oct 2026 09:00:00 GMT", "Fri, 02 Oct 2026 10:00:00 GMT")) == 0s);
    CHECK(http::retry_after(with("Fri, 02 Oct 2026 10:02:00 GMT")) == std::nullopt);
    CHECK(http::retry_after(with("Fri, 02 Oct 2026 10:02:00 GMT", "now")) == std::nullopt);
}

TEST_CASE("a Retry-After is digits only") {
    for (auto const text : {"12q", "q12", "1 2", "+1", "-1", "1.5", "0x10", " "}) {
        CAPTURE(text);
        http::headers fields;
        static_cast<void>(fields.add("Retry-After", text));
        CHECK(http::retry_after(fields) == std::nullopt);
    }
}

} // namespace retry_after_tests
