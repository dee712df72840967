#include <cloudflare/api/trace.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <string>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace trace_tests {
namespace {

std::string print(trace_event const& e) {
    std::ostringstream out;
    out << e;
    return out.str();
}

} // namespace

TEST_CASE("an attempt that succeeded is one line") {
    trace_event const e{.operation = "create_service_token",
                        .attempt = 1,
                        .http_status = 201,
                        .elapsed = 24'900us,
                        .cf_ray = "8f2-DTW"};
    CHECK(print(e) == "create_service_token: attempt 1: HTTP 201 in 24 ms, cf-ray 8f2-DTW");
}

TEST_CASE("an attempt without a response shows no status, but its failure") {
    error const failure(errc::connection_lost);
    trace_event const e{
        .operation = "get_service_token", .attempt = 2, .elapsed = 1s, .failure = &failure};
    CHECK(print(e) == "get_service_token: attempt 2: in 1000 ms: connection lost");
}

TEST_CASE("the rate limit is shown where the response tells it") {
    trace_event const e{.operation = "x",
                        .attempt = 1,
                        .http_status = 200,
                        .limit = rate_limit{.remaining = 7, .resets_in = 3s}};
    CHECK(print(e) == "x: attempt 1: HTTP 200 in 0 ms, 7 requests left");
}

TEST_CASE("what came from outside cannot break the line or show a credential") {
    trace_event const e{
        .operation = "x", .attempt = 1, .http_status = 200, .cf_ray = "a\ncfut_broken-sample"};
    CHECK(print(e) == "x: attempt 1: HTTP 200 in 0 ms, cf-ray a [redacted]");
}

TEST_CASE("an event always has messages to walk over") {
    trace_event const e;
    REQUIRE(e.messages != nullptr);
    CHECK(e.messages->empty());
}

} // namespace trace_tests
