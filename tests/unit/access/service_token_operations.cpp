#include <cloudflare/access/service_token_operations.hpp>

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

using namespace cloudflare;

namespace service_token_operations_tests {
using namespace cloudflare::access;

namespace {

constexpr char const* id = "3537a672-e4d8-4d89-aab9-26cb622918a1";
auto const account = account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
auto const zone = zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c354").value();
any_scope const any_account = account;
any_scope const any_zone = zone;

std::string const in_account = "/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens";
std::string const in_zone = "/zones/023e105f4ecef8ad9ca31a8372d0c354/access/service_tokens";

http::response make_response(int status, std::string_view body) {
    http::response r{.status = status};
    r.body = body;
    return r;
}

} // namespace

static_assert(operation<create_service_token> && operation<list_service_tokens> &&
              operation<get_service_token> && operation<update_service_token> &&
              operation<delete_service_token> && operation<rotate_service_token> &&
              operation<refresh_service_token>);

// The API has rotate and refresh for accounts only.
static_assert(std::is_constructible_v<rotate_service_token, account_scope, std::string>);
static_assert(std::is_constructible_v<rotate_service_token, any_scope, std::string>);
static_assert(!std::is_constructible_v<rotate_service_token, zone_scope, std::string>);
static_assert(!std::is_constructible_v<rotate_service_token, zone_scope const&, char const*>);
static_assert(
    !std::is_constructible_v<rotate_service_token, zone_scope, std::string, rotate_params>);
static_assert(std::is_constructible_v<refresh_service_token, account_scope, std::string>);
static_assert(std::is_constructible_v<refresh_service_token, any_scope, std::string>);
static_assert(!std::is_constructible_v<refresh_service_token, zone_scope, std::string>);
static_assert(!std::is_constructible_v<refresh_service_token, zone_scope&, char const*>);

TEST_CASE("a create is a POST to the collection that is sent once") {
    static_assert(create_service_token::method == http::method::post);
    static_assert(create_service_token::idempotency == idempotency::at_most_once);
    auto const params = create_params("ci").duration(token_duration::hours(24));
    CHECK(create_service_token(account, params).target().value() == in_account);
    CHECK(create_service_token(zone, params).target().value() == in_zone);
    CHECK(create_service_token(account, params).body() == R"({"name":"ci","duration":"24h"})");
    CHECK(create_service_token::name == "create_service_token");
}

TEST_CASE("a create with bad parameters has no target") {
    auto const target = create_service_token(account, create_params("")).target();
    REQUIRE(target.has_error());
    CHECK(target.error() == errc::invalid_argument);
}

TEST_CASE("a list is a safe GET of the collection") {
    static_assert(list_service_tokens::method == http::method::get);
    static_assert(list_service_tokens::idempotency == idempotency::safe);
    CHECK(list_service_tokens(account).target().value() == in_account);
    CHECK(list_service_tokens(zone).target().value() == in_zone);
    auto const params = list_params().name("a/b").page(2).per_page(50);
    CHECK(list_service_tokens(account, params).target().value() ==
          in_account + "?name=a%2Fb&page=2&per_page=50");
    CHECK(list_service_tokens(account, list_params().page(0)).target().error() ==
          errc::invalid_argument);
    CHECK(list_service_tokens::name == "list_service_tokens");
}

TEST_CASE("a get is a safe GET of the token") {
    static_assert(get_service_token::method == http::method::get);
    static_assert(get_service_token::idempotency == idempotency::safe);
    CHECK(get_service_token(account, id).target().value() == in_account + "/" + id);
    CHECK(get_service_token(zone, id).target().value() == in_zone + "/" + id);
    CHECK(get_service_token::name == "get_service_token");
}

TEST_CASE("an update is an idempotent PUT, unless it rotates the secret") {
    static_assert(update_service_token::method == http::method::put);
    auto const rename = update_params().name("n");
    CHECK(update_service_token(account, id, rename).target().value() == in_account + "/" + id);
    CHECK(update_service_token(zone, id, rename).target().value() == in_zone + "/" + id);
    CHECK(update_service_token(account, id, rename).body() == R"({"name":"n"})");
    CHECK(update_service_token(account, id, rename).idempotency == idempotency::idempotent);

    auto const rotate = update_params().client_secret_version(2);
    CHECK(update_service_token(zone, id, rotate).body() == R"({"client_secret_version":2})");
    CHECK(update_service_token(zone, id, rotate).idempotency == idempotency::revokes);
    CHECK(update_service_token(account, id, update_params()).target().error() ==
          errc::invalid_argument);
    CHECK(update_service_token::name == "update_service_token");
}

TEST_CASE("a delete is a DELETE of the token that succeeds when it was deleted before") {
    static_assert(delete_service_token::method == http::method::delete_);
    static_assert(delete_service_token::idempotency == idempotency::idempotent_delete);
    CHECK(delete_service_token(account, id).target().value() == in_account + "/" + id);
    CHECK(delete_service_token(zone, id).target().value() == in_zone + "/" + id);
    CHECK(delete_service_token::name == "delete_service_token");
}

TEST_CASE("a rotation is a POST that revokes, for accounts only") {
    static_assert(rotate_service_token::method == http::method::post);
    static_assert(rotate_service_token::idempotency == idempotency::revokes);
    CHECK(rotate_service_token(account, id).target().value() == in_account + "/" + id + "/rotate");
    CHECK(rotate_service_token(any_account, id).target().value() ==
          in_account + "/" + id + "/rotate");
    CHECK(rotate_service_token(account, id).body() == "{}");
    auto const refused = rotate_service_token(any_zone, id).target();
    REQUIRE(refused.has_error());
    CHECK(refused.error() == errc::unsupported_by_scope);
    CHECK(refused.error().to_string().find("rotate") != std::string::npos);
    CHECK(rotate_service_token::name == "rotate_service_token");
}

TEST_CASE("a refresh is an idempotent POST without a body, for accounts only") {
    static_assert(refresh_service_token::method == http::method::post);
    static_assert(refresh_service_token::idempotency == idempotency::idempotent);
    CHECK(refresh_service_token(account, id).target().value() ==
          in_account + "/" + id + "/refresh");
    auto const refused = refresh_service_token(any_zone, id).target();
    REQUIRE(refused.has_error());
    CHECK(refused.error() == errc::unsupported_by_scope);
    CHECK(refresh_service_token::name == "refresh_service_token");
}

TEST_CASE("an id that is no lowercase UUID is refused by every operation on a token") {
    for (std::string const& bad :
         {std::string(), std::string("3537A672-E4D8-4D89-AAB9-26CB622918A1"),
          std::string("3537a672-e4d8-4d89-aab9-26cb622918a"),
          std::string("3537a672-e4d8-4d89-aab9-26cb622918a1 "),
          std::string("3537a672/e4d8-4d89-aab9-26cb622918a1"),
          std::string("3537a672-e4d8-4d89-aab9-26cb622918a/"),
          std::string("3537a672e4d84d89aab926cb622918a1"),
          std::string("../../../../../../../../../../user"),
          std::string("88bf3b6d86161464f6509f7219099e57.access"),
          std::string("\xEF\xBB\xBF") + id}) {
        CAPTURE(bad);
        for (auto const& target :
             {get_service_token(account, bad).target(), delete_service_token(zone, bad).target(),
              update_service_token(account, bad, update_params().name("n")).target(),
              rotate_service_token(account, bad).target(),
              refresh_service_token(account, bad).target()}) {
            REQUIRE(target.has_error());
            CHECK(target.error() == errc::invalid_argument);
            CHECK(target.error().to_string().find("service token id") != std::string::npos);
        }
    }
}

TEST_CASE("a create or a rotation whose response shows no secret did act") {
    for (char const* member : {"", R"(,"client_secret":"********")"}) {
        CAPTURE(member);
        auto const body =
            R"({"success":true,"errors":[],"messages":[],"result":{"client_id":"c","id":")" +
            std::string(id) + "\"" + member + "}}";
        for (auto const& e : {decode<create_service_token>(make_response(201, body)).error(),
                              decode<rotate_service_token>(make_response(200, body)).error()}) {
            CHECK(e == errc::secret_missing);
            CHECK(e.delivery() == delivery::accepted);
            CHECK(e.to_string().find(id) != std::string::npos);
        }
    }
}

