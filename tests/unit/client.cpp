#include <cloudflare/client.hpp>

#include <doctest/doctest.h>

#include <cloudflare/access/service_tokens.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::scripted_transport;

namespace client_tests {
namespace {

constexpr char const* id = "3537a672-e4d8-4d89-aab9-26cb622918a1";
// Wrong in length, so that redaction by form does not hide them.
constexpr std::string_view api_token_text = "b5Qz-broken_sample.K7w2XtR9";
constexpr std::string_view secret_text = "0badc0de1dea2fee3fad4bee5dad";

auto const account = access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();

client<scripted_transport> client_over(scripted_transport way,
                                       client_options options = client_options()) {
    return {std::move(way), *api_token::make(api_token_text), std::move(options.seed(1))};
}

access::create_service_token create() {
    return {account, access::create_params("ci")};
}
access::rotate_service_token rotate() {
    return {account, id};
}
access::get_service_token get() {
    return {account, id};
}
access::delete_service_token remove() {
    return {account, id};
}

std::string issued() {
    return R"({"success":true,"errors":[],"messages":[],"result":{"client_id":"0badc0de.access",)"
           R"("client_secret":")" +
           std::string(secret_text) + R"(","id":")" + id +
           R"(","name":"ci","duration":"8760h","client_secret_version":1}})";
}

constexpr char const* throttled =
    R"({"success":false,"errors":[{"code":971,"message":"Please wait"}]})";
constexpr char const* not_found =
    R"({"result":null,"success":false,"errors":[{"code":12135,"message":"not found"}]})";

/// Whether `text` holds eight characters in a row of `hidden`.
bool shows(std::string_view text, std::string_view hidden) {
    for (std::size_t i = 0; i + 8 <= hidden.size(); ++i)
        if (text.find(hidden.substr(i, 8)) != text.npos) return true;
    return false;
}

struct counting_token {
    std::shared_ptr<int> count = std::make_shared<int>(0);
    result<void> authorize(http::headers& fields) const {
        return fields.add("Authorization", "Bearer broken-" + std::to_string(++*count));
    }
};

// An endpoint that the library does not know.
struct zone {
    std::string name;
    static result<zone> from_json(json_value v) {
        json_object_reader in(v);
        zone z;
        in.required("name", z.name);
        return in.finish(std::move(z));
    }
};

struct get_zone {
    using result_type = zone;
    static constexpr std::string_view name = "get_zone";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;
    result<std::string> target() const { return http::path("zones", id).str(); }
    std::string id;
};

struct purge_cache {
    using result_type = void;
    static constexpr std::string_view name = "purge_cache";
    static constexpr auto method = http::method::delete_;
    static constexpr auto idempotency = cloudflare::idempotency::idempotent_delete;
    result<std::string> target() const { return std::string("/cache"); }
};

/// Its idempotency is a member, and its result cannot be nothing.
struct drop_zone {
    using result_type = zone;
    static constexpr std::string_view name = "drop_zone";
    static constexpr auto method = http::method::delete_;
    cloudflare::idempotency idempotency = cloudflare::idempotency::idempotent_delete;
    result<std::string> target() const { return std::string("/zone"); }
};

/// A user's transport that always fails in one way.
struct ending_transport {
    template <class T>
    using task = blocking<T>;
    error failure;
    std::shared_ptr<int> sent = std::make_shared<int>(0);

    task<result<http::response>> send(http::request const&, time_point) {
        ++*sent;
        co_return failure;
    }
    task<void> sleep_until(time_point) { co_return; }
    time_point now() const { return time_point(1h); }
};

struct failing_strategy {
    error failure;
    result<void> authorize(http::headers&) const { return failure; }
};

} // namespace

static_assert(transport<scripted_transport>);
static_assert(!detail::can_be_nothing<zone> && detail::can_be_nothing<void>);
static_assert(detail::is_always<purge_cache>(idempotency::idempotent_delete));
static_assert(!detail::is_always<drop_zone>(idempotency::idempotent_delete));

TEST_CASE("a create sends one request and gives the secret") {
    scripted_transport script;
    script.respond(201, issued());
    auto const token = client_over(script).call(create()).get();
    REQUIRE(token.has_value());
    CHECK(token->client_secret == secret(secret_text));
    CHECK(token->id == id);
    REQUIRE(script.requests().size() == 1);
    auto const& r = script.requests()[0];
    CHECK(r.method == http::method::post);
    CHECK(r.origin == *http::origin::parse("https://api.cloudflare.com"));
    CHECK(r.target == "/client/v4/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens");
    CHECK(r.body == R"({"name":"ci"})");
    CHECK(r.fields.find("Authorization") == "Bearer " + std::string(api_token_text));
    CHECK_FALSE(r.repeatable);
}

