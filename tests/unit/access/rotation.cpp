#include <cloudflare/access/rotation.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace rotation_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::scripted_transport;

std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
timestamp const now = timestamp::parse("2026-11-24T00:00:00Z").value();

struct fixture {
    auto rotation(access::rotation_options options = access::rotation_options()) {
        return access::rotation(
            client(way, api_token::make("sample").value(), client_options().seed(1)),
            access::account_scope::parse(std::string(32, 'a')).value(), sink,
            options.now_from([] { return now; }));
    }
    /// Responds with the token at a version (0: none shown), a grace period's end and a secret,
    /// where given.
    fixture& respond(int version, std::string const& previous = "",
                     std::string const& secret_text = "") {
        std::string members = R"("id":")" + id + R"(","client_id":"c.access")";
        if (version != 0) members += R"(,"client_secret_version":)" + std::to_string(version);
        if (!previous.empty())
            members += R"(,"previous_client_secret_expires_at":")" + previous + "\"";
        if (!secret_text.empty()) members += R"(,"client_secret":")" + secret_text + "\"";
        way.respond(200,
                    R"({"success":true,"errors":[],"messages":[],"result":{)" + members + "}}");
        return *this;
    }

    scripted_transport way;
    access::memory_sink sink;
};

TEST_CASE("a rotation sets the next version and stores the secret of the response") {
    fixture f;
    f.respond(4).respond(5, "", "fresh");
    auto const done = f.rotation().rotate(id, 1h).get().value();
    CHECK(done.previous_valid_until == now.plus(1h));
    CHECK(f.sink.stored(id)->client_secret.reveal() == "fresh");
    CHECK(f.way.requests()[1].method == http::method::put);
    CHECK(f.way.requests()[1].body ==
          R"({"client_secret_version":5,)"
          R"("previous_client_secret_expires_at":"2026-11-24T01:00:00Z"})");
}

TEST_CASE("a lost response is asked for again with the same version, never with the next") {
    fixture f;
    f.respond(4);
    f.way.fail(errc::connection_lost, delivery::unknown);
    f.respond(5, "", "fresh");
    CHECK(f.rotation().rotate(id, 1h).get().has_value());
    CHECK(f.way.requests()[1].body == f.way.requests()[2].body);
}

TEST_CASE("a response without a secret says that the rotation is lost, and until when the old "
          "secret works") {
    fixture f;
    f.respond(4);
    f.way.fail(errc::connection_lost, delivery::unknown);
    f.respond(5);
    auto const failed = f.rotation().rotate(id, 1h).get().error();
    CHECK(failed == errc::rotation_lost);
    CHECK(failed.delivery() == delivery::accepted);
    CHECK(failed.to_string().find("2026-11-24T01:00:00Z") != std::string::npos);
    CHECK(f.way.requests().size() == 3);
}

TEST_CASE("an unusable response, then no connection, is not told as nothing sent") {
    fixture f;
    f.respond(4);
    f.way.respond(200, R"({"success":true,"result":{}})");
    for (int i = 0; i != 20; ++i)
        f.way.fail(errc::connect_failed, delivery::not_sent);
    auto const failed = f.rotation().rotate(id, 1h).get().error();
    CHECK(failed.may_have_acted());
}

TEST_CASE("a running grace period is respected, unless the caller chooses otherwise") {
    fixture f;
    f.respond(4, "2026-11-24T05:00:00Z");
    auto const refused = f.rotation().rotate(id, 1h).get().error();
    CHECK(refused == errc::grace_running);
    CHECK(refused.delivery() == delivery::not_sent);
    CHECK(f.way.requests().size() == 1);

    f.respond(4, "2026-11-24T05:00:00Z").respond(5, "", "fresh");
    CHECK(f.rotation().replace_now(id, 1h).get().has_value());
    f.respond(5, "2026-11-24T00:00:00Z").respond(6, "", "fresher"); // has just ended
    CHECK(f.rotation().rotate(id, 1h).get().has_value());
}

TEST_CASE("where no version is shown /rotate is sent once, and looked after") {
    fixture f;
    f.respond(0);
    f.way.fail(errc::connection_lost, delivery::unknown);
    f.respond(0).respond(0, "2026-11-24T01:00:00Z");
    auto const failed = f.rotation().rotate(id, 1h).get().error();
    CHECK(failed == errc::rotation_lost);
    CHECK(f.way.requests()[1].target.ends_with("/rotate"));
    CHECK(f.way.requests()[2].method == http::method::get);
    CHECK(f.way.requests().size() == 4);
}

TEST_CASE("a secret that the sink does not take is lost, and the old one works on") {
    fixture f;
    f.respond(4).respond(5, "", "fresh");
    access::callable_sink full(
        [](auto const&) -> result<void> { return error(errc::sink_failed, "disk full"); },
        [](auto) { return result<bool>(false); });
    access::rotation rotation(client(f.way, api_token::make("sample").value()),
                              access::account_scope::parse(std::string(32, 'a')).value(), full,
                              access::rotation_options().now_from([] { return now; }));
    auto const failed = rotation.rotate(id, 1h).get().error();
    CHECK(failed == errc::sink_failed);
    CHECK(failed.delivery() == delivery::accepted);
    CHECK(failed.to_string().find("fresh") == std::string::npos);
}

TEST_CASE("a secret is verified once it is stored") {
    fixture f;
    f.respond(4).respond(5, "", "fresh");
    bool stored_before = false;
    auto const verify = [&](access::issued_service_token const& token) -> result<void> {
        stored_before = f.sink.stored(token.id).has_value();
        return error(errc::unauthorized, "login refused");
    };
    auto const failed =
        f.rotation(access::rotation_options().verify(verify)).rotate(id, 1h).get().error();
    CHECK(stored_before);
    CHECK(failed == errc::unauthorized);
    CHECK(failed.delivery() == delivery::accepted);
    CHECK(failed.to_string().find("the one before works until") != std::string::npos);
}

TEST_CASE("a grace period is moved or ended by an update of its end alone") {
    fixture f;
    f.respond(5).respond(5);
    CHECK(f.rotation().extend_grace(id, now.plus(48h)).get().has_value());
    CHECK(f.rotation().end_grace(id).get().has_value());
    CHECK(f.way.requests()[0].body ==
          R"({"previous_client_secret_expires_at":"2026-11-26T00:00:00Z"})");
    CHECK(f.way.requests()[1].body ==
          R"({"previous_client_secret_expires_at":"2026-11-23T23:59:59Z"})");
}

} // namespace
} // namespace rotation_tests