TEST_CASE("a create's response that was cut leaves the outcome unknown and shows no secret") {
    auto const e =
        decode<create_service_token>(
            make_response(201, R"({"success":true,"result":{"client_id":"c","client_secret":")"
                               "0badc0de1dea2fee"))
            .error();
    CHECK(e == errc::unexpected_response);
    CHECK(e.may_have_acted());
    CHECK(e.details().excerpt.empty());
    CHECK(e.to_string().find("0badc0de") == std::string::npos);
}

TEST_CASE("a delete is a success with the token, an empty object, or nothing in its response") {
    auto const shown = decode<delete_service_token>(
        make_response(200, R"({"success":true,"result":{"id":"i","client_id":"c"}})"));
    REQUIRE(shown.has_value());
    REQUIRE(shown->has_value());
    CHECK((*shown)->id == "i");
    for (char const* body : {R"({"success":true,"result":{}})", R"({"success":true,"result":null})",
                             R"({"success":true})"}) {
        CAPTURE(body);
        auto const bare = decode<delete_service_token>(make_response(200, body));
        REQUIRE(bare.has_value());
        CHECK_FALSE(bare->has_value());
    }
}

TEST_CASE("an update gives the secret where its response shows one") {
    auto const rotated = decode<update_service_token>(make_response(
        200, R"({"success":true,"result":{"id":"i","client_id":"c","client_secret":"broken"}})"));
    REQUIRE(rotated.has_value());
    CHECK(rotated->client_secret == secret("broken"));
}

} // namespace service_token_operations_tests