TEST_CASE("a create is sent exactly once where its outcome is unknown") {
    struct row {
        char const* what;
        scripted_transport script;
    };
    for (auto& [what, script] : {
             row{"reset", scripted_transport().fail(errc::connection_lost, delivery::unknown)},
             row{"timeout", scripted_transport().fail(errc::deadline_exceeded, delivery::unknown)},
             row{"502", scripted_transport().respond(502, "error code: 502", "text/plain")},
             row{"522", scripted_transport().respond(522, "<html>", "text/html")},
             row{"cut", scripted_transport().respond(201, R"({"success":true,"result":{"id":)")},
         }) {
        CAPTURE(what);
        auto const token = client_over(script).call(create()).get();
        REQUIRE(token.has_error());
        CHECK(token.error().may_have_acted());
        bool const cut = std::string_view(what) == "cut"; // no envelope: nothing is sent again
        CHECK(token.error().details().stopped ==
              (cut ? stop_reason::permanent : stop_reason::not_repeatable));
        CHECK(script.requests().size() == 1);
        CHECK(script.waits().empty());
    }
}

TEST_CASE("a rotation is not sent again after a reset") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown);
    auto const token = client_over(script).call(rotate()).get();
    CHECK(token.error().may_have_acted());
    CHECK(script.requests().size() == 1);
}

TEST_CASE("a create is sent again after a 429, after the wait that it asked for") {
    scripted_transport script;
    http::response limited{.status = 429};
    limited.body = throttled;
    REQUIRE(limited.fields.add("Retry-After", "7").has_value());
    script.respond(limited).respond(201, issued());
    auto const token = client_over(script).call(create()).get();
    REQUIRE(token.has_value());
    CHECK(script.requests().size() == 2);
    REQUIRE(script.waits().size() == 1);
    CHECK(script.waits()[0] >= 7s);
    CHECK(script.waits()[0] <= 7500ms); // jitter
}

TEST_CASE("a Retry-After beyond any deadline ends the call at once, however far it is") {
    struct row {
        char const* asked;
        char const* date;
    };
    for (auto const& [asked, date] : {
             row{"Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 02 Oct 2026 10:00:00 GMT"},
             row{"Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT"},
             row{"Fri, 31 Dec 9999 23:59:59 GMT", nullptr},
             row{"Sun, 01 Jan 2319 00:00:00 GMT", "Fri, 02 Oct 2026 10:00:00 GMT"},
             row{"Fri, 02 Oct 2026 10:02:00 GMT", "Fri, 02 Oct 2026 10:00:00 GMT"},
             row{"120", nullptr},
             row{"2147483648", nullptr},
             row{"4294967295", nullptr},
             row{"4294967296", nullptr},
             row{"4294967300", nullptr},
             row{"9223372036854775807", nullptr},
             row{"9223372036854775808", nullptr},
             row{"18446744073709551616", nullptr},
             row{"99999999999", nullptr},
             row{"99999999999999999999999999999999", nullptr},
         }) {
        CAPTURE(asked);
        http::response limited{.status = 429};
        limited.body = throttled;
        REQUIRE(limited.fields.add("Retry-After", asked).has_value());
        if (date != nullptr) REQUIRE(limited.fields.add("Date", date).has_value());
        scripted_transport script;
        script.respond(limited).respond(201, issued());
        auto const token = client_over(script).call(create()).get();
        REQUIRE(token.has_error());
        CHECK(token.error() == errc::rate_limited);
        CHECK(token.error().delivery() == delivery::rejected);
        CHECK(token.error().details().stopped == stop_reason::deadline);
        REQUIRE(token.error().details().retry_after.has_value());
        CHECK(*token.error().details().retry_after >= 120s);
        CHECK(*token.error().details().retry_after <= http::max_retry_after);
        CHECK(script.requests().size() == 1);
        CHECK(script.waits().empty());
    }
}

TEST_CASE("a transport's own Retry-After is kept within bounds, whatever it says") {
    using std::chrono::seconds;
    for (auto const asked : {seconds::max(), seconds::max() / 1000, seconds::max() / 1'000'000,
                             seconds::max() / 1'000'000'000, seconds(4'294'967'296)})
        for (auto const deadline :
             {std::chrono::milliseconds(1), std::chrono::milliseconds::max()}) {
            CAPTURE(asked.count());
            CAPTURE(deadline.count());
            ending_transport const ending{
                error(errc::rate_limited,
                      error_details{.delivery = delivery::rejected, .retry_after = asked})};
            client<ending_transport> const c(ending, *api_token::make(api_token_text));
            auto const e = c.call(create(), call_options().deadline(deadline)).get().error();
            CHECK(e == errc::rate_limited);
            CHECK(e.details().stopped == stop_reason::deadline);
            CHECK(e.details().retry_after == http::max_retry_after);
            CHECK(*ending.sent == 1);
        }
    ending_transport const negative{
        error(errc::rate_limited,
              error_details{.delivery = delivery::rejected, .retry_after = seconds::min()})};
    client<ending_transport> const c(negative, *api_token::make(api_token_text));
    auto const e = c.call(create(), call_options().attempts(2)).get().error();
    CHECK(e.details().stopped == stop_reason::attempts_exhausted);
    CHECK(e.details().retry_after == seconds(0));
    CHECK(*negative.sent == 2);
}

