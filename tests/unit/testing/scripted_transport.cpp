#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::scripted_transport;

namespace scripted_transport_tests {
namespace {

http::request to(std::string target) {
    return {.origin = *http::origin::parse("https://api.example"), .target = std::move(target)};
}

} // namespace

static_assert(transport<scripted_transport>);

TEST_CASE("responses are given in the order of the script, and requests are kept in theirs") {
    scripted_transport script;
    http::response third{.status = 204};
    REQUIRE(third.fields.add("cf-ray", "8f2-DTW").has_value());
    script.respond(200, "one").fail(errc::connection_lost, delivery::unknown).respond(third);
    auto const deadline = script.now() + 1s;

    auto const first = script.send(to("/1"), deadline).get();
    REQUIRE(first.has_value());
    CHECK(first->status == 200);
    CHECK(first->body == "one");
    CHECK(first->fields.find("Content-Type") == "application/json");

    auto const second = script.send(to("/2"), deadline).get();
    REQUIRE(second.has_error());
    CHECK(second.error() == errc::connection_lost);
    CHECK(second.error().delivery() == delivery::unknown);

    CHECK(script.send(to("/3"), deadline).get().value().fields.find("cf-ray") == "8f2-DTW");
    REQUIRE(script.requests().size() == 3);
    CHECK(script.requests()[0].target == "/1");
    CHECK(script.requests()[2].target == "/3");
}

TEST_CASE("a request beyond the script fails, and nothing was sent") {
    scripted_transport script;
    auto const r = script.send(to("/"), script.now() + 1s).get();
    REQUIRE(r.has_error());
    CHECK(r.error() == errc::connect_failed);
    CHECK(r.error().delivery() == delivery::not_sent);
    CHECK(script.requests().size() == 1);
}

TEST_CASE("a response's content type can be chosen") {
    scripted_transport script;
    script.respond(502, "error code: 502", "text/plain");
    auto const r = script.send(to("/"), script.now() + 1s).get();
    REQUIRE(r.has_value());
    CHECK(r->fields.find("content-type") == "text/plain");
}

TEST_CASE("the clock moves by latency, waits and advance, and by nothing else") {
    scripted_transport script;
    auto const start = script.now();
    CHECK(script.now() == start);
    script.advance(2s);
    CHECK(script.now() == start + 2s);
    script.sleep_until(start + 5s).get();
    CHECK(script.now() == start + 5s);
    REQUIRE(script.waits().size() == 1);
    CHECK(script.waits()[0] == 3s);
    script.latency(250ms).respond(200, "");
    CHECK(script.send(to("/"), start + 1h).get().has_value());
    CHECK(script.now() == start + 5250ms);
}

TEST_CASE("a wait for a moment that has passed does not turn the clock back") {
    scripted_transport script;
    auto const start = script.now();
    script.sleep_until(start - 1s).get();
    CHECK(script.now() == start);
}

TEST_CASE("copies share one script") {
    scripted_transport script;
    auto copy = script;
    script.respond(201, "x");
    CHECK(copy.send(to("/"), copy.now() + 1s).get().value().status == 201);
    CHECK(script.requests().size() == 1);
    copy.advance(1s);
    CHECK(script.now() == copy.now());
}

} // namespace scripted_transport_tests
