#include <cloudflare/server/response.hpp>

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace server_response_tests {
namespace {

namespace http = boost::beast::http;
using namespace cloudflare;
using namespace std::chrono_literals;

TEST_CASE("a value is written whole, also where it is larger than a part") {
    std::string const large(5000, 'x');
    auto const r = server::json_response(201, {{"a", large}, {"b", 1}});
    CHECK(r.result_int() == 201);
    CHECK(r[http::field::content_type] == "application/json");
    auto const read = boost::json::parse(std::string_view(r.body()));
    CHECK(read.at("a").as_string() == large);
    CHECK(read.at("b").as_int64() == 1);
}

TEST_CASE("a value in wiped memory is as any other") {
    boost::json::value const v({{"client_secret", std::string(100, 's')}, {"list", {1, 2, 3}}},
                               server::wiping_storage());
    CHECK(v.storage().get() != boost::json::storage_ptr().get());
    CHECK(v.at("client_secret").storage().get() == v.storage().get());
    CHECK(server::json_response(200, v).body().size() > 100);
}

TEST_CASE("an error has a code for programs and a message for a person") {
    auto const r = server::error_response(400, "bad_name", "name: \"x\"");
    CHECK(r.result_int() == 400);
    CHECK(r.body() == R"({"error":{"code":"bad_name","message":"name: \"x\""}})");
}

TEST_CASE("the error of a call has a status by what the client can do about it") {
    auto const status = [](errc code) { return server::status_of(error(code)); };
    CHECK(status(errc::grace_running) == 409);
    CHECK(status(errc::rotation_lost) == 409);
    CHECK(status(errc::token_in_use) == 409);
    CHECK(status(errc::rate_limited) == 429);
    CHECK(status(errc::server_error) == 502);
    CHECK(status(errc::connection_lost) == 502);
    CHECK(status(errc::unauthorized) == 502); // the server's own credentials
    CHECK(status(errc::sink_failed) == 503);
    CHECK(status(errc::intent_log_failed) == 503);
    CHECK(status(errc::conflict) == 503);
    CHECK(status(errc::cancelled) == 503);
    CHECK(status(errc::limit_reached) == 503);
    CHECK(status(errc::deadline_exceeded) == 504);
}

TEST_CASE("the error of a call tells when to ask again") {
    auto const retry_after = [](error const& e) {
        return std::string(server::error_response(e)[http::field::retry_after]);
    };
    error const limited(errc::rate_limited, error_details{.retry_after = 17s});
    CHECK(retry_after(limited) == "17");
    CHECK(retry_after(errc::sink_failed) == "5");
    CHECK(retry_after(error(errc::conflict, error_details{.retry_after = 1s})) == "1");
    CHECK(retry_after(errc::grace_running).empty());
    auto const r = server::error_response(error(errc::grace_running, "until noon"));
    auto const read = boost::json::parse(std::string_view(r.body())).at("error");
    CHECK(read.at("code").as_string() == "a_grace_period_is_running");
    CHECK(read.at("message").as_string().find("until noon") != read.at("message").as_string().npos);
}

} // namespace
} // namespace server_response_tests