TEST_CASE("a redirect, a 501, a 505 and a success that is no envelope are not tried again") {
    struct row {
        int status;
        char const* body;
    };
    for (auto const& [status, body] :
         {row{300, ""}, row{301, "<a>"}, row{302, "<a>"}, row{303, ""}, row{304, ""},
          row{307, "<a>"}, row{308, R"({"success":false,"errors":[]})"}, row{399, ""},
          row{501, "<html>"}, row{501, R"({"success":false,"errors":[]})"}, row{505, "<html>"},
          row{200, "<html>"}, row{200, ""}, row{200, "null"}, row{204, ""}, row{201, "[]"},
          row{200, R"({"success":)"}, row{299, "text"}, row{200, R"({"result":{}})"}}) {
        CAPTURE(status);
        CAPTURE(body);
        auto const stops = [&](auto op) {
            scripted_transport script;
            script.respond(status, body, "text/html").respond(200, issued());
            auto e = client_over(script).call(std::move(op)).get().error();
            CHECK(e.details().stopped == stop_reason::permanent);
            CHECK(script.requests().size() == 1);
            CHECK(script.waits().empty());
            return e;
        };
        CHECK(stops(create()).may_have_acted());
        CHECK(stops(rotate()).may_have_acted());
        CHECK(stops(remove()).may_have_acted());
        CHECK_FALSE(stops(get()).may_have_acted());
        stops(access::update_service_token(account, id, access::update_params().name("n")));
    }
}

TEST_CASE("other faults of a server are tried again where that does no harm") {
    for (int status : {500, 502, 503, 504, 506, 520, 522, 530, 408}) {
        CAPTURE(status);
        scripted_transport script;
        script.respond(status, "<html>", "text/html").respond(200, issued());
        CHECK(client_over(script).call(get()).get().has_value());
        CHECK(script.requests().size() == 2);
    }
    scripted_transport in_a_success; // 971 and 10001 also come with 200
    in_a_success.respond(200, throttled)
        .respond(200, R"({"success":false,"errors":[{"code":10001,"message":"internal error"}]})")
        .respond(200, issued());
    CHECK(client_over(in_a_success).call(get()).get().has_value());
    CHECK(in_a_success.requests().size() == 3);
}

TEST_CASE("a refusal in a success is one of a create only where its code is known to be one") {
    struct row {
        char const* errors;
        bool may_have_acted;
    };
    for (auto const& [errors, may_have_acted] : {
             row{R"([])", true},
             row{R"([{"code":1,"message":"x"}])", true},
             row{R"([{"message":"no code"}])", true},
             row{R"(["a string"])", true},
             row{R"([{"code":10001,"message":"access.api.error.internal_server_error"}])", true},
             row{R"([{"code":12130,"message":"bad"},{"code":1}])", true},
             row{R"([{"code":12130,"message":"bad duration"}])", false},
             row{R"([{"code":7003,"message":"x"},{"code":7000,"message":"y"}])", false},
             row{R"([{"code":10000,"message":"Authentication error"}])", false},
             row{R"([{"code":9999,"message":"not_enabled"}])", false},
         }) {
        CAPTURE(errors);
        scripted_transport script;
        script.respond(200, R"({"success":false,"errors":)" + std::string(errors) + "}");
        auto const e = client_over(script).call(create()).get().error();
        CHECK(e.may_have_acted() == may_have_acted);
        CHECK(e.delivery() == (may_have_acted ? delivery::unknown : delivery::rejected));
        CHECK(script.requests().size() == 1);
    }
}

