#include <cloudflare/testing/sandbox.hpp>

#include <cloudflare/access.hpp>
#include <cloudflare/access/access_headers.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

namespace sandbox_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::sandbox;
using testing::sandbox_options;

/// A client without a network: makes the request, hands it to the sandbox, decodes the response.
struct caller {
    explicit caller(sandbox_options switches = {}) : box(1, std::move(switches)) {}

    template <class Op>
    result<typename Op::result_type> operator()(Op const& op) {
        auto const r = make_request(op, credentials, client_options()).value();
        return decode<Op>(box.handle(r, now));
    }

    access::account_scope account =
        access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    access::zone_scope zone = access::zone_scope::parse("0123456789abcdef0123456789abcdef").value();
    cloudflare::credentials credentials = api_token::make("sample").value();
    timestamp now = timestamp::parse("2026-11-24T00:00:00Z").value();
    sandbox box;
};

access::create_service_token create(access::any_scope const& scope, std::string name = "ci") {
    return {scope, access::create_params(std::move(name))};
}

TEST_CASE("a created token is there with all its fields, and its secret is shown once") {
    caller call;
    auto const made = call(create(call.account)).value();
    CHECK(made.name == "ci");
    CHECK(made.duration == token_duration::hours(8760));
    CHECK(made.client_secret_version == 1);
    CHECK(made.created_at == call.now);
    CHECK(made.expires_at == call.now.plus(24h * 365));
    CHECK(made.client_secret.size() == 54);
    CHECK(call.box.admits(made.client_id, made.client_secret.reveal(), call.now));

    auto const got = call(access::get_service_token(call.account, made.id)).value();
    CHECK(got.client_id == made.client_id);
    CHECK_FALSE(got.previous_client_secret_expires_at);
    auto const listed = call(access::list_service_tokens(call.account)).value();
    REQUIRE(listed.items.size() == 1);
    CHECK(listed.items[0].id == made.id);
}

TEST_CASE("the same seed and requests give the same tokens") {
    caller a, b;
    CHECK(a(create(a.account)).value().id == b(create(b.account)).value().id);
}

TEST_CASE("scopes do not see each other's tokens") {
    caller call;
    auto const made = call(create(call.account)).value();
    CHECK(call(access::list_service_tokens(call.zone)).value().items.empty());
    CHECK(call(access::get_service_token(call.zone, made.id)).error() == errc::not_found);
}

TEST_CASE("rotation kills the old secret at once, or at the end of its grace") {
    caller call;
    auto const made = call(create(call.account)).value();
    auto const graced =
        call(access::rotate_service_token(
                 call.account, made.id,
                 access::rotate_params().previous_client_secret_expires_at(call.now.plus(1h))))
            .value();
    CHECK(graced.client_secret_version == 2);
    CHECK(call.box.admits(made.client_id, made.client_secret.reveal(), call.now));
    CHECK_FALSE(call.box.admits(made.client_id, made.client_secret.reveal(), call.now.plus(1h)));

    auto const again = call(access::rotate_service_token(call.account, made.id)).value();
    CHECK_FALSE(call.box.admits(made.client_id, made.client_secret.reveal(), call.now));
    CHECK_FALSE(call.box.admits(made.client_id, graced.client_secret.reveal(), call.now));
    CHECK(call.box.admits(made.client_id, again.client_secret.reveal(), call.now));
}

TEST_CASE("an update that raises the version rotates, in a zone too") {
    caller call;
    auto const made = call(create(call.zone)).value();
    auto const same =
        call(access::update_service_token(call.zone, made.id,
                                          access::update_params().client_secret_version(1)))
            .value();
    CHECK_FALSE(same.client_secret);
    auto const raised =
        call(access::update_service_token(call.zone, made.id,
                                          access::update_params().client_secret_version(2)))
            .value();
    REQUIRE(raised.client_secret);
    CHECK_FALSE(*raised.client_secret == made.client_secret);
    CHECK(call(access::update_service_token(call.zone, made.id,
                                            access::update_params().client_secret_version(1)))
              .error() == errc::bad_request);
}

