#include <cloudflare/http/method.hpp>

#include <doctest/doctest.h>

using namespace cloudflare;

TEST_CASE("a method is written as it stands in a request line") {
    CHECK(to_string(http::method::get) == "GET");
    CHECK(to_string(http::method::post) == "POST");
    CHECK(to_string(http::method::put) == "PUT");
    CHECK(to_string(http::method::patch) == "PATCH");
    CHECK(to_string(http::method::delete_) == "DELETE");
}

TEST_CASE("a number that is no method has no name") {
    CHECK(to_string(static_cast<http::method>(250)).empty());
}