TEST_CASE("an encoding that was not asked for is named, and nothing of the body is shown") {
    // What a stored block of gzip looks like: its bytes are the body's own.
    std::string const body = "\x1f\x8b\x08"
                             "cfast plain 0badc0de1dea2fee " +
                             std::string(3, '\xff');
    for (char const* encoding : {"gzip", "GZIP", "br", "deflate", "zstd", "gzip, br", "x-gzip"})
        for (int status : {200, 201, 400, 429, 500, 502}) {
            CAPTURE(encoding);
            CAPTURE(status);
            http::response encoded{.status = status};
            encoded.body = body;
            REQUIRE(encoded.fields.add("Content-Encoding", encoding).has_value());
            REQUIRE(encoded.fields.add("Content-Type", "application/json").has_value());
            std::string traced;
            auto const hook = [&](trace_event const& e) {
                std::ostringstream out;
                out << e;
                traced = out.str();
            };
            scripted_transport script;
            script.respond(encoded);
            auto const e = client_over(script, client_options().trace(hook))
                               .call(create(), call_options().attempts(1))
                               .get()
                               .error();
            CHECK(e.details().explanation.find(encoding) != std::string::npos);
            CHECK(e.to_string().find(encoding) != std::string::npos);
            CHECK(e.details().excerpt.empty());
            for (auto const& text : {e.to_string(), traced}) {
                CHECK(text.find("plain") == std::string::npos);
                CHECK_FALSE(shows(text, secret_text));
            }
            if (status < 300) {
                CHECK(e == errc::unexpected_response);
                CHECK(e.delivery() == delivery::unknown);
                CHECK(e.details().stopped == stop_reason::permanent);
            }
        }
    scripted_transport script; // a transport that decodes may leave the field
    http::response decoded{.status = 201};
    decoded.body = issued();
    REQUIRE(decoded.fields.add("Content-Encoding", "gzip").has_value());
    CHECK(client_over(script.respond(decoded)).call(create()).get().has_value());
}

TEST_CASE("bytes that are no text are not shown, though no field says that they are encoded") {
    scripted_transport script;
    script.respond(200, "\x1f\x8b\x08plain 0badc0de1dea2fee\xff");
    auto const e = client_over(script).call(create()).get().error();
    CHECK(e.details().excerpt.empty());
    CHECK(e.to_string().find("plain") == std::string::npos);
}

TEST_CASE("a strategy that fails, whatever its error, has sent nothing") {
    for (auto const& failure :
         {error(errc::connect_failed), error(errc::connection_lost), error(errc::sink_failed),
          error(errc::rate_limited, error_details{.retry_after = std::chrono::seconds::max()}),
          error(errc::server_error, error_details{.delivery = delivery::accepted}),
          error(errc::missing_credentials), error()}) {
        scripted_transport script;
        client<scripted_transport> const c(script, failing_strategy{failure});
        auto const e = c.call(create()).get().error();
        CAPTURE(e);
        CHECK(e.code().failed());
        CHECK(e.delivery() == delivery::not_sent);
        CHECK_FALSE(e.may_have_acted());
        CHECK(e.details().attempts == 0);
        CHECK(script.requests().empty());
    }
}

TEST_CASE("a strategy that fails after an attempt leaves what that attempt did") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown);
    struct once_only {
        std::shared_ptr<int> count = std::make_shared<int>(0);
        result<void> authorize(http::headers& fields) const {
            if (++*count > 1) return error(errc::connect_failed, "the vault is closed");
            return fields.add("Authorization", "Bearer broken");
        }
    };
    client<scripted_transport> const closing(script, once_only());
    auto const e = closing.call(remove()).get().error();
    CHECK(e == errc::connect_failed);
    CHECK(e.may_have_acted());
    CHECK(e.details().attempts == 1);
}

TEST_CASE("an error without a code is taken for a lost connection: a create is not sent again") {
    for (auto const& nothing : {error(), error(errc{}, error_details{})}) {
        ending_transport const ending{nothing};
        client<ending_transport> const c(ending, *api_token::make(api_token_text));
        auto const e = c.call(create()).get().error();
        CHECK(e == errc::connection_lost);
        CHECK(e.delivery() == delivery::unknown);
        CHECK(e.may_have_acted());
        CHECK(e.details().stopped == stop_reason::not_repeatable);
        CHECK(*ending.sent == 1);

        auto const read = c.call(get(), call_options().attempts(3)).get().error();
        CHECK(read.code().failed());
        CHECK(*ending.sent == 4);
    }
}

TEST_CASE("an operation that says at run time what its result cannot be gives the API's error") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown).respond(404, not_found);
    auto const z = client_over(script).call(drop_zone()).get();
    REQUIRE(z.has_error());
    CHECK(z.error() == errc::not_found);
    CHECK(z.error().delivery() == delivery::unknown);
}

TEST_CASE("the error of a call that only reads says nothing of what the server did") {
    struct row {
        int status;
        char const* body;
    };
    for (auto const& [status, body] :
         {row{500, "x"}, row{200, "<html>"}, row{200, R"({"success":true,"result":{}})"},
          row{404, not_found}}) {
        CAPTURE(status);
        scripted_transport script;
        script.respond(status, body);
        auto const e = client_over(script).call(get(), call_options().attempts(1)).get().error();
        CHECK_FALSE(e.may_have_acted());
        CHECK(e.to_string().find("the server") == std::string::npos);
    }
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown);
    auto const e = client_over(script).call(get(), call_options().attempts(1)).get().error();
    CHECK(e.to_string() == "get_service_token: connection lost; no attempts are left");
}