TEST_CASE("a protected page lets pass who has a token's two headers, and refuses as Access does") {
    caller call;
    call.box.protect("/app");
    auto const made = call(create(call.account)).value();
    auto const get = [&](std::string target, std::string_view id, std::string_view secret_string) {
        http::request r{.origin = http::origin::parse("https://app.example").value()};
        r.target = std::move(target);
        if (!id.empty()) access::add_access_headers(r.fields, id, secret(secret_string)).value();
        return call.box.handle(r, call.now);
    };
    auto const shown = made.client_secret.reveal();
    auto const let_in = get("/app", made.client_id, shown);
    CHECK(let_in.status == 200);
    CHECK_FALSE(access::is_access_refusal(let_in));
    for (auto const& refused : {get("/app", "", ""), get("/app", made.client_id, "another"),
                                get("/app", "another.access", shown)}) {
        CHECK(refused.status == 302);
        CHECK(access::is_access_refusal(refused));
    }
    CHECK(get("/app2", made.client_id, shown).status == 404);
}

TEST_CASE("disabling ends a grace period for good") {
    caller call;
    auto const made = call(create(call.account)).value();
    auto const until = access::rotate_params().previous_client_secret_expires_at(call.now.plus(1h));
    call(access::rotate_service_token(call.account, made.id, until)).value();
    for (bool const on : {false, true})
        call(access::update_service_token(call.account, made.id,
                                          access::update_params().enabled(on)))
            .value();
    CHECK_FALSE(call.box.admits(made.client_id, made.client_secret.reveal(), call.now));
}

TEST_CASE("each error that the API is known for is decoded to its code") {
    sandbox_options switches;
    switches.token_limit = 1;
    caller call(switches);
    auto const made = call(create(call.account)).value();
    CHECK(call(create(call.account)).error() == errc::limit_reached);
    call.box.find(made.id)->in_use = true;
    CHECK(call(access::delete_service_token(call.account, made.id)).error() == errc::token_in_use);
    call.box.find(made.id)->in_use = false;
    CHECK(call(access::delete_service_token(call.account, made.id)).value());
    CHECK(call(access::delete_service_token(call.account, made.id)).error() == errc::not_found);

    call.box.options().api_token = "other";
    CHECK(call(create(call.account)).error() == errc::unauthorized);
    call.box.options().api_token.clear();
    call.box.options().rate_limit = 1;
    call(access::list_service_tokens(call.account)).value();
    auto const limited = call(create(call.account)).error();
    CHECK(limited == errc::rate_limited);
    CHECK(limited.details().retry_after == 300s);
}

TEST_CASE("a list can lag behind, hide everything, or ignore the page") {
    caller call;
    call.box.options().list_lag = 10s;
    call(create(call.account)).value();
    CHECK(call(access::list_service_tokens(call.account)).value().items.empty());
    call.now = call.now.plus(10s);
    CHECK(call(access::list_service_tokens(call.account)).value().items.size() == 1);
    call(create(call.account)).value();
    call.now = call.now.plus(10s);

    auto const second =
        access::list_service_tokens(call.account, access::list_params().page(2).per_page(1));
    auto const page = call(second).value();
    CHECK(page.info.page == 2);
    CHECK(page.info.total_pages == 2);
    call.box.options().ignores_page = true;
    CHECK(call(second).value().info.page == 1);
    call.box.options().read_permission = false;
    CHECK(call(access::list_service_tokens(call.account)).value().items.empty());
}

TEST_CASE("a page past the last one is empty, however large its number") {
    caller call;
    call(create(call.account)).value();
    call(create(call.account)).value();
    for (char const* page : {"3", "4611686018427387905", "9223372036854775807"})
        for (char const* size : {"1", "2", "1000"}) {
            CAPTURE(page);
            CAPTURE(size);
            http::request r{.origin = http::origin::parse("https://a").value()};
            r.target = "/client/v4/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/"
                       "service_tokens?page=" +
                       std::string(page) + "&per_page=" + size;
            REQUIRE(call.credentials.authorize(r.fields).has_value());
            auto const response = call.box.handle(r, call.now);
            CHECK(response.status == 200);
            CHECK(std::string_view(response.body).find("\"result\":[]") != std::string::npos);
        }
}

TEST_CASE("a page may hold less than was asked for") {
    caller call;
    call.box.options().max_per_page = 2;
    for (int i = 0; i != 3; ++i)
        call(create(call.account)).value();
    auto const page = call(access::list_service_tokens(call.account)).value();
    CHECK(page.items.size() == 2);
    CHECK(page.info.total_pages == 2);
}

TEST_CASE("filters may be ignored") {
    caller call;
    call(create(call.account, "a")).value();
    auto const named =
        access::list_service_tokens(call.account, access::list_params().name("b").search("x"));
    CHECK(call(named).value().items.empty());
    call.box.options().filters_by_name = false;
    CHECK(call(named).value().items.empty());
    call.box.options().filters_by_search = false;
    CHECK(call(named).value().items.size() == 1);
}

