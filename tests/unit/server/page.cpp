// The code of include/cloudflare/server/README.md.
#include "server_service.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace server_page_tests {
namespace {

using namespace cloudflare;

/// Has a token for each key, or fails.
struct keeper {
    boost::asio::awaitable<result<access::kept_token>> issue(std::string key,
                                                             access::create_params params) {
        CHECK(params.name() == key);
        if (failure) co_return *failure;
        access::held_secret held;
        held.token.client_id = key + ".access";
        held.client_secret = secret("a-secret-of-" + key);
        access::kept_token token(std::move(held));
        token.is_new = true;
        co_return token;
    }
    std::optional<error> failure{};
};

server::response ask(keeper& k, std::string const& key, std::optional<std::string> identity) {
    token_service service(k);
    auto const all = service.routes();
    server::request r(
        server::request::message_type(boost::beast::http::verb::put, "/v1/tokens/" + key, 11));
    r.identity = std::move(identity);
    auto const* const respond = all.find(r);
    REQUIRE(respond != nullptr);
    boost::asio::io_context context;
    server::response seen;
    boost::asio::co_spawn(context, (*respond)(r), [&](std::exception_ptr, server::response given) {
        seen = std::move(given);
    });
    context.run();
    return seen;
}

TEST_CASE("the page's service gives each client its own token") {
    keeper k;
    auto const given = ask(k, "web-1", "web-1");
    CHECK(given.result_int() == 201);
    CHECK(given.body() == R"({"client_id":"web-1.access","client_secret":"a-secret-of-web-1"})");
    CHECK(ask(k, "web-1", "web-2").result_int() == 403);
    CHECK(ask(k, "web-1", std::nullopt).result_int() == 403);
    k.failure = error(errc::rate_limited);
    CHECK(ask(k, "web-1", "web-1").result_int() == 429);
}

} // namespace
} // namespace server_page_tests
