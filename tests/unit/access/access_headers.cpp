#include <cloudflare/access/access_headers.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <string>

using namespace cloudflare;

namespace access_headers_tests {
using namespace cloudflare::access;

namespace {

http::response make_response(int status, std::string_view name, std::string_view value) {
    http::response r{.status = status};
    REQUIRE(r.fields.add(name, value).has_value());
    return r;
}

} // namespace

TEST_CASE("a token's two headers take the place of such that are there") {
    http::headers fields;
    REQUIRE(fields.add("X-A", "1").has_value());
    REQUIRE(fields.add("cf-access-client-id", "old").has_value());
    REQUIRE(fields.add("cf-access-client-secret", "old").has_value());
    REQUIRE(add_access_headers(fields, "0badc0de.access", secret("broken-sample")).has_value());
    CHECK(fields.wire_format() == "X-A: 1\r\nCF-Access-Client-Id: 0badc0de.access\r\n"
                                  "CF-Access-Client-Secret: broken-sample\r\n");
}

TEST_CASE("the secret is not printed with the headers") {
    http::headers fields;
    REQUIRE(add_access_headers(fields, "0badc0de.access", secret("broken-sample")).has_value());
    std::ostringstream out;
    out << fields;
    CHECK(out.str() == "CF-Access-Client-Id: 0badc0de.access\n"
                       "CF-Access-Client-Secret: [redacted]\n");
}

TEST_CASE("an id or a secret that is empty or cannot be sent is refused and never shown") {
    http::headers fields;
    for (auto const& r : {add_access_headers(fields, "", secret("broken-sample")),
                          add_access_headers(fields, "id", secret()),
                          add_access_headers(fields, "i\nd", secret("broken-sample")),
                          add_access_headers(fields, "id", secret("broken-sample\n"))}) {
        REQUIRE(r.has_error());
        CHECK(r.error() == errc::invalid_argument);
        CHECK(r.error().to_string().find("broken-sample") == std::string::npos);
    }
    CHECK_FALSE(fields.contains("CF-Access-Client-Secret"));
}

TEST_CASE("a redirect to a team's login page is a refusal by Access") {
    for (char const* location :
         {"https://team.cloudflareaccess.com/cdn-cgi/access/login/app.example?kid=1&meta=x",
          "https://team.cloudflareaccess.com", "https://team.cloudflareaccess.com?x",
          "https://Team.CloudflareAccess.com/cdn-cgi/access/login/app.example",
          "https://team.cloudflareaccess.com:443/cdn-cgi/access/login/app.example"}) {
        CAPTURE(location);
        CHECK(is_access_refusal(make_response(302, "Location", location)));
    }
    CHECK(is_access_refusal(make_response(303, "location", "https://team.cloudflareaccess.com/")));
}

TEST_CASE("a challenge of Cloudflare Access is a refusal by Access, whatever the status") {
    for (int status : {302, 401, 403}) {
        CHECK(is_access_refusal(make_response(
            status, "www-authenticate", "Cloudflare-Access resource_metadata=\"https://x\"")));
    }
}

TEST_CASE("what the application itself says is no refusal by Access") {
    CHECK_FALSE(is_access_refusal(http::response{.status = 401}));
    CHECK_FALSE(is_access_refusal(http::response{.status = 302}));
    CHECK_FALSE(is_access_refusal(make_response(401, "WWW-Authenticate", "Basic realm=\"x\"")));
    for (char const* location :
         {"/login", "https://app.example/login", "https://cloudflareaccess.com.evil.example/",
          "https://evilcloudflareaccess.com/", "https://app.example/?to=x.cloudflareaccess.com",
          "https://app.example/#.cloudflareaccess.com",
          "https://app.example/https://team.cloudflareaccess.com"}) {
        CAPTURE(location);
        CHECK_FALSE(is_access_refusal(make_response(302, "Location", location)));
    }
    CHECK_FALSE(
        is_access_refusal(make_response(200, "Location", "https://team.cloudflareaccess.com/")));
}

} // namespace access_headers_tests