TEST_CASE("a rotation that is not retried says what a second one could do") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown)
        .fail(errc::connection_lost, delivery::unknown);
    auto const c = client_over(script);
    CHECK(c.call(rotate()).get().error().to_string() ==
          "rotate_service_token: connection lost; the server may have acted; not retried: a second "
          "request could revoke the new secret");
    CHECK(c.call(create()).get().error().to_string() ==
          "create_service_token: connection lost; the server may have acted; not retried: a second "
          "request could create a second token");
}

TEST_CASE("no option overflows, however long or short its time is") {
    using std::chrono::milliseconds;
    for (auto const span : {milliseconds::min(), milliseconds(-1), milliseconds(0), milliseconds(1),
                            milliseconds::max()})
        for (auto const other : {milliseconds::min(), milliseconds::max()}) {
            CAPTURE(span.count());
            auto const policy =
                retry_policy().base_delay(span).max_delay(other).attempt_timeout(span);
            for (auto const& options : {client_options().deadline(span).retry(policy),
                                        client_options().deadline(other).retry(policy)}) {
                scripted_transport script;
                script.fail(errc::connection_lost, delivery::unknown).respond(200, issued());
                auto const sent = client_over(script, options).call(get()).get();
                if (options.deadline() <= 0ms) CHECK(script.requests().empty());
                scripted_transport again;
                again.respond(429, throttled).respond(200, issued());
                static_cast<void>(
                    client_over(again, options).call(get(), call_options().deadline(span)).get());
                static_cast<void>(
                    client_over(again, options).call(get(), call_options().deadline(other)).get());
            }
        }
    CHECK(client_options().deadline(milliseconds::min()).deadline() == 0ms);
    CHECK(call_options().deadline(milliseconds::min()).deadline() == 0ms);
}

TEST_CASE("a create is sent again where nothing was sent") {
    scripted_transport script;
    script.fail(errc::connect_failed, delivery::not_sent).respond(201, issued());
    CHECK(client_over(script).call(create()).get().has_value());
    CHECK(script.requests().size() == 2);
}

TEST_CASE("a get is sent again after a reset and a 503") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown)
        .respond(503, "", "text/plain")
        .respond(200, issued());
    auto const token = client_over(script).call(get()).get();
    REQUIRE(token.has_value());
    CHECK(script.requests().size() == 3);
    CHECK(script.waits().size() == 2);
}

TEST_CASE("a get that never succeeds ends with the attempts used up") {
    scripted_transport script;
    for (int i = 0; i != 9; ++i)
        script.fail(errc::connection_lost, delivery::unknown);
    auto const token = client_over(script).call(get(), call_options().attempts(3)).get();
    REQUIRE(token.has_error());
    CHECK(token.error().details().attempts == 3);
    CHECK(token.error().details().stopped == stop_reason::attempts_exhausted);
    CHECK(token.error().delivery() != delivery::unknown);
    CHECK(token.error().details().operation == "get_service_token");
    CHECK(script.requests().size() == 3);
}

TEST_CASE("a refused certificate is not tried again") {
    scripted_transport script;
    script.fail(errc::tls_failed, delivery::not_sent);
    CHECK(client_over(script).call(get()).get().error() == errc::tls_failed);
    CHECK(script.requests().size() == 1);
}

TEST_CASE("a delete that finds nothing after an unknown attempt is done") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown).respond(404, not_found);
    auto const removed = client_over(script).call(remove()).get();
    REQUIRE(removed.has_value());
    CHECK_FALSE(removed->has_value());
    CHECK(script.requests().size() == 2);
}

TEST_CASE("a delete that finds nothing at first is an error") {
    scripted_transport script;
    script.respond(404, not_found);
    auto const removed = client_over(script).call(remove()).get();
    REQUIRE(removed.has_error());
    CHECK(removed.error() == condition::not_found);
    CHECK(script.requests().size() == 1);
}

TEST_CASE("an operation without a result succeeds too when its object was already deleted") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown).respond(404, not_found);
    CHECK(client_over(script).call(purge_cache()).get().has_value());
}

TEST_CASE("a client sends nothing in clear to another machine, over any transport") {
    scripted_transport script;
    auto const options = client_options().base_url(*base_url::parse("http://api.example"));
    for (int i = 0; i != 2; ++i) {
        auto const token = client_over(script, options).call(create()).get();
        REQUIRE(token.has_error());
        CHECK(token.error() == errc::invalid_argument);
        CHECK(token.error().delivery() == delivery::not_sent);
        CHECK(token.error().details().attempts == 0);
    }
    CHECK(script.requests().empty());
    script.respond(201, issued());
    auto allowed = options;
    CHECK(client_over(script, allowed.allow_insecure_http(true)).call(create()).get().has_value());
    CHECK(script.requests().size() == 1);
}

