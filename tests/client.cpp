#include <cloudflare/client.hpp>

#include <doctest/doctest.h>

#include <cloudflare/access/service_tokens.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <memory>
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
    static constexpr auto idempotency = cloudflare::idempotency::done_when_gone;
    result<std::string> target() const { return std::string("/cache"); }
};

} // namespace

static_assert(transport<scripted_transport>);

TEST_CASE("a create sends one request and gives the secret") {
    scripted_transport script;
    script.answer(201, issued());
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
             row{"502", scripted_transport().answer(502, "error code: 502", "text/plain")},
             row{"522", scripted_transport().answer(522, "<html>", "text/html")},
             row{"cut", scripted_transport().answer(201, R"({"success":true,"result":{"id":)")},
         }) {
        CAPTURE(what);
        auto const token = client_over(script).call(create()).get();
        REQUIRE(token.has_error());
        CHECK(token.error() == condition::outcome_unknown);
        CHECK(token.error().details().stopped == stop_reason::not_repeatable);
        CHECK(script.requests().size() == 1);
        CHECK(script.waits().empty());
    }
}

TEST_CASE("a rotation is not sent again after a reset") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown);
    auto const token = client_over(script).call(rotate()).get();
    CHECK(token.error() == condition::outcome_unknown);
    CHECK(script.requests().size() == 1);
}

TEST_CASE("a create is sent again after a 429, after the wait that it asked for") {
    scripted_transport script;
    http::response limited{.status = 429};
    limited.body = throttled;
    REQUIRE(limited.fields.add("Retry-After", "7").has_value());
    script.answer(limited).answer(201, issued());
    auto const token = client_over(script).call(create()).get();
    REQUIRE(token.has_value());
    CHECK(script.requests().size() == 2);
    REQUIRE(script.waits().size() == 1);
    CHECK(script.waits()[0] == 7s);
}

TEST_CASE("a create is sent again where nothing was sent") {
    scripted_transport script;
    script.fail(errc::connect_failed, delivery::not_sent).answer(201, issued());
    CHECK(client_over(script).call(create()).get().has_value());
    CHECK(script.requests().size() == 2);
}

TEST_CASE("a get is sent again after a reset and a 503") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown)
        .answer(503, "", "text/plain")
        .answer(200, issued());
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
    script.fail(errc::connection_lost, delivery::unknown).answer(404, not_found);
    auto const gone = client_over(script).call(remove()).get();
    REQUIRE(gone.has_value());
    CHECK_FALSE(gone->has_value());
    CHECK(script.requests().size() == 2);
}

TEST_CASE("a delete that finds nothing at first is an error") {
    scripted_transport script;
    script.answer(404, not_found);
    auto const gone = client_over(script).call(remove()).get();
    REQUIRE(gone.has_error());
    CHECK(gone.error() == condition::not_found);
    CHECK(script.requests().size() == 1);
}

TEST_CASE("an operation without a result is done too when it is gone") {
    scripted_transport script;
    script.fail(errc::connection_lost, delivery::unknown).answer(404, not_found);
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
    script.answer(201, issued());
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
    script.answer(limited);
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
    script.answer(200, issued());
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
    script.answer(429, throttled).answer(201, issued());
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
    script.answer(429, throttled).answer(201, issued());
    CHECK(client_over(script).call(create(), call_options().header("X-A", "1")).get().has_value());
    REQUIRE(script.requests().size() == 2);
    CHECK(script.requests()[0].fields.find("X-A") == "1");
    CHECK(script.requests()[1].fields.find("X-A") == "1");
}

TEST_CASE("a request says whether it is repeatable") {
    scripted_transport script;
    auto const c = client_over(script.answer(200, issued()));
    CHECK(c.call(get()).get().has_value());
    CHECK(script.requests().back().repeatable);
    script.answer(200, issued());
    CHECK(c.call(rotate()).get().has_value());
    CHECK_FALSE(script.requests().back().repeatable);
    script.answer(200, issued());
    CHECK(c.call(access::update_service_token(account, id, access::update_params().name("n")))
              .get()
              .has_value());
    CHECK(script.requests().back().repeatable);
    script.answer(200, issued());
    CHECK(c.call(access::update_service_token(account, id,
                                              access::update_params().client_secret_version(2)))
              .get()
              .has_value());
    CHECK_FALSE(script.requests().back().repeatable);
}

TEST_CASE("an endpoint that the library does not know is a struct of the user's") {
    scripted_transport script;
    script.answer(200, R"({"success":true,"result":{"name":"a.example"}})");
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
    auto const hook = [&](trace_event const& e) {
        CHECK(e.operation == "create_service_token");
        CHECK(e.elapsed == 20ms);
        REQUIRE(e.messages != nullptr);
        for (auto const& m : *e.messages)
            notes.push_back(m.message);
        CHECK((e.failure == nullptr) == (e.http_status == 201));
        attempts.push_back(e.attempt);
        statuses.push_back(e.http_status);
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
        .answer(429, throttled)
        .answer(done);
    CHECK(client_over(script, client_options().trace(hook)).call(create()).get().has_value());

    CHECK(attempts == std::vector<unsigned>{1, 2, 3});
    CHECK(statuses == std::vector<int>{0, 429, 201});
    CHECK(notes == std::vector<std::string>{"a note"});
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

TEST_CASE("an answer cut anywhere shows no piece of the secret or of the API token") {
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
                script.answer(status, std::string_view(whole).substr(0, size), type);
                auto const token =
                    client_over(script, client_options().trace(hook)).call(create()).get();
                CAPTURE(status);
                CAPTURE(size);
                REQUIRE(token.has_error());
                CHECK(token.error() == condition::outcome_unknown);
                CHECK(token.error().details().excerpt.empty());
                for (auto const& text :
                     {token.error().to_string(), traced, token.error().details().explanation}) {
                    CHECK_FALSE(shows(text, secret_text));
                    CHECK_FALSE(shows(text, api_token_text));
                }
                CHECK(script.requests().size() == 1);
            }
}

TEST_CASE("an answer that echoes a credential does not show it in the error") {
    scripted_transport script;
    script.answer(401, R"({"success":false,"errors":[{"code":1000,"message":)"
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
    script.answer(201, issued());
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
    script.answer(201, issued()).answer(201, issued());
    auto const client = client_over(script, client_options().limiter(one_an_hour()));
    REQUIRE(client.call(create()).get().has_value());
    auto const waited = client.call(create(), call_options().deadline(std::chrono::hours(2))).get();
    CHECK(waited.has_value());
    REQUIRE(script.waits().size() == 1);
    CHECK(script.waits()[0] == std::chrono::hours(1));
}

TEST_CASE("a limiter is shared by copies of a client, and by clients that are given it") {
    scripted_transport script;
    script.answer(201, issued()).answer(201, issued()).answer(201, issued());
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
        script.answer(201, issued());
        REQUIRE(client.call(create()).get().has_value());
    }
    CHECK(script.waits().empty());
}

TEST_CASE("a request that was not sent, or could not be made, takes no permit") {
    scripted_transport script;
    script.fail(errc::connect_failed, delivery::not_sent).answer(201, issued());
    auto const client = client_over(script, client_options().limiter(one_an_hour()));
    CHECK(client.call(create(), call_options().header("bad name", "")).get().has_error());
    CHECK(client.call(create()).get().has_value());
    CHECK(script.requests().size() == 2);
}

} // namespace client_tests
