#include <cloudflare/api/make_request.hpp>

#include <doctest/doctest.h>

#include <cloudflare/json/writer.hpp>

#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace cloudflare;

namespace make_request_tests {
namespace {

struct get_zone {
    using result_type = void;
    static constexpr std::string_view name = "get_zone";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;
    result<std::string> target() const {
        if (id.empty()) return error(errc::invalid_argument, "zone id: must not be empty");
        return std::string("/zones/" + id);
    }
    std::string id = "1";
};

struct make_zone {
    using result_type = void;
    static constexpr std::string_view name = "make_zone";
    static constexpr auto method = http::method::post;
    static constexpr auto idempotency = cloudflare::idempotency::at_most_once;
    result<std::string> target() const { return std::string("/zones"); }
    std::string body() const { return R"({"name":"z"})"; }
};

struct no_credentials {
    result<void> authorize(http::headers&) const {
        return error(errc::missing_credentials, "the vault is closed");
    }
};

struct raw_target {
    using result_type = void;
    static constexpr std::string_view name = "raw_target";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;
    result<std::string> target() const {
        if (failure) return *failure;
        return text;
    }
    std::string text = "/a";
    std::optional<error> failure{};
};

struct refusing {
    error why;
    result<void> authorize(http::headers&) const { return why; }
};

struct adding {
    std::vector<std::pair<std::string, std::string>> all;
    result<void> authorize(http::headers& fields) const {
        for (auto const& [name, value] : all)
            if (auto const ok = fields.add(name, value); !ok) return ok;
        return {};
    }
};

credentials token() {
    return *api_token::make("broken-sample");
}

} // namespace

TEST_CASE("a request has the base URL's origin and path, and the operation's method and target") {
    auto const options =
        client_options().base_url(*base_url::parse("http://localhost:8080/client/v4/"));
    auto const r = make_request(get_zone(), token(), options);
    REQUIRE(r.has_value());
    CHECK(r->origin == *http::origin::parse("http://localhost:8080"));
    CHECK(r->target == "/client/v4/zones/1");
    CHECK(r->method == http::method::get);
    CHECK(r->body.empty());
    CHECK(r->repeatable);
}

TEST_CASE("a request carries the credentials and asks for JSON that is not compressed") {
    auto const r = make_request(get_zone(), token(), client_options());
    REQUIRE(r.has_value());
    CHECK(r->fields.find("Authorization") == "Bearer broken-sample");
    CHECK(r->fields.find("Accept") == "application/json");
    CHECK(r->fields.find("Accept-Encoding") == "identity");
    CHECK(r->fields.find("User-Agent").starts_with("cloudflare-access-cpp/"));
    for (char const* name : {"Content-Type", "Host", "Content-Length", "Idempotency-Key"})
        CHECK_FALSE(r->fields.contains(name));
}

TEST_CASE("a request with a body says that it is JSON, and that once is not repeatable") {
    auto const r = make_request(make_zone(), token(), client_options());
    REQUIRE(r.has_value());
    CHECK(r->method == http::method::post);
    CHECK(r->body == R"({"name":"z"})");
    CHECK(r->fields.find("Content-Type") == "application/json");
    CHECK_FALSE(r->repeatable);
}

TEST_CASE("the user agent can be set, and a bad one is an error") {
    auto const r = make_request(get_zone(), token(), client_options().user_agent("mine/1"));
    REQUIRE(r.has_value());
    CHECK(r->fields.find("User-Agent") == "mine/1");
    auto const bad = make_request(get_zone(), token(), client_options().user_agent("mine\n"));
    REQUIRE(bad.has_error());
    CHECK(bad.error() == errc::invalid_argument);
}

TEST_CASE("a call's headers are added, in place of the client's own of that name") {
    auto const r = make_request(get_zone(), token(), client_options(),
                                call_options().header("X-A", "1").header("user-agent", "other/2"));
    REQUIRE(r.has_value());
    CHECK(r->fields.find("X-A") == "1");
    int agents = 0;
    for (auto const f : r->fields)
        agents += http::same_name(f.name, "User-Agent");
    CHECK(agents == 1);
    CHECK(r->fields.find("User-Agent") == "other/2");
}

TEST_CASE("a request that cannot be made is the error of what is wrong") {
    get_zone nameless;
    nameless.id.clear();
    auto const bad_target = make_request(nameless, token(), client_options());
    REQUIRE(bad_target.has_error());
    CHECK(bad_target.error().details().explanation == "zone id: must not be empty");

    auto const bad_who = make_request(get_zone(), no_credentials(), client_options());
    REQUIRE(bad_who.has_error());
    CHECK(bad_who.error() == errc::missing_credentials);

    auto const bad_header = make_request(get_zone(), token(), client_options(),
                                         call_options().header("Host", "other.example"));
    REQUIRE(bad_header.has_error());
    CHECK(bad_header.error() == errc::invalid_argument);
}

TEST_CASE("http to a host that is not on this machine is refused unless an option allows it") {
    for (char const* url :
         {"http://api.example/client/v4", "http://192.0.2.1", "http://[2001:db8::1]",
          "http://localhost.example", "http://127.0.0.1.example", "http://0.0.0.0"}) {
        CAPTURE(url);
        auto options = client_options().base_url(*base_url::parse(url));
        auto const r = make_request(get_zone(), token(), options);
        REQUIRE(r.has_error());
        CHECK(r.error() == errc::invalid_argument);
        CHECK(r.error().delivery() == delivery::not_sent);
        auto const& why = r.error().details().explanation;
        CHECK(why.starts_with("base URL: must be https"));
        CHECK(why.find(options.base_url().origin().host()) != std::string::npos);
        CHECK(r.error().to_string().find("allow_insecure_http") != std::string::npos);
        CHECK(make_request(get_zone(), token(), options.allow_insecure_http(true)).has_value());
        CHECK(make_request(get_zone(), token(), options.allow_insecure_http(false)).has_error());
    }
    for (char const* url :
         {"http://localhost:8080", "http://api.localhost", "http://127.0.0.1:1/v4",
          "http://127.8.9.10", "http://[::1]:9", "https://api.example"}) {
        CAPTURE(url);
        auto const options = client_options().base_url(*base_url::parse(url));
        CHECK(make_request(get_zone(), token(), options).has_value());
    }
}

TEST_CASE("a target that a user's operation built is checked before anything is sent") {
    for (char const* target : {"", "zones", "/a b", "/a\r\nHost: evil.example", "/a\n", "/\x7f",
                               "/caf\xc3\xa9", " /a", "/0123456789abcdef HTTP/1.0"}) {
        CAPTURE(target);
        auto const r = make_request(raw_target{.text = target}, token(), client_options());
        REQUIRE(r.has_error());
        CHECK(r.error() == errc::invalid_argument);
        CHECK(r.error().details().explanation.starts_with("target: "));
        CHECK(r.error().delivery() == delivery::not_sent);
    }
    CHECK(make_request(raw_target{.text = "/a"}, token(), client_options()).has_value());
}

TEST_CASE("whatever keeps a request from being made, nothing was sent") {
    for (auto const& why :
         {error(errc::connect_failed), error(errc::connection_lost), error(errc::sink_failed),
          error(errc::cancelled), error(),
          error(errc::server_error,
                error_details{.explanation = "x", .delivery = delivery::accepted})}) {
        for (auto const& r : {make_request(raw_target{.failure = why}, token(), client_options()),
                              make_request(get_zone(), refusing{why}, client_options())}) {
            REQUIRE(r.has_error());
            CAPTURE(r.error());
            CHECK(r.error().code().failed());
            if (why.code()) CHECK(r.error().code() == why.code());
            CHECK(r.error().delivery() == delivery::not_sent);
            CHECK_FALSE(r.error().may_have_acted());
            if (why.code()) CHECK(r.error().details().explanation == why.details().explanation);
        }
    }
}

TEST_CASE("a strategy sets no field that frames the message, is the client's, or is there twice") {
    for (char const* name : {"Host", "content-length", "Transfer-Encoding", "Connection", "TE",
                             "Accept-Encoding", "User-Agent", "ACCEPT", "Content-Type"}) {
        CAPTURE(name);
        for (bool first : {true, false}) {
            auto const r = make_request(get_zone(),
                                        first ? adding{{{name, "x"}, {"Authorization", "y"}}}
                                              : adding{{{"Authorization", "y"}, {name, "x"}}},
                                        client_options());
            REQUIRE(r.has_error());
            CHECK(r.error() == errc::invalid_credentials);
            CHECK(r.error().delivery() == delivery::not_sent);
            CHECK(r.error().details().explanation.starts_with("credentials: header " +
                                                              std::string(name)));
        }
    }
    auto const doubled =
        make_request(get_zone(), adding{{{"X-A", "1"}, {"Authorization", "broken"}, {"x-a", "2"}}},
                     client_options());
    REQUIRE(doubled.has_error());
    CHECK(doubled.error().details().explanation == "credentials: header X-A: must be set once");
    auto const fine =
        make_request(get_zone(), adding{{{"X-A", "1"}, {"X-B", "2"}, {"Authorization", "broken"}}},
                     client_options());
    REQUIRE(fine.has_value());
    CHECK(fine->fields.find("X-B") == "2");
}

TEST_CASE("Accept-Encoding is identity, whatever a call asks for") {
    auto const r = make_request(get_zone(), token(), client_options(),
                                call_options().header("accept-encoding", "gzip"));
    REQUIRE(r.has_error());
    CHECK(r.error() == errc::invalid_argument);
    CHECK(r.error().details().explanation.find("accept-encoding") != std::string::npos);
}

TEST_CASE("a request printed shows no credential and no body") {
    auto const r = make_request(make_zone(), token(), client_options());
    REQUIRE(r.has_value());
    std::ostringstream out;
    out << *r;
    CHECK(out.str().starts_with("POST https://api.cloudflare.com/client/v4/zones\n"));
    CHECK(out.str().find("[redacted]") != std::string::npos);
    CHECK(out.str().find("broken-sample") == std::string::npos);
    CHECK(out.str().find("\"name\"") == std::string::npos);
}

TEST_CASE("a call's header does not make up for a strategy that failed") {
    auto const r = make_request(get_zone(), adding{{{"Host", "x"}}}, client_options(),
                                call_options().header("X-A", "1"));
    REQUIRE(r.has_error());
    CHECK(r.error() == errc::invalid_credentials);
}

namespace {

struct set_name : get_zone {
    result<std::string> body() const {
        if (name_.empty()) return error(errc::connect_failed, "name: must not be empty");
        return json_object_writer().add("name", name_).finish();
    }
    std::string name_ = "z";
};

} // namespace

TEST_CASE("a body may refuse what it is made of, and nothing is sent") {
    auto const who = *api_token::make("sample");
    set_name op;
    auto const r = make_request(op, who, client_options());
    REQUIRE(r.has_value());
    CHECK(r->body == R"({"name":"z"})");
    CHECK(r->fields.find("Content-Type") == "application/json");
    op.name_.clear();
    auto const refused = make_request(op, who, client_options());
    REQUIRE(refused.has_error());
    CHECK(refused.error().details().explanation == "name: must not be empty");
    CHECK(refused.error().delivery() == delivery::not_sent);
}

} // namespace make_request_tests
