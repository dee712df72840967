#include <cloudflare/api/credentials.hpp>

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

#include <cloudflare/http/request.hpp>

#include <map>
#include <optional>
#include <sstream>
#include <string>

using namespace cloudflare;

namespace credentials_tests {
namespace {

constexpr char const* broken_token = "broken-sample.API_token~1";
constexpr char const* broken_key = "0badc0de0badc0de";

using environment = std::map<std::string, std::string>;

result<credentials> read(environment const& variables) {
    return credentials_from([&](char const* name) -> char const* {
        auto const found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

struct two_fields {
    result<void> authorize(http::headers& fields) const {
        if (auto const ok = fields.add("X-First", "1"); !ok) return ok;
        return fields.add("X-Second", "2");
    }
};

struct no_authorize {};
struct wrong_authorize {
    void authorize(http::headers&) const {}
};

} // namespace

static_assert(auth_strategy<api_token> && auth_strategy<api_key> && auth_strategy<credentials>);
static_assert(auth_strategy<two_fields>);
static_assert(!auth_strategy<no_authorize> && !auth_strategy<wrong_authorize>);

/// As a user's own function that looks for credentials in several places.
result<credentials> find_credentials(bool is_there) {
    result<credentials> found = api_token::make("sample");
    if (!is_there) found = error(errc::missing_credentials, "nowhere");
    std::optional<result<credentials>> kept = found;
    return *kept;
}

TEST_CASE("credentials are returned in results like any value") {
    CHECK(find_credentials(true).has_value());
    CHECK(find_credentials(false).error() == errc::missing_credentials);
}

TEST_CASE("an API token is sent as a bearer token and nothing else") {
    http::headers fields;
    REQUIRE(api_token::make(broken_token)->authorize(fields).has_value());
    CHECK(fields.wire_format() == "Authorization: Bearer broken-sample.API_token~1\r\n");
}

TEST_CASE("a global key is sent with its email and without a bearer token") {
    http::headers fields;
    REQUIRE(api_key::make("a@b.example", broken_key)->authorize(fields).has_value());
    CHECK(fields.wire_format() == "X-Auth-Email: a@b.example\r\nX-Auth-Key: 0badc0de0badc0de\r\n");
}

TEST_CASE("what cannot be a credential is refused when it is made, and never shown") {
    struct row {
        std::string text;
        char const* rule;
    };
    for (auto const& [text, rule] : {
             row{"", "must not be empty"},
             row{"broken-sample\n", "white space"},
             row{"broken-sample\r\n", "white space"},
             row{" broken-sample", "white space"},
             row{"broken-sample\t", "white space"},
             row{"broken sample", "white space"},
             row{"\"broken-sample\"", "quotes"},
             row{"'broken-sample'", "quotes"},
             row{"Bearer broken-sample", "Bearer"},
             row{"bearer broken-sample", "Bearer"},
             row{"\xEF\xBB\xBF"
                 "broken-sample",
                 "token68"},
             row{"broken-sample\"", "token68"},
             row{std::string("broken-sample\0", 14), "token68"},
             row{"broken-s\xC3\xA4mple", "token68"},
         }) {
        CAPTURE(text);
        auto const made = api_token::make(text);
        REQUIRE(made.has_error());
        CHECK(made.error() == errc::invalid_credentials);
        CHECK(made.error() == condition::invalid_input);
        auto const shown = made.error().to_string();
        CHECK(shown.find("API token: ") != shown.npos);
        CHECK(shown.find(rule) != shown.npos);
        CHECK(shown.find("broken") == shown.npos);
        CHECK(shown.find("sample") == shown.npos);

        auto const key = api_key::make("a@b.example", text);
        REQUIRE(key.has_error());
        CHECK(key.error().to_string().find("API key: ") != std::string::npos);
        CHECK(key.error().to_string().find("broken") == std::string::npos);
    }
}

TEST_CASE("an email that would break the header is refused") {
    for (char const* email : {"", "nobody", "a@b.example\n", "a b@c.example", " a@b.example"}) {
        CAPTURE(email);
        auto const made = api_key::make(email, broken_key);
        REQUIRE(made.has_error());
        CHECK(made.error() == errc::invalid_credentials);
        CHECK(made.error().to_string().find("email") != std::string::npos);
        CHECK(made.error().to_string().find(broken_key) == std::string::npos);
    }
}

TEST_CASE("all characters of a token68 are accepted") {
    auto const made = api_token::make("ABCabc019-._~+/==");
    REQUIRE(made.has_value());
    http::headers fields;
    REQUIRE(made->authorize(fields).has_value());
    CHECK(fields.find("Authorization") == "Bearer ABCabc019-._~+/==");
}

TEST_CASE("credentials hold any strategy, and a copy does the same") {
    credentials const who = two_fields();
    credentials const copy = who;
    http::headers fields;
    REQUIRE(copy.authorize(fields).has_value());
    CHECK(fields.wire_format() == "X-First: 1\r\nX-Second: 2\r\n");
}

TEST_CASE("the environment's token wins over its key") {
    auto const who = read({{"CLOUDFLARE_API_TOKEN", broken_token},
                           {"CLOUDFLARE_EMAIL", "a@b.example"},
                           {"CLOUDFLARE_API_KEY", broken_key}});
    REQUIRE(who.has_value());
    http::headers fields;
    REQUIRE(who->authorize(fields).has_value());
    CHECK(fields.contains("Authorization"));
    CHECK_FALSE(fields.contains("X-Auth-Key"));
    CHECK_FALSE(fields.contains("X-Auth-Email"));
}

TEST_CASE("the environment's key and email are taken where there is no token") {
    auto const who =
        read({{"CLOUDFLARE_EMAIL", "a@b.example"}, {"CLOUDFLARE_API_KEY", broken_key}});
    REQUIRE(who.has_value());
    http::headers fields;
    REQUIRE(who->authorize(fields).has_value());
    CHECK(fields.find("X-Auth-Email") == "a@b.example");
    CHECK(fields.find("X-Auth-Key") == broken_key);
    CHECK_FALSE(fields.contains("Authorization"));
}

TEST_CASE("a variable that is empty counts as one that is not set") {
    auto const by_key = read({{"CLOUDFLARE_API_TOKEN", ""},
                              {"CLOUDFLARE_EMAIL", "a@b.example"},
                              {"CLOUDFLARE_API_KEY", broken_key}});
    REQUIRE(by_key.has_value());
    http::headers fields;
    REQUIRE(by_key->authorize(fields).has_value());
    CHECK(fields.find("X-Auth-Key") == broken_key);

    auto const by_token = read({{"CLOUDFLARE_API_TOKEN", broken_token},
                                {"CLOUDFLARE_EMAIL", ""},
                                {"CLOUDFLARE_API_KEY", ""}});
    CHECK(by_token.has_value());

    for (auto const& variables :
         {environment{{"CLOUDFLARE_API_TOKEN", ""}},
          environment{{"CLOUDFLARE_EMAIL", ""}, {"CLOUDFLARE_API_KEY", broken_key}},
          environment{{"CLOUDFLARE_EMAIL", "a@b.example"}, {"CLOUDFLARE_API_KEY", ""}}}) {
        auto const who = read(variables);
        REQUIRE(who.has_error());
        CHECK(who.error() == errc::missing_credentials);
    }
}

TEST_CASE("an environment without whole credentials is an error that says what to set") {
    for (auto const& variables : {environment{}, environment{{"CLOUDFLARE_EMAIL", "a@b.example"}},
                                  environment{{"CLOUDFLARE_API_KEY", broken_key}}}) {
        auto const who = read(variables);
        REQUIRE(who.has_error());
        CHECK(who.error() == errc::missing_credentials);
        auto const shown = who.error().to_string();
        for (char const* name : {"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_EMAIL", "CLOUDFLARE_API_KEY"})
            CHECK(shown.find(name) != shown.npos);
        CHECK(shown.find(broken_key) == shown.npos);
    }
}

TEST_CASE("a bad variable is an error that names it and does not show its value") {
    for (std::string const value : {"broken-sample\n", "\"broken-sample\"", "Bearer broken-sample",
                                    "\xEF\xBB\xBF"
                                    "broken-sample"}) {
        CAPTURE(value);
        auto const token = read({{"CLOUDFLARE_API_TOKEN", value}});
        REQUIRE(token.has_error());
        CHECK(token.error() == errc::invalid_credentials);
        CHECK(token.error().to_string().find("CLOUDFLARE_API_TOKEN") != std::string::npos);
        CHECK(token.error().to_string().find("broken") == std::string::npos);

        auto const key = read({{"CLOUDFLARE_EMAIL", "a@b.example"}, {"CLOUDFLARE_API_KEY", value}});
        REQUIRE(key.has_error());
        CHECK(key.error() == errc::invalid_credentials);
        CHECK(key.error().to_string().find("CLOUDFLARE_API_KEY") != std::string::npos);
        CHECK(key.error().to_string().find("broken") == std::string::npos);
    }
}

TEST_CASE("a bad token in the environment is an error even where a good key is set") {
    auto const who = read({{"CLOUDFLARE_API_TOKEN", "broken-sample\n"},
                           {"CLOUDFLARE_EMAIL", "a@b.example"},
                           {"CLOUDFLARE_API_KEY", broken_key}});
    REQUIRE(who.has_error());
    CHECK(who.error() == errc::invalid_credentials);
}

TEST_CASE("a printed request shows no credential") {
    for (credentials const& who : {credentials(*api_token::make(broken_token)),
                                   credentials(*api_key::make("a@b.example", broken_key))}) {
        http::request r{.origin = *http::origin::parse("https://api.example"), .target = "/x"};
        REQUIRE(who.authorize(r.fields).has_value());
        std::ostringstream out;
        out << r << r.fields;
        CHECK(out.str().find("[redacted]") != std::string::npos);
        CHECK(out.str().find("broken-sample") == std::string::npos);
        CHECK(out.str().find(broken_key) == std::string::npos);
    }
}

TEST_CASE("credentials that were moved from can still be used") {
    credentials who = *api_token::make("broken-sample");
    auto taken = std::move(who);
    for (auto* c : {&who, &taken}) { // NOLINT(bugprone-use-after-move): this is the point
        http::headers fields;
        REQUIRE(c->authorize(fields).has_value());
        CHECK(fields.find("Authorization") == "Bearer broken-sample");
    }
}

TEST_CASE("each error says which rule a credential breaks") {
    struct row {
        std::string_view text;
        std::string_view rule;
    };
    for (auto const& [text, rule] : {
             row{"", "must not be empty"},
             row{"Bearer abc", "must not begin with \"Bearer\", which is added when it is sent"},
             row{"bearer abc", "must not begin with \"Bearer\", which is added when it is sent"},
             row{"\"abc\"", "must not be in quotes"},
             row{"'abc'", "must not be in quotes"},
             row{"abc\n", "must not contain white space; is there a newline at its end?"},
             row{"a\tb", "must not contain white space; is there a newline at its end?"},
             row{"a\rb", "must not contain white space; is there a newline at its end?"},
             row{"a b", "must not contain white space; is there a newline at its end?"},
             row{"a\xc3\xa4", "must contain only letters, digits and -._~+/= (RFC 7235 token68)"},
         }) {
        CAPTURE(text);
        CHECK(api_token::make(text).error().details().explanation ==
              std::string("API token: ").append(rule));
        CHECK(api_key::make("a@b.example", text).error().details().explanation ==
              std::string("API key: ").append(rule));
    }
}

TEST_CASE("an email holds graphic ASCII only") {
    CHECK(api_key::make("!~@b.example", "key").has_value());
    for (std::string_view const email :
         {"a b@c", "a\x7f@c", "a\x1f@c", "\xc3\xa4@c", "no at sign"}) {
        CAPTURE(email);
        CHECK(api_key::make(email, "key").error().details().explanation ==
              "email: must be an address such as a@b.example");
    }
}

} // namespace credentials_tests
