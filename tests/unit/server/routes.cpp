#include <cloudflare/server/routes.hpp>

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <string>

namespace routes_tests {
namespace {

namespace http = boost::beast::http;
using namespace cloudflare;
using http::verb;
using server::request;

request asked(verb method, std::string const& target) {
    return request(request::message_type(method, target, 11));
}

/// A handler whose response has this status.
server::handler status(unsigned number) {
    return [number](request const&) -> boost::asio::awaitable<server::response> {
        co_return server::make_response(number, {}, "text/plain");
    };
}

/// The status of the handler that responds, or 0 where there is none.
unsigned found(server::routes const& all, request& r) {
    auto const* const respond = all.find(r);
    if (respond == nullptr) return 0;
    boost::asio::io_context context;
    unsigned seen = 0;
    boost::asio::co_spawn(context, (*respond)(r), [&](std::exception_ptr, server::response given) {
        seen = given.result_int();
    });
    context.run();
    return seen;
}

server::routes sample() {
    server::routes all;
    all.add(verb::get, "/", status(201)).add(verb::get, "/v1/machines", status(202));
    all.add(verb::put, "/v1/machines/{name}/token", status(203));
    all.add(verb::delete_, "/v1/machines/{name}", status(204));
    all.add(verb::get, "/a/{x}/{y}", status(205)).add(verb::get, "/a/b/c", status(206));
    return all;
}

TEST_CASE("a request is split into path and query, in printable ASCII") {
    auto const r = asked(verb::get, "/a\x01\xff%2f?b=c?d");
    CHECK(r.path == "/a??%2f");
    CHECK(r.query == "b=c?d");
    CHECK(asked(verb::get, "/a?").query.empty());
    CHECK(asked(verb::get, "/a").path == "/a");
    CHECK(asked(verb::get, "").path.empty());
    CHECK(asked(verb::get, "?").path.empty());
}

TEST_CASE("a route is found by method and path, and tells what stands for its parameters") {
    auto const all = sample();
    auto r = asked(verb::put, "/v1/machines/web-1/token?rotate=true");
    CHECK(found(all, r) == 203);
    CHECK(r.route == "PUT /v1/machines/{name}/token");
    CHECK(r.parameter("name") == "web-1");
    CHECK(r.parameter("other").empty());
    auto root = asked(verb::get, "/");
    CHECK(found(all, root) == 201);
    CHECK(root.route == "GET /");
    CHECK(root.parameters.empty());
    auto nameless = asked(verb::put, "/v1/machines//token");
    CHECK(found(all, nameless) == 203);
    CHECK(nameless.parameter("name").empty());
}

TEST_CASE("of two routes that match the first one is taken") {
    auto r = asked(verb::get, "/a/b/c");
    CHECK(found(sample(), r) == 205);
    CHECK(r.parameter("x") == "b");
    CHECK(r.parameter("y") == "c");
}

TEST_CASE("what only resembles a route is none") {
    auto const all = sample();
    for (auto const* const path : {"", "//", "/v1", "/v1/machines/", "/v1/machines/a/token/",
                                   "v1/machines", "/v1/machines/a/b/token", "/V1/machines", "*"}) {
        CAPTURE(path);
        for (auto const method : {verb::get, verb::put, verb::delete_}) {
            auto r = asked(method, path);
            if (method == verb::delete_ && r.path == "/v1/machines/") continue; // an empty name
            CHECK(found(all, r) == 0);
            CHECK(r.route == "other");
        }
    }
}

TEST_CASE("a request without a route is refused, and told the methods of its path") {
    auto const all = sample();
    auto const unknown = all.refusal(asked(verb::get, "/v2"));
    CHECK(unknown.result_int() == 404);
    CHECK(unknown.body() == R"({"error":{"code":"not_found","message":"no such path"}})");
    auto const wrong = all.refusal(asked(verb::post, "/v1/machines/web-1/token"));
    CHECK(wrong.result_int() == 405);
    CHECK(wrong[http::field::allow] == "PUT");
    server::routes two;
    two.add(verb::get, "/a", status(200)).add(verb::put, "/a", status(200));
    CHECK(two.refusal(asked(verb::post, "/a"))[http::field::allow] == "GET, PUT");
}

} // namespace
} // namespace routes_tests
