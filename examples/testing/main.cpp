// Tests code that uses the library, without network, sandbox or waiting: by a transport that plays a script.
#include "deploy.hpp"

#include <cloudflare/testing/scripted_transport.hpp>

#include <iostream>
#include <string>

namespace cf = cloudflare;
using cf::testing::scripted_transport;

namespace {

std::string const account = "023e105f4ecef8ad9ca31a8372d0c353";
std::string const made =
    R"({"success":true,"errors":[],"messages":[],"result":{"id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415",)"
    R"("client_id":"88bf3b6d86161464f6509f7219099e57.access","client_secret":"a-secret-of-the-test","name":"deploy"}})";

int failures = 0;

void check(char const* what, bool holds) {
    std::cout << (holds ? "ok: " : "FAILED: ") << what << '\n';
    failures += !holds;
}

std::string deploy_over(scripted_transport const& script) {
    return token_for_deployment(
        cf::client(script, cf::api_token::make("a-token-of-the-test").value()), account);
}

void it_asks_for_what_is_meant() {
    scripted_transport script;
    script.respond(201, made);
    check("a token is made", deploy_over(script) == "made f174e90a-fafe-4643-bbbc-4a0ed4fc8415");
    auto const& r = script.requests().at(0);
    check("by a POST to the account",
          r.method == cf::http::method::post &&
              r.target == "/client/v4/accounts/" + account + "/access/service_tokens");
    check("for a day", r.body == R"({"name":"deploy","duration":"24h"})");
}

void a_busy_server_is_asked_again() {
    scripted_transport script;
    script.respond(429, R"({"success":false,"errors":[{"code":971,"message":"slow down"}]})")
        .respond(201, made);
    check("after a 429 it is sent again", deploy_over(script).starts_with("made "));
    check("after a wait, which took no time here",
          script.requests().size() == 2 && script.waits().size() == 1);
}

void a_lost_response_is_told() {
    scripted_transport script;
    script.fail(cf::errc::connection_lost, cf::delivery::unknown).respond(201, made);
    check("a create whose response is lost is told",
          deploy_over(script).starts_with("look for a token"));
    check("and not sent twice", script.requests().size() == 1);
}

void a_full_account_is_told() {
    scripted_transport script;
    script.respond(
        400,
        R"({"success":false,"errors":[{"code":12130,"message":"limit of service tokens reached"}]})");
    auto const said = deploy_over(script);
    check("what the API says reaches the person",
          said.find("limit of service tokens reached") != said.npos);
}

} // namespace

int main() {
    it_asks_for_what_is_meant();
    a_busy_server_is_asked_again();
    a_lost_response_is_told();
    a_full_account_is_told();
    return failures == 0 ? 0 : 1;
}
