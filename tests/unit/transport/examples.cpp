// The transports of the examples are as right as their comments say.
#include "../../../examples/own_task/poll_transport.hpp"

#include <cloudflare/testing/transport_conformance.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace {

using namespace cloudflare;

/// The transport of `own_task`, whose requests are those of `no_coroutine` too.
class poll_under_test final : public testing::transport_under_test {
public:
    result<http::response> send(http::request const& r, time_point deadline) override {
        auto const sending = transport_.send(r, deadline);
        loop_.run(sending);
        return sending.take();
    }
    std::optional<time_point> now() override { return transport_.now(); }
    bool sleep_until(time_point t) override {
        auto const sleeping = transport_.sleep_until(t);
        loop_.run(sleeping);
        return true;
    }

private:
    event_loop loop_;
    poll_transport transport_{loop_};
};

TEST_CASE("the transport of own_task fails these checks and no other") {
    testing::conformance_subject const subject{
        .make = [](std::string const&) { return std::make_unique<poll_under_test>(); },
        .max_header_size = 8 * 1024,      // Beast's
        .max_body_size = 8 * 1024 * 1024, // Beast's
        .speaks_tls = false,
        .accepts_common_name = true};
    std::set<std::string_view> failed;
    std::ostringstream string;
    for (auto const& outcome : testing::check_transport(subject, {}, 4)) {
        if (outcome.failures.empty()) continue;
        failed.insert(outcome.name);
        string << outcome;
    }
    INFO(string.str());
    std::set<std::string_view> const expected{
        // Each request has a connection of its own.
        "a connection is used again",
        "a connection is used again after each kind of body",
        // Beast's parser wants the blank.
        "a status line without a reason and its blank is one",
    };
    CHECK(failed == expected);
}

} // namespace