TEST_CASE("names may be trimmed, and cut or refused where they are long") {
    caller call;
    call.box.options().trims_names = true;
    CHECK(call(create(call.account, " a b\t")).value().name == "a b");
    CHECK(call(create(call.account, " ")).error() == errc::bad_request);
    call.box.options().max_name_length = 3;
    CHECK(call(create(call.account, "abcd")).error() == errc::bad_request);
    call.box.options().cuts_long_names = true;
    CHECK(call(create(call.account, "abcd")).value().name == "abc");
}

TEST_CASE("bad input may be refused with another status and code") {
    caller call;
    call.box.options().refusal_status = 422;
    call.box.options().refusal_code = 1;
    call.box.options().max_duration = 1h;
    for (auto const& duration : {token_duration::hours(2), token_duration::forever()}) {
        auto const refused = call(access::create_service_token(
            call.account, access::create_params("x").duration(duration)));
        REQUIRE(refused.has_error());
        CHECK(refused.error().details().http_status == 422);
    }
    auto const allowed = call(access::create_service_token(
        call.account, access::create_params("x").duration(token_duration::hours(1))));
    CHECK(allowed.has_value());
}

TEST_CASE("a refresh gives one year, or the token's own duration") {
    caller call;
    auto const made =
        call(access::create_service_token(
                 call.account, access::create_params("x").duration(token_duration::hours(720))))
            .value();
    access::refresh_service_token const refresh(call.account, made.id);
    CHECK(call(refresh).value().expires_at == call.now.plus(24h * 365));
    call.box.options().refresh_uses_duration = true;
    CHECK(call(refresh).value().expires_at == call.now.plus(720h));
}

TEST_CASE("the end of a grace may be cut, by rotations alone or by all requests") {
    for (bool const by_all : {false, true}) {
        CAPTURE(by_all);
        caller call;
        (by_all ? call.box.options().max_grace : call.box.options().max_grace_of_rotation) = 1h;
        auto const made = call(create(call.account)).value();
        auto const until = call.now.plus(24h);
        auto const raised = access::update_params().client_secret_version(2);
        auto const rotate = access::update_service_token(
            call.account, made.id,
            access::update_params(raised).previous_client_secret_expires_at(until));
        CHECK(call(rotate).value().previous_client_secret_expires_at == call.now.plus(1h));
        auto const extend = access::update_service_token(
            call.account, made.id,
            access::update_params().previous_client_secret_expires_at(until));
        CHECK(call(extend).value().previous_client_secret_expires_at ==
              call.now.plus(by_all ? 1h : 24h));
    }
}

TEST_CASE("what a token shows beside its secret is a matter of switches") {
    caller call;
    call.box.options().shows_expiry_with_secret = false;
    auto const made = call(create(call.account)).value();
    CHECK_FALSE(made.expires_at);
    access::get_service_token const get(call.account, made.id);
    CHECK(call(get).value().expires_at);
    auto const until = access::rotate_params().previous_client_secret_expires_at(call.now.plus(1h));
    call(access::rotate_service_token(call.account, made.id, until)).value();
    CHECK(call(get).value().previous_client_secret_expires_at == call.now.plus(1h));
    call.box.options().shows_previous_expiry = false;
    CHECK_FALSE(call(get).value().previous_client_secret_expires_at);
}

TEST_CASE("the rate limit may come without a word before") {
    caller call;
    call.box.options().rate_limit = 1;
    auto const limit_shown = [&] {
        auto const r = make_request(access::list_service_tokens(call.account), call.credentials,
                                    client_options())
                           .value();
        return call.box.handle(r, call.now).fields.contains("Ratelimit");
    };
    CHECK(limit_shown());
    call.box.options().shows_rate_limit = false;
    CHECK_FALSE(limit_shown());
}

TEST_CASE("past the rate all is refused for five minutes, anew from each refused request") {
    caller call;
    call.box.options().rate_limit = 2;
    auto const refused = [&](std::chrono::seconds later) {
        call.now = call.now.plus(later);
        auto const listed = call(access::list_service_tokens(call.account));
        return !listed && listed.error() == errc::rate_limited;
    };
    CHECK_FALSE(refused(0s));
    CHECK_FALSE(refused(100s));
    CHECK(refused(100s));
    CHECK(refused(299s)); // the ban is counted anew
    CHECK(refused(299s));
    CHECK_FALSE(refused(300s));
    CHECK_FALSE(refused(299s));
    CHECK_FALSE(refused(1s)); // the window has ended
    CHECK_FALSE(refused(1s));
    CHECK(refused(1s));

    call.box.options().rate_ban = 0s;
    CHECK_FALSE(refused(300s));
    CHECK_FALSE(refused(0s));
    CHECK(refused(299s));
    CHECK_FALSE(refused(1s)); // refused no longer than the window lasts
}

