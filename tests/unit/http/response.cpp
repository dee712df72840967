#include <cloudflare/http/response.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <type_traits>

using namespace cloudflare;

TEST_CASE("a response made of nothing has no status, field or body") {
    http::response const r;
    CHECK(r.status == 0);
    CHECK(r.fields.empty());
    CHECK(r.body.empty());
}

TEST_CASE("the body's memory is wiped") {
    static_assert(std::is_same_v<decltype(http::response::body), wiped_string>);
}

TEST_CASE("printing a response shows neither its cookies nor its body") {
    http::response r;
    r.status = 201;
    r.body = "{\"client_secret\":\"sesame\"}";
    REQUIRE(r.fields.add("Content-Type", "application/json").has_value());
    REQUIRE(r.fields.add("set-cookie", "__cf_bm=sesame").has_value());
    std::ostringstream out;
    out << r;
    CHECK(out.str() == "HTTP 201\n"
                       "Content-Type: application/json\n"
                       "set-cookie: [redacted]\n"
                       "(26 bytes of body)\n");
}
