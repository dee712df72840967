#include <cloudflare/access/service_token.hpp>

#include <doctest/doctest.h>

#include <cloudflare/json/document.hpp>

#include <string>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace service_token_tests {
using namespace cloudflare::access;

namespace {

constexpr char const* uuid = "3537a672-e4d8-4d89-aab9-26cb622918a1";

template <class Token>
result<Token> read(std::string_view json) {
    json_document const document(json);
    REQUIRE(document.is_valid());
    return Token::from_json(document.root());
}

timestamp at(std::string_view text) {
    return timestamp::parse(text).value();
}

} // namespace

TEST_CASE("the documented response to a create is read whole") {
    auto const t = read<issued_service_token>(
        R"({"client_id":"0badc0de.access","client_secret":"broken-sample",)"
        R"("created_at":"2025-09-25T22:26:26Z","expires_at":"2026-09-25T22:26:26Z",)"
        R"("id":"3537a672-e4d8-4d89-aab9-26cb622918a1","name":"CI","updated_at":"2025-09-25T22:26:26Z",)"
        R"("duration":"8760h","client_secret_version":1})");
    REQUIRE(t.has_value());
    CHECK(t->id == uuid);
    CHECK(t->client_id == "0badc0de.access");
    CHECK(t->client_secret == secret("broken-sample"));
    CHECK(t->name == "CI");
    CHECK(t->duration == token_duration::hours(8760));
    CHECK(t->client_secret_version == 1);
    CHECK(t->created_at == at("2025-09-25T22:26:26Z"));
    CHECK(t->updated_at == t->created_at);
    CHECK(t->expires_at == at("2026-09-25T22:26:26Z"));
    CHECK_FALSE(t->enabled);
    CHECK_FALSE(t->last_seen_at);
    CHECK_FALSE(t->previous_client_secret_expires_at);
}

TEST_CASE("a token of today has all its fields read") {
    auto const t = read<service_token>(
        R"({"id":"i","client_id":"c","enabled":false,"last_seen_at":"2026-01-02T03:04:05.5Z",)"
        R"("previous_client_secret_expires_at":"2024-11-15T10:30:00Z","client_secret_version":2.0,)"
        R"("some_new_field":{"x":[]}})");
    REQUIRE(t.has_value());
    CHECK(t->enabled == false);
    CHECK(t->last_seen_at == at("2026-01-02T03:04:05.5Z"));
    CHECK(t->previous_client_secret_expires_at == at("2024-11-15T10:30:00Z"));
    CHECK(t->client_secret_version == 2);
}

TEST_CASE("only the two ids are required of a token") {
    CHECK(read<service_token>(R"({"id":"i","client_id":"c"})").has_value());
    auto const nameless = read<service_token>(R"({"client_id":"c"})");
    REQUIRE(nameless.has_error());
    CHECK(nameless.error() == errc::missing_field);
    CHECK(nameless.error().details().explanation == "result.id");
    auto const clientless = read<service_token>(R"({"id":"i","client_id":null})");
    REQUIRE(clientless.has_error());
    CHECK(clientless.error().details().explanation == "result.client_id");
}

TEST_CASE("an oddity in a field of no weight does not cost the client secret") {
    auto const t = read<issued_service_token>(
        R"({"id":"i","client_id":"c","client_secret":"broken-sample","name":1,"duration":"1 year",)"
        R"("created_at":"","expires_at":0,"enabled":"yes","client_secret_version":"one"})");
    REQUIRE(t.has_value());
    CHECK(t->client_secret == secret("broken-sample"));
    CHECK(t->name.empty());
    CHECK_FALSE(t->duration);
    CHECK_FALSE(t->created_at);
    CHECK_FALSE(t->enabled);
}

TEST_CASE("an issued token without a secret is an error that names the token") {
    for (char const* member : {"", R"(,"client_secret":null)", R"(,"client_secret":"")",
                               R"(,"client_secret":"************")", R"(,"client_secret":5)"}) {
        CAPTURE(member);
        auto const t = read<issued_service_token>(
            R"({"id":"3537a672-e4d8-4d89-aab9-26cb622918a1","client_id":"c")" +
            std::string(member) + "}");
        REQUIRE(t.has_error());
        CHECK(t.error() == errc::secret_missing);
        CHECK(t.error().to_string().find(uuid) != std::string::npos);
    }
}

TEST_CASE("an updated token has a secret only where the response shows one") {
    auto const plain = read<updated_service_token>(R"({"id":"i","client_id":"c"})");
    REQUIRE(plain.has_value());
    CHECK_FALSE(plain->client_secret);
    auto const masked =
        read<updated_service_token>(R"({"id":"i","client_id":"c","client_secret":"****"})");
    REQUIRE(masked.has_value());
    CHECK_FALSE(masked->client_secret);
    auto const rotated = read<updated_service_token>(
        R"({"id":"i","client_id":"c","client_secret":"broken-sample"})");
    REQUIRE(rotated.has_value());
    CHECK(rotated->client_secret == secret("broken-sample"));
}

TEST_CASE("a token expires within a span that reaches its end, and not before") {
    service_token t;
    t.expires_at = at("2026-01-02T00:00:00Z");
    auto const day_before = at("2026-01-01T00:00:00Z");
    CHECK_FALSE(t.expires_within(23h, day_before));
    CHECK(t.expires_within(24h, day_before));
    CHECK(t.expires_within(0s, at("2026-01-03T00:00:00Z")));
}

TEST_CASE("a token that lasts forever, or does not say, never expires") {
    service_token forever;
    forever.duration = token_duration::forever();
    forever.expires_at = at("2000-01-01T00:00:00Z");
    CHECK_FALSE(forever.expires_within(24h, at("2026-01-01T00:00:00Z")));
    CHECK_FALSE(service_token().expires_within(24h, at("2026-01-01T00:00:00Z")));
}

} // namespace service_token_tests