TEST_CASE("bad input sends nothing") {
    scripted_transport script;
    auto const made = client_over(script)
                          .call(access::create_service_token(account, access::create_params("")))
                          .get();
    REQUIRE(made.has_error());
    CHECK(made.error() == errc::invalid_argument);
    CHECK(made.error().to_string() ==
          "create_service_token: invalid argument: name: must not be empty");
    CHECK(script.requests().empty());
}

TEST_CASE("a deadline that has passed sends nothing") {
    scripted_transport script;
    for (auto const span : {0ms, -1ms}) {
        auto const token = client_over(script).call(create(), call_options().deadline(span)).get();
        REQUIRE(token.has_error());
        CHECK(token.error() == errc::deadline_exceeded);
        CHECK(token.error().delivery() == delivery::not_sent);
    }
    CHECK(script.requests().empty());
}

TEST_CASE("a wait that does not fit the deadline ends the call at once and says what was asked") {
    scripted_transport script;
    http::response limited{.status = 429};
    limited.body = throttled;
    REQUIRE(limited.fields.add("Retry-After", "120").has_value());
    script.respond(limited);
    auto const token = client_over(script, client_options().deadline(100s)).call(create()).get();
    REQUIRE(token.has_error());
    CHECK(token.error() == condition::rate_limited);
    CHECK(token.error().details().retry_after == 120s);
    CHECK(token.error().details().stopped == stop_reason::deadline);
    CHECK(script.waits().empty());
}

TEST_CASE("the time that attempts take counts towards the deadline") {
    scripted_transport script;
    script.latency(4s);
    for (int i = 0; i != 9; ++i)
        script.fail(errc::connection_lost, delivery::unknown);
    auto const policy = retry_policy().max_attempts(9).base_delay(1ms).max_delay(1ms);
    auto const token =
        client_over(script).call(get(), call_options().deadline(10s).retry(policy)).get();
    REQUIRE(token.has_error());
    CHECK(script.requests().size() == 3);
    CHECK(token.error().details().stopped == stop_reason::deadline);
}

TEST_CASE("the longest deadline that can be written is no deadline") {
    scripted_transport script;
    script.respond(200, issued());
    auto const longest = std::chrono::milliseconds::max();
    CHECK(client_over(script).call(get(), call_options().deadline(longest)).get().has_value());
}

TEST_CASE("calls of one client, and of its copies, share the retry budget") {
    scripted_transport script;
    for (int i = 0; i != 9; ++i)
        script.fail(errc::connection_lost, delivery::unknown);
    auto const one = client_over(script, client_options().retry_budget(1));
    auto const copy = one;
    auto const first = one.call(get()).get();
    CHECK(first.error().details().stopped == stop_reason::budget_exhausted);
    CHECK(script.requests().size() == 2);
    auto const second = copy.call(get()).get();
    CHECK(second.error().details().stopped == stop_reason::budget_exhausted);
    CHECK(script.requests().size() == 3);
}

TEST_CASE("credentials are resolved anew for every attempt") {
    scripted_transport script;
    script.respond(429, throttled).respond(201, issued());
    counting_token const who;
    client<scripted_transport> const c(script, who);
    CHECK(c.call(create()).get().has_value());
    CHECK(*who.count == 2);
    REQUIRE(script.requests().size() == 2);
    CHECK(script.requests()[0].fields.find("Authorization") == "Bearer broken-1");
    CHECK(script.requests()[1].fields.find("Authorization") == "Bearer broken-2");
}

TEST_CASE("a call's headers go with every attempt") {
    scripted_transport script;
    script.respond(429, throttled).respond(201, issued());
    CHECK(client_over(script).call(create(), call_options().header("X-A", "1")).get().has_value());
    REQUIRE(script.requests().size() == 2);
    CHECK(script.requests()[0].fields.find("X-A") == "1");
    CHECK(script.requests()[1].fields.find("X-A") == "1");
}

TEST_CASE("a request says whether it is repeatable") {
    scripted_transport script;
    auto const c = client_over(script.respond(200, issued()));
    CHECK(c.call(get()).get().has_value());
    CHECK(script.requests().back().repeatable);
    script.respond(200, issued());
    CHECK(c.call(rotate()).get().has_value());
    CHECK_FALSE(script.requests().back().repeatable);
    script.respond(200, issued());
    CHECK(c.call(access::update_service_token(account, id, access::update_params().name("n")))
              .get()
              .has_value());
    CHECK(script.requests().back().repeatable);
    script.respond(200, issued());
    CHECK(c.call(access::update_service_token(account, id,
                                              access::update_params().client_secret_version(2)))
              .get()
              .has_value());
    CHECK_FALSE(script.requests().back().repeatable);
}

