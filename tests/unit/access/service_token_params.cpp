#include <cloudflare/access/service_token_params.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace cloudflare;

namespace service_token_params_tests {
using namespace cloudflare::access;

namespace {

timestamp const moment = timestamp::parse("2030-01-02T03:04:05Z").value();

} // namespace

TEST_CASE("a create sends its name alone where nothing else is set") {
    auto const params = create_params("ci");
    CHECK(params.check().has_value());
    CHECK(params.name() == "ci");
    CHECK(params.body() == R"({"name":"ci"})");
}

TEST_CASE("a create sends all that is set, the duration as it was written") {
    auto const params = create_params("ci \"x\"\n")
                            .duration(*token_duration::parse("90m"))
                            .enabled(false)
                            .client_secret_version(3)
                            .previous_client_secret_expires_at(moment);
    CHECK(params.check().has_value());
    CHECK(params.body() == R"({"name":"ci \"x\"\u000a","duration":"90m","enabled":false,)"
                           R"("client_secret_version":3,)"
                           R"("previous_client_secret_expires_at":"2030-01-02T03:04:05Z"})");
    CHECK(create_params("x").duration(token_duration::forever()).body() ==
          R"({"name":"x","duration":"forever"})");
}

TEST_CASE("a create with a bad parameter is refused by a rule that names it") {
    auto const rule = [](create_params const& params) {
        auto const ok = params.check();
        REQUIRE(ok.has_error());
        CHECK(ok.error() == errc::invalid_argument);
        return ok.error().details().explanation;
    };
    CHECK(rule(create_params("")) == "name: must not be empty");
    CHECK(rule(create_params("\xFF")) == "name: must be UTF-8");
    CHECK(rule(create_params("x").client_secret_version(0)) ==
          "client_secret_version: must be 1 or more");
}

TEST_CASE("an update sends what is set and nothing else") {
    CHECK(update_params().name("n").body() == R"({"name":"n"})");
    CHECK(update_params().enabled(true).body() == R"({"enabled":true})");
    CHECK(update_params().duration(token_duration::hours(24)).body() == R"({"duration":"24h"})");
    CHECK(update_params().client_secret_version(2).body() == R"({"client_secret_version":2})");
    CHECK(update_params().previous_client_secret_expires_at(moment).body() ==
          R"({"previous_client_secret_expires_at":"2030-01-02T03:04:05Z"})");
    CHECK(update_params().name("n").enabled(false).check().has_value());
}

TEST_CASE("an update may rotate the secret only where it sets the version") {
    CHECK(update_params().client_secret_version(2).rotates());
    CHECK_FALSE(update_params().name("n").enabled(true).rotates());
    CHECK_FALSE(update_params().previous_client_secret_expires_at(moment).rotates());
}

TEST_CASE("an update that changes nothing, or to something bad, is refused") {
    CHECK(update_params().check().error() == errc::invalid_argument);
    CHECK(update_params().name("").check().error() == errc::invalid_argument);
    CHECK(update_params().name("\xC0\x80").check().error() == errc::invalid_argument);
    CHECK(update_params().client_secret_version(-1).check().error() == errc::invalid_argument);
}

TEST_CASE("a rotation sends an object, empty or with the end of the secret in use") {
    CHECK(rotate_params().body() == "{}");
    CHECK(rotate_params().previous_client_secret_expires_at(moment).body() ==
          R"({"previous_client_secret_expires_at":"2030-01-02T03:04:05Z"})");
}

TEST_CASE("a list's parameters go into the query, encoded") {
    std::string target = "/t";
    list_params().append_to(target);
    CHECK(target == "/t");
    list_params().name("a b&c=\u00e4").search("x/y").page(2).per_page(1000).append_to(target);
    CHECK(target == "/t?name=a%20b%26c%3D%C3%A4&search=x%2Fy&page=2&per_page=1000");
}

TEST_CASE("a list's numbers have bounds, and its texts are not empty") {
    CHECK(list_params().check().has_value());
    CHECK(list_params().page(1).per_page(1).check().has_value());
    CHECK(list_params().per_page(1000).check().has_value());
    for (auto const& params :
         {list_params().page(0), list_params().page(-1), list_params().per_page(0),
          list_params().per_page(1001), list_params().name(""), list_params().search("")}) {
        REQUIRE(params.check().has_error());
        CHECK(params.check().error() == errc::invalid_argument);
    }
}

} // namespace service_token_params_tests
