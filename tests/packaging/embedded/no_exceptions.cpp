// What `access.hpp` includes does its work without exceptions and without type information: makes
// requests, decodes answers, drives the exchange. Ends with 0 where all of it holds.
#include <cloudflare/access.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/throw_exception.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this is to be compiled with -fno-exceptions -fno-rtti"
#endif

namespace boost {

// Boost calls these in place of a throw.
void throw_exception(std::exception const&) {
    std::abort();
}
void throw_exception(std::exception const&, boost::source_location const&) {
    std::abort();
}

} // namespace boost

namespace {

using namespace cloudflare;
using namespace std::chrono_literals;

int failures = 0;

void check(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    ++failures;
}

/// A create, sent twice by hand: the first answer is a 429, the second one the token.
void create() {
    auto const scope = access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353");
    auto const who = api_token::make("sample");
    check(scope.has_value() && who.has_value(), "scope and credentials are made");
    access::create_service_token const op(*scope, access::create_params("ci"));

    time_point now{};
    exchange call(op.name, op.idempotency, retry_policy(), now + 60s);
    check(call.start(now) == exchange::action::send, "a call begins by sending");
    auto const request = make_request(op, *who, client_options());
    check(request.has_value() && request->body.find("\"ci\"") != std::string::npos,
          "the request has the name");

    http::response answer{.status = 429};
    check(answer.fields.add("Retry-After", "2").has_value(), "a field is added");
    auto decoded = decode<access::create_service_token>(answer);
    check(!decoded && decoded.error() == errc::rate_limited, "a 429 is the rate limit");
    check(call.failed(decoded.error(), now, 0) == exchange::action::wait, "a 429 is waited for");
    now = call.wake_at();
    check(call.woke(now) == exchange::action::send, "and the create sent again");

    answer = http::response{.status = 201};
    answer.body = R"({"success":true,"errors":[],"messages":[],"result":{
        "id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","name":"ci",
        "client_id":"88bf3b6d86161464f6509f7219099e57.access",
        "client_secret":"bdd31cbc4dec990953e39163fbbb194c93313ca9f0a6e420346af9d326b1d2a5",
        "duration":"8760h","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z",
        "expires_at":"2027-01-01T00:00:00Z"}})";
    decoded = decode<access::create_service_token>(answer);
    check(decoded.has_value() && decoded->client_secret.size() == 64, "the answer has the secret");
}

/// What is wrong comes back as a value.
void refuse() {
    check(!access::account_scope::parse("../../zones"), "a bad id is refused");
    check(!api_token::make("two\nlines"), "a bad credential is refused");
    check(!token_duration::parse("soon"), "a bad duration is refused");
    http::response answer{.status = 200};
    for (std::string_view const body :
         {"", "{", "[]", "<html>", "{\"success\":true}", "{\"success\":1}"}) {
        answer.body = body;
        check(!decode<access::create_service_token>(answer), "a bad answer is refused");
    }
}

} // namespace

int main() {
    create();
    refuse();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
