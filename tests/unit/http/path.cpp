#include <cloudflare/http/path.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

using namespace cloudflare;
using namespace std::string_view_literals;

TEST_CASE("a path is its segments, a slash before each") {
    CHECK(http::path("accounts").str() == "/accounts");
    CHECK(http::path("accounts", std::string("0123"), "access"sv, "service_tokens").str() ==
          "/accounts/0123/access/service_tokens");
}

TEST_CASE("a segment stays one segment, whatever it holds") {
    CHECK(http::path("a/b", "c").str() == "/a%2Fb/c");
    CHECK(http::path("a?b#c", "d").str() == "/a%3Fb%23c/d");
    CHECK(http::path("../..").str() == "/..%2F..");
    CHECK(http::path("%2F").str() == "/%252F");
    CHECK(http::path("a\\b", " ").str() == "/a%5Cb/%20");
    CHECK(http::path("a\r\nHost: b"sv).str() == "/a%0D%0AHost%3A%20b");
    CHECK(http::path("a\0b"sv).str() == "/a%00b");
    CHECK(http::path("\u00fc").str() == "/%C3%BC");
}

TEST_CASE("segments may be appended one by one") {
    http::path p("client", "v4");
    p.append("zones").append("a b");
    CHECK(p.str() == "/client/v4/zones/a%20b");
}

TEST_CASE("an empty segment is the caller's to refuse") {
    CHECK(http::path("accounts", "", "access").str() == "/accounts//access");
}

TEST_CASE("a path can be copied, and its string moved out") {
    http::path p("a");
    http::path copy(p);
    copy.append("b");
    CHECK(p.str() == "/a");
    CHECK(copy.str() == "/a/b");
    std::string const string = std::move(copy).str();
    CHECK(string == "/a/b");
}
