// What `access.hpp` includes does its work without exceptions and without type information: makes
// requests, decodes responses, drives a call. Ends with 0 where all of it holds.
#include <cloudflare/access.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/throw_exception.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
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

/// A create, sent twice by hand: the first response is a 429, the second one the token.
void create() {
    using action = call_step::action;
    auto const scope = access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353");
    auto const token = api_token::make("sample");
    check(scope.has_value() && token.has_value(), "scope and credentials are made");

    call<access::create_service_token> creating(
        std::make_shared<call_context>(*token),
        access::create_service_token(*scope, access::create_params("ci")));
    time_point now(1h);
    auto next = creating.start(now);
    check(next.what() == action::send, "a call begins by sending");
    check(next.request().body.find("\"ci\"") != std::string::npos, "the request has the name");

    http::response response{.status = 429};
    check(response.fields.add("Retry-After", "2").has_value(), "a field is added");
    next = creating.responded(response, now, 500);
    check(next.what() == action::wait, "a 429 is waited for");
    check(next.until() == now + 2500ms, "for as long as it asks, and a little more");
    now = next.until();
    next = creating.resume(now);
    check(next.what() == action::send, "and the create sent again");

    response = http::response{.status = 201};
    response.body = R"({"success":true,"errors":[],"messages":[],"result":{
        "id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","name":"ci",
        "client_id":"88bf3b6d86161464f6509f7219099e57.access",
        "client_secret":"bdd31cbc4dec990953e39163fbbb194c93313ca9f0a6e420346af9d326b1d2a5",
        "duration":"8760h","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z",
        "expires_at":"2027-01-01T00:00:00Z"}})";
    next = creating.responded(response, now, 0);
    check(next.what() == action::done, "the response ends the call");
    auto const created = std::move(creating).finish();
    check(created.has_value() && created->client_secret.size() == 64, "it has the secret");
}

/// What is wrong comes back as a value.
void refuse() {
    check(!access::account_scope::parse("../../zones"), "a bad id is refused");
    check(!api_token::make("two\nlines"), "a bad credential is refused");
    check(!token_duration::parse("soon"), "a bad duration is refused");
    http::response response{.status = 200};
    for (std::string_view const body :
         {"", "{", "[]", "<html>", "{\"success\":true}", "{\"success\":1}"}) {
        response.body = body;
        check(!decode<access::create_service_token>(response), "a bad response is refused");
    }
}

} // namespace

int main() {
    create();
    refuse();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
