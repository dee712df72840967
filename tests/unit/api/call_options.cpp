#include <cloudflare/api/call_options.hpp>

#include <doctest/doctest.h>

using namespace cloudflare;
using namespace std::chrono_literals;

TEST_CASE("options that were not set leave the client's as they are") {
    call_options const options;
    auto const policy = retry_policy().max_attempts(7).base_delay(9ms);
    CHECK_FALSE(options.deadline());
    CHECK(options.retry_over(policy).max_attempts() == 7);
    CHECK(options.retry_over(policy).base_delay() == 9ms);
    CHECK(options.fields().empty());
    CHECK_FALSE(options.bad_header());
}

TEST_CASE("a call's retry policy stands in place of the client's") {
    auto const options = call_options().retry(retry_policy().max_attempts(2).base_delay(3ms));
    auto const policy = options.retry_over(retry_policy().max_attempts(7).base_delay(9ms));
    CHECK(policy.max_attempts() == 2);
    CHECK(policy.base_delay() == 3ms);
}

TEST_CASE("a call's attempts change nothing else of the policy, in whichever order they are set") {
    auto const client = retry_policy().max_attempts(7).base_delay(9ms);
    CHECK(call_options().attempts(2).retry_over(client).max_attempts() == 2);
    CHECK(call_options().attempts(2).retry_over(client).base_delay() == 9ms);

    auto const own = retry_policy().max_attempts(5).base_delay(3ms);
    for (auto const& options :
         {call_options().attempts(2).retry(own), call_options().retry(own).attempts(2)}) {
        CHECK(options.retry_over(client).max_attempts() == 2);
        CHECK(options.retry_over(client).base_delay() == 3ms);
    }
}

TEST_CASE("a deadline is kept as given") {
    CHECK(call_options().deadline(1500ms).deadline() == 1500ms);
}

TEST_CASE("a deadline is clamped to what a clock can be asked to add") {
    using std::chrono::milliseconds;
    CHECK(call_options().deadline(milliseconds::min()).deadline() == 0ms);
    CHECK(call_options().deadline(-1ms).deadline() == 0ms);
    CHECK(call_options().deadline(0ms).deadline() == 0ms);
    CHECK(call_options().deadline(max_deadline).deadline() == max_deadline);
    CHECK(call_options().deadline(milliseconds::max()).deadline() == max_deadline);
}

TEST_CASE("headers are kept, the last of one name") {
    auto const options = call_options().header("X-A", "1").header("X-B", "2").header("x-a", "3");
    CHECK(options.fields().wire_format() == "X-B: 2\r\nx-a: 3\r\n");
    CHECK_FALSE(options.bad_header());
}

TEST_CASE("a header that frames the message is an error, in any case of letters") {
    for (char const* name : {"Host", "content-length", "TRANSFER-ENCODING", "connection", "Upgrade",
                             "Accept-Encoding", "keep-alive", "te"}) {
        CAPTURE(name);
        auto const options = call_options().header(name, "x");
        REQUIRE(options.bad_header().has_value());
        CHECK(*options.bad_header() == errc::invalid_argument);
        CHECK(options.bad_header()->details().explanation ==
              "header " + std::string(name) + ": is set by the library only");
    }
}

TEST_CASE("a header that cannot be sent is an error that does not show its value") {
    auto const options = call_options().header("X-A", "broken\r\nX-B: sample").header("X-C", "1");
    REQUIRE(options.bad_header().has_value());
    CHECK(*options.bad_header() == errc::invalid_argument);
    auto const shown = options.bad_header()->to_string();
    CHECK(shown.find("X-A") != shown.npos);
    CHECK(shown.find("sample") == shown.npos);
    CHECK(call_options().header("X A", "1").bad_header().has_value());
    CHECK(call_options().header("", "1").bad_header().has_value());
}
