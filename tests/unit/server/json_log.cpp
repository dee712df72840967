#include <cloudflare/server/json_log.hpp>

#include <cloudflare/server/api_health.hpp>

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace json_log_tests {
namespace {

namespace json = boost::json;
using namespace cloudflare;
using namespace std::chrono_literals;

/// A log whose lines are kept, without their time.
struct kept_log {
    std::vector<std::string> lines{};
    server::json_log log{[this](std::string_view line) {
        REQUIRE(line.ends_with('\n'));
        auto fields = json::parse(line.substr(0, line.size() - 1)).as_object();
        CHECK(timestamp::parse(std::string_view(fields.at("time").as_string())).has_value());
        fields.stable_erase(fields.find("time"));
        lines.push_back(json::serialize(fields));
    }};
};

TEST_CASE("an event is a line with its name and fields") {
    kept_log k;
    k.log.write("listening", {{"port", 8443}});
    k.log.write("a\nb");
    CHECK(k.lines ==
          std::vector<std::string>{R"({"event":"listening","port":8443})", R"({"event":"a\nb"})"});
}

TEST_CASE("a time is a string or null") {
    CHECK(server::json_time(std::nullopt).is_null());
    CHECK(server::json_time(timestamp::parse("2026-11-27T15:04:05Z").value()).as_string() ==
          "2026-11-27T15:04:05Z");
}

TEST_CASE("a request to the API is a line, with its error where it failed") {
    kept_log k;
    error const e(errc::server_error);
    trace_event t{.operation = "create_service_token", .attempt = 2, .http_status = 201};
    t.elapsed = 1500ms;
    t.cf_ray = "8f2-DTW";
    k.log(t);
    t.failure = &e;
    k.log(t);
    REQUIRE(k.lines.size() == 2);
    auto line = json::parse(k.lines[0]).as_object();
    CHECK(line.at("event").as_string() == "api_request");
    CHECK(line.at("operation").as_string() == "create_service_token");
    CHECK(line.at("attempt").to_number<int>() == 2);
    CHECK(line.at("status").to_number<int>() == 201);
    CHECK(line.at("seconds").to_number<double>() == 1.5);
    CHECK(line.at("waited").to_number<double>() == 0);
    CHECK(line.at("cf_ray").as_string() == "8f2-DTW");
    CHECK_FALSE(line.contains("error"));
    CHECK(json::parse(k.lines[1]).at("error").as_string() == e.to_string());
}

TEST_CASE("a round is told by what it did") {
    kept_log k;
    access::reconciled nothing;
    access::keeper_round round{result<access::reconciled>(nothing)};
    round.renewed = access::renewal_report();
    k.log(round);
    CHECK(k.lines.empty());

    round.settled->kept.emplace_back();
    round.settled->failed.push_back(
        {access::intent("tag", access::account_scope::parse(std::string(32, 'a')).value(), "web-1"),
         error(errc::sink_failed)});
    access::renewal_report::entry fresh{"web-1", "id", "c.access", 2, "web-1"}, failed = fresh;
    k.log(round);
    CHECK(k.lines.at(0) == R"({"event":"settle","kept":1,"withdrawn":0})");
    CHECK(json::parse(k.lines.at(1)).at("intent").as_string() == "tag");
    CHECK(json::parse(k.lines.at(1)).at("name").as_string() == "web-1");
    CHECK(json::parse(k.lines.at(1)).at("error").as_string() ==
          error(errc::sink_failed).to_string());
    CHECK(k.lines.size() == 2);

    failed.failure = error(errc::rate_limited);
    (*round.renewed)->tokens = {fresh, failed, fresh};
    (*round.renewed)->tokens[2].rotated = true;
    k.lines.clear();
    k.log(round);
    REQUIRE(k.lines.size() == 4);
    CHECK(json::parse(k.lines[2]).at("error").as_string() == error(errc::rate_limited).to_string());
    CHECK(k.lines[3] ==
          R"({"event":"renew","name":"web-1","rotated":true,"refreshed":false,"error":""})");

    round.settled = error(errc::intent_log_failed);
    round.renewed = error(errc::cancelled);
    k.lines.clear();
    k.log(round);
    CHECK(json::parse(k.lines.at(0)).at("event").as_string() == "settle");
    CHECK(json::parse(k.lines.at(1)).at("event").as_string() == "renew");
}

trace_event responded(int status) {
    return {.operation = "list_service_tokens", .attempt = 1, .http_status = status};
}

TEST_CASE("the API is reached by any response below 500 but a refusal of the credentials") {
    server::api_health h;
    CHECK(h.flaw() == "not asked yet");
    CHECK(h.is_stale());
    h(responded(404));
    CHECK(h.flaw().empty());
    CHECK_FALSE(h.is_stale());
    CHECK(h.is_stale(std::chrono::steady_clock::now() + 31s));

    error const lost(errc::connection_lost), refused(errc::unauthorized);
    auto failed = responded(0);
    failed.failure = &lost;
    h(failed);
    CHECK(h.is_stale());
    h(failed);
    CHECK(h.flaw().empty());
    failed = responded(403);
    failed.failure = &refused;
    h(failed);
    CHECK(h.flaw() == "credentials not accepted");
    h(responded(200));
    CHECK(h.flaw().empty());
    CHECK_FALSE(h.is_stale());
}

TEST_CASE("an API that was never reached is not, from the first failure on") {
    server::api_health h;
    error const down(errc::server_error);
    auto failed = responded(502);
    failed.failure = &down;
    h(failed);
    CHECK(h.flaw() == "server error");
}

} // namespace
} // namespace json_log_tests
