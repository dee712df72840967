#include <cloudflare/api/base_url.hpp>

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

#include <sstream>

using cloudflare::base_url;
using cloudflare::errc;

TEST_CASE("the production URL is Cloudflare's public API") {
    auto const url = base_url::production();
    CHECK(url.origin().is_secure());
    CHECK(url.origin().host() == "api.cloudflare.com");
    CHECK(url.origin().port() == 443);
    CHECK(url.path() == "/client/v4");
}

TEST_CASE("a base URL is split into its origin and its path") {
    struct row {
        char const* text;
        char const* printed;
        char const* path;
    };
    for (auto const& [text, printed, path] : {
             row{"https://api.example", "https://api.example", ""},
             row{"https://api.example/", "https://api.example", ""},
             row{"https://api.example/v4/", "https://api.example/v4", "/v4"},
             row{"https://api.example/v4//", "https://api.example/v4", "/v4"},
             row{"http://127.0.0.1:8080/client/v4", "http://127.0.0.1:8080/client/v4",
                 "/client/v4"},
             row{"https://[::1]:8443/a-b_c.d~e", "https://[::1]:8443/a-b_c.d~e", "/a-b_c.d~e"},
             row{"https://api.example:443/v4", "https://api.example/v4", "/v4"},
             row{"https://api.example/a%20b/...", "https://api.example/a%20b/...", "/a%20b/..."},
             row{"https://api.example./v4", "https://api.example./v4", "/v4"},
         }) {
        CAPTURE(text);
        auto const url = base_url::parse(text);
        REQUIRE(url.has_value());
        CHECK(url->path() == path);
        std::ostringstream out;
        out << *url;
        CHECK(out.str() == printed);
    }
}

TEST_CASE("what is no base URL is refused") {
    for (char const* text : {"",
                             "api.example",
                             "ftp://api.example",
                             "/client/v4",
                             "https://",
                             "https:///client",
                             "https://user@api.example",
                             "https://user:pass@api.example/v4",
                             "https://api.example:0",
                             "https://api.example:65536",
                             "https://api.example:8o",
                             "https://api.example?x=1",
                             "https://api.example/v4?x=1",
                             "https://api.example/v4#part",
                             "https://api.example/a b",
                             "https://api.example/v4\r\nX: y",
                             "https://[::1",
                             "https://api.example/a%",
                             "https://api.example/a%2",
                             "https://api.example/a%zz",
                             "https://api.example/%2",
                             "https://api.example/.",
                             "https://api.example/..",
                             "https://api.example/a/../b",
                             "https://api.example/./b",
                             "https://api.example/a/..",
                             "https://api.example/%2e%2E/b",
                             "https://api.example/.%2e",
                             "https://a..b/v4",
                             "https://.a/v4"}) {
        CAPTURE(text);
        auto const url = base_url::parse(text);
        REQUIRE(url.has_error());
        CHECK(url.error() == errc::invalid_argument);
        CHECK(url.error().details().explanation.starts_with("base URL: "));
    }
}

TEST_CASE("a base URL that was moved from can still be looked at") {
    auto url = base_url::production();
    auto const taken = std::move(url);
    CHECK(taken.path() == "/client/v4");
    std::ostringstream out;
    out << url; // NOLINT(bugprone-use-after-move): this is the point
    CHECK(out.str().starts_with("https://api.cloudflare.com"));
}

TEST_CASE("each error says which rule a base URL's path breaks") {
    struct row {
        std::string_view url;
        std::string_view explanation;
    };
    std::string_view const dots = "base URL: must have no segment . or ..";
    std::string_view const no_query = "base URL: must have a path without query or fragment";
    std::string_view const hex = "base URL: must have two hexadecimal digits after each %";
    for (auto const& [url, explanation] : {
             row{"https://a.example/v4?x=1", no_query},
             row{"https://a.example/v4#x", no_query},
             row{"https://a.example/%", hex},
             row{"https://a.example/%2", hex},
             row{"https://a.example/%zz/v4", hex},
             row{"https://a.example/.", dots},
             row{"https://a.example/../v4", dots},
             row{"https://a.example/client/../v4", dots},
             row{"https://a.example/client/v4/..", dots},
             row{"https://a.example/client/%2e/v4", dots},
             row{"https://a.example/client/.%2E", dots},
         }) {
        CAPTURE(url);
        auto const refused = base_url::parse(url);
        REQUIRE(refused.has_error());
        CHECK(refused.error() == errc::invalid_argument);
        CHECK(refused.error().details().explanation == explanation);
    }
    for (auto const url : {"https://a.example/...", "https://a.example/.well-known/a..b",
                           "https://a.example/%2e%2e%2e"}) {
        CAPTURE(url);
        CHECK(base_url::parse(url).has_value());
    }
}