TEST_CASE("an endpoint that the library does not know is a struct of the user's") {
    scripted_transport script;
    script.respond(200, R"({"success":true,"result":{"name":"a.example"}})");
    auto const z = client_over(script).call(get_zone{.id = "a b"}).get();
    REQUIRE(z.has_value());
    CHECK(z->name == "a.example");
    CHECK(script.requests().at(0).target == "/client/v4/zones/a%20b");
}

TEST_CASE("the jitter of one seed is the same each time") {
    std::vector<time_point::duration> waits[2];
    for (auto& w : waits) {
        scripted_transport script;
        for (int i = 0; i != 4; ++i)
            script.fail(errc::connection_lost, delivery::unknown);
        CHECK(client_over(script).call(get()).get().has_error());
        w = script.waits();
    }
    CHECK(waits[0].size() == 3);
    CHECK(waits[0] == waits[1]);
}

TEST_CASE("the trace sees every attempt, with what is known of it, and no secret") {
    std::vector<std::string> lines;
    std::vector<unsigned> attempts;
    std::vector<int> statuses;
    std::vector<std::string> notes;
    std::set<void const*> calls;
    std::vector<bool> last;
    auto const hook = [&](trace_event const& e) {
        CHECK(e.operation == "create_service_token");
        CHECK(e.elapsed == 20ms);
        REQUIRE(e.messages != nullptr);
        for (auto const& m : *e.messages)
            notes.push_back(m.message);
        CHECK((e.failure == nullptr) == (e.http_status == 201));
        attempts.push_back(e.attempt);
        statuses.push_back(e.http_status);
        CHECK(e.method == http::method::post);
        REQUIRE(e.origin != nullptr);
        CHECK(e.origin->host() == "api.cloudflare.com");
        CHECK(e.target.starts_with("/client/v4/accounts/"));
        calls.insert(e.call);
        last.push_back(e.is_last);
        std::ostringstream out;
        out << e;
        lines.push_back(out.str());
    };
    http::response done{.status = 201};
    auto body = issued();
    body.replace(body.find(R"("messages":[])"), 13, R"("messages":["a note"])");
    done.body = body;
    REQUIRE(done.fields.add("cf-ray", "8f2-DTW").has_value());
    REQUIRE(done.fields.add("Ratelimit", R"("default";r=50;t=30)").has_value());
    scripted_transport script;
    script.latency(20ms)
        .fail(errc::connect_failed, delivery::not_sent)
        .respond(429, throttled)
        .respond(done);
    CHECK(client_over(script, client_options().trace(hook)).call(create()).get().has_value());

    CHECK(attempts == std::vector<unsigned>{1, 2, 3});
    CHECK(statuses == std::vector<int>{0, 429, 201});
    CHECK(notes == std::vector<std::string>{"a note"});
    CHECK(calls.size() == 1);
    CHECK(last == std::vector<bool>{false, false, true});
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].find("connection refused") != std::string::npos);
    CHECK(lines[1].find("rate limited") != std::string::npos);
    CHECK(lines[2] == "create_service_token: attempt 3: HTTP 201 in 20 ms, cf-ray 8f2-DTW, "
                      "50 requests left");
    for (auto const& line : lines) {
        CHECK_FALSE(shows(line, secret_text));
        CHECK_FALSE(shows(line, api_token_text));
    }
}

TEST_CASE("a response cut anywhere shows no piece of the secret or of the API token") {
    auto const whole = issued();
    REQUIRE(shows(whole, secret_text));
    for (int status : {200, 201, 500, 502})
        for (char const* type : {"application/json", "text/html"})
            for (std::size_t size = 0; size <= whole.size(); ++size) {
                if (size == whole.size() && status < 500) continue; // that is the success
                std::string traced;
                auto const hook = [&](trace_event const& e) {
                    std::ostringstream out;
                    out << e;
                    traced = out.str();
                };
                scripted_transport script;
                script.respond(status, std::string_view(whole).substr(0, size), type);
                auto const token =
                    client_over(script, client_options().trace(hook)).call(create()).get();
                CAPTURE(status);
                CAPTURE(size);
                REQUIRE(token.has_error());
                CHECK(token.error().may_have_acted());
                CHECK(token.error().details().excerpt.empty());
                for (auto const& text :
                     {token.error().to_string(), traced, token.error().details().explanation}) {
                    CHECK_FALSE(shows(text, secret_text));
                    CHECK_FALSE(shows(text, api_token_text));
                }
                CHECK(script.requests().size() == 1);
            }
}

