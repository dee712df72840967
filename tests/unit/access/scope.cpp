#include <cloudflare/access/scope.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <string>

using namespace cloudflare;

namespace scope_tests {
using namespace cloudflare::access;

namespace {

constexpr char const* id = "023e105f4ecef8ad9ca31a8372d0c353";

} // namespace

static_assert(scope<account_scope> && scope<zone_scope> && scope<any_scope>);
static_assert(!scope<std::string>);

TEST_CASE("an account and a zone have paths of their own") {
    auto const account = account_scope::parse(id);
    REQUIRE(account.has_value());
    CHECK(account->id() == id);
    CHECK(account->path().str() == "/accounts/023e105f4ecef8ad9ca31a8372d0c353");
    auto const zone = zone_scope::parse(id);
    REQUIRE(zone.has_value());
    CHECK(zone->id() == id);
    CHECK(zone->path().str() == "/zones/023e105f4ecef8ad9ca31a8372d0c353");
}

TEST_CASE("an id that would change the path is refused before anything is sent") {
    for (std::string const& text : {std::string(), std::string("023e105f4ecef8ad9ca31a8372d0c35"),
                                    std::string("023e105f4ecef8ad9ca31a8372d0c3530"),
                                    std::string("023E105F4ECEF8AD9CA31A8372D0C353"),
                                    std::string("023e105f4ecef8ad9ca31a8372d0c35g"),
                                    std::string("023e105f4ecef8ad9ca31a8372d0c35/"),
                                    std::string("023e105f4ecef8ad9ca31a8372d0c35\n"),
                                    std::string("\xEF\xBB\xBF"
                                                "023e105f4ecef8ad9ca31a8372d0c353"),
                                    std::string(32, '.'), std::string(32, '\0')}) {
        CAPTURE(text);
        auto const account = account_scope::parse(text);
        REQUIRE(account.has_error());
        CHECK(account.error() == errc::invalid_argument);
        CHECK(account.error().details().explanation.starts_with("account id: "));
        auto const zone = zone_scope::parse(text);
        REQUIRE(zone.has_error());
        CHECK(zone.error() == errc::invalid_argument);
        CHECK(zone.error().details().explanation.starts_with("zone id: "));
    }
}

TEST_CASE("a scope of either kind knows which it is") {
    any_scope const account = *account_scope::parse(id);
    any_scope const zone = *zone_scope::parse(id);
    CHECK(account.is_account());
    CHECK_FALSE(zone.is_account());
    CHECK(account.id() == id);
    CHECK(account.path().str() == account_scope::parse(id)->path().str());
    CHECK(zone.path().str() == zone_scope::parse(id)->path().str());
    CHECK(account == any_scope(*account_scope::parse(id)));
    CHECK_FALSE(account == zone);

    std::ostringstream out;
    out << account << ", " << zone;
    CHECK(out.str() == "account 023e105f4ecef8ad9ca31a8372d0c353, "
                       "zone 023e105f4ecef8ad9ca31a8372d0c353");
}

} // namespace scope_tests