TEST_CASE("a response tells what is left of the rate and when it resets, a 429 when to ask again") {
    caller call;
    call.box.options().rate_limit = 2;
    auto const field = [&](std::string_view name, std::chrono::seconds later) {
        call.now = call.now.plus(later);
        auto const r = make_request(access::list_service_tokens(call.account), call.credentials,
                                    client_options())
                           .value();
        auto const response = call.box.handle(r, call.now);
        return response.fields.contains(name) ? std::string(response.fields.find(name)) : "none";
    };
    CHECK(field("Ratelimit", 0s) == R"("default";r=1;t=300)");
    CHECK(field("Ratelimit", 40s) == R"("default";r=0;t=260)");
    CHECK(field("Ratelimit", 10s) == R"("default";r=0;t=300)");
    CHECK(field("Retry-After", 200s) == "300");
    call.box.options().tells_retry_after = false;
    CHECK(field("Retry-After", 0s) == "none");
    CHECK(field("Retry-After", 300s) == "none");
    CHECK(field("Ratelimit", 1s) == R"("default";r=0;t=299)");
    call.box.options().rate_limit = 0;
    CHECK(field("Ratelimit", 0s) == "none");
}

TEST_CASE("a name filter compares the whole name, or a part where so switched") {
    caller call;
    call(create(call.account, "a&b=c d/%")).value();
    auto const named = [&](std::string name) {
        return call(access::list_service_tokens(call.account,
                                                access::list_params().name(std::move(name))))
            .value()
            .items.size();
    };
    CHECK(named("a&b=c d/%") == 1);
    CHECK(named("a&b") == 0);
    call.box.options().name_is_substring = true;
    CHECK(named("a&b") == 1);
}

TEST_CASE("a token that lasts for ever has an expiry that means nothing") {
    caller call;
    auto const made =
        call(access::create_service_token(
                 call.account, access::create_params("x").duration(token_duration::forever())))
            .value();
    CHECK(made.expires_at);
    CHECK_FALSE(made.expires_within(24h * 365 * 9000, call.now));
}

TEST_CASE("a route of a user's own is an endpoint like the sandbox's") {
    caller call;
    std::string seen;
    call.box.add_route([&](http::request const& r, std::string_view target,
                           timestamp) -> std::optional<http::response> {
        if (!target.starts_with("/zones/1/dns_records")) return std::nullopt;
        seen.append(to_string(r.method)).append(" ").append(target).append("\n");
        return r.method == http::method::get ? sandbox::success(boost::json::array{1})
                                             : sandbox::failure(400, 81057, "it exists");
    });
    auto const ask = [&](http::method method, std::string target, bool authorized = true) {
        http::request r{.origin = http::origin::parse("https://api.cloudflare.com").value(),
                        .method = method};
        r.target = "/client/v4" + target;
        if (authorized) CHECK(r.fields.add("Authorization", "Bearer sample").has_value());
        return call.box.handle(r, call.now);
    };
    auto const listed = ask(http::method::get, "/zones/1/dns_records?page=2");
    CHECK(listed.status == 200);
    CHECK(listed.body == R"({"success":true,"errors":[],"messages":[],"result":[1]})");
    CHECK_FALSE(listed.fields.find("cf-ray").empty());
    auto const refused = ask(http::method::post, "/zones/1/dns_records");
    CHECK(refused.status == 400);
    CHECK(refused.body.find("81057") != std::string::npos);
    CHECK(seen == "GET /zones/1/dns_records?page=2\nPOST /zones/1/dns_records\n");

    CHECK(ask(http::method::get, "/zones/1/dns_records", false).status == 400);
    CHECK(ask(http::method::get, "/zones/2/dns_records").status == 404);
    CHECK(call(create(call.account)).has_value());

    // An earlier route goes first, and each before the sandbox's own.
    call.box
        .add_route([](http::request const&, std::string_view, timestamp) {
            return std::optional(http::response{.status = 418});
        })
        .add_route([](http::request const&, std::string_view, timestamp) {
            return std::optional(http::response{.status = 500});
        });
    CHECK(ask(http::method::get, "/zones/1/dns_records").status == 200);
    CHECK(ask(http::method::get, "/zones/2/dns_records").status == 418);
    CHECK(call(create(call.account)).has_error());
}

} // namespace
} // namespace sandbox_tests