TEST_CASE("a response that echoes a credential does not show it in the error") {
    scripted_transport script;
    script.respond(401, R"({"success":false,"errors":[{"code":1000,"message":)"
                        R"("Invalid API Token cfut_broken-sample"}]})");
    auto const e = client_over(script).call(get()).get().error();
    CHECK(e == errc::unauthorized);
    CHECK(e.to_string().find("broken-sample") == std::string::npos);
    CHECK(e.to_string().find("[redacted]") != std::string::npos);
}

namespace {

limiter one_an_hour() {
    return limiter(limiter_options().permits(1).window(std::chrono::hours(1)));
}

} // namespace

TEST_CASE("a call for which the limiter has no permit before the deadline ends at once, unsent") {
    scripted_transport script;
    script.respond(201, issued());
    auto const client = client_over(script, client_options().limiter(one_an_hour()));
    REQUIRE(client.call(create()).get().has_value());
    auto const before = script.now();
    auto const refused = client.call(create()).get();
    REQUIRE(refused.has_error());
    CHECK(refused.error() == errc::rate_limited);
    CHECK(refused.error().delivery() == delivery::not_sent);
    CHECK(refused.error().details().retry_after == std::chrono::seconds(3600));
    CHECK(refused.error().details().attempts == 0);
    CHECK(script.requests().size() == 1);
    CHECK(script.now() == before);
}

TEST_CASE("a call waits for the limiter's permit where the deadline allows it") {
    scripted_transport script;
    script.respond(201, issued()).respond(201, issued());
    auto const client = client_over(script, client_options().limiter(one_an_hour()));
    REQUIRE(client.call(create()).get().has_value());
    auto const waited = client.call(create(), call_options().deadline(std::chrono::hours(2))).get();
    CHECK(waited.has_value());
    REQUIRE(script.waits().size() == 1);
    CHECK(script.waits()[0] == std::chrono::hours(1));
}

TEST_CASE("a limiter is shared by copies of a client, and by clients that are given it") {
    scripted_transport script;
    script.respond(201, issued()).respond(201, issued()).respond(201, issued());
    auto const options = client_options().limiter(one_an_hour());
    auto const client = client_over(script, options);
    auto const copy = client;
    auto const other = client_over(script, options);
    REQUIRE(client.call(create()).get().has_value());
    CHECK(copy.call(create()).get().error() == errc::rate_limited);
    CHECK(other.call(create()).get().error() == errc::rate_limited);
    CHECK(client_over(script).call(create()).get().has_value());
}

TEST_CASE("a client without a limiter makes as many calls as it likes") {
    scripted_transport script;
    auto const client = client_over(script, client_options().limiter(limiter::off()));
    for (int i = 0; i != 1300; ++i) {
        script.respond(201, issued());
        REQUIRE(client.call(create()).get().has_value());
    }
    CHECK(script.waits().empty());
}

TEST_CASE("a request that was not sent, or could not be made, takes no permit") {
    scripted_transport script;
    script.fail(errc::connect_failed, delivery::not_sent).respond(201, issued());
    auto const client = client_over(script, client_options().limiter(one_an_hour()));
    CHECK(client.call(create(), call_options().header("bad name", "")).get().has_error());
    CHECK(client.call(create()).get().has_value());
    CHECK(script.requests().size() == 2);
}

namespace {

/// A scripted transport whose calls are cancelled from now on.
struct cancelled_transport {
    template <class T>
    using task = blocking<T>;

    task<result<http::response>> send(http::request const& r, time_point deadline) {
        if (*cancelled)
            co_return error(errc::cancelled, error_details{.delivery = delivery::not_sent});
        auto pending = script.send(r, deadline);
        co_return co_await std::move(pending);
    }
    task<void> sleep_until(time_point t) {
        if (*cancelled) co_return;
        auto pending = script.sleep_until(t);
        co_await std::move(pending);
    }
    time_point now() const noexcept { return script.now(); }

    scripted_transport script;
    std::shared_ptr<bool> cancelled = std::make_shared<bool>(false);
};

} // namespace

TEST_CASE("a call that is cancelled while it waits for the limiter gives its place back") {
    cancelled_transport way;
    way.script.respond(201, issued()).respond(201, issued());
    client<cancelled_transport> const client(way, *api_token::make(api_token_text),
                                             client_options().limiter(one_an_hour()));
    auto const patient = call_options().deadline(std::chrono::hours(2));
    REQUIRE(client.call(create()).get().has_value());
    *way.cancelled = true;
    auto const cancelled = client.call(create(), patient).get();
    CHECK(cancelled.error() == errc::cancelled);
    CHECK(cancelled.error().delivery() == delivery::not_sent);
    *way.cancelled = false;
    way.script.advance(std::chrono::hours(1));
    CHECK(client.call(create()).get().has_value());
    CHECK(way.script.waits().empty());
}

} // namespace client_tests
