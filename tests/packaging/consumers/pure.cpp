// Uses what `access.hpp` declares: creates a token over a scripted transport.
#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <cstdio>
#include <string>

namespace cf = cloudflare;

int main() {
    cf::testing::scripted_transport transport;
    transport.respond(200, R"({"success": true, "errors": [], "messages": [], "result": {
        "id": "f174e90a-fafe-4643-bbbc-4a0ed4fc8415", "name": "ci", "duration": "8760h",
        "client_id": "88bf3b6d86161464f6509f7219099e57.access", "client_secret": "s3cret"}})");
    cf::client client(transport, cf::api_token::make("sample").value());
    auto const account =
        cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    auto const token =
        cf::access::service_tokens(client, account).create(cf::access::create_params("ci")).get();
    bool const good = token && token->client_secret.reveal() == "s3cret";
    std::printf("%s: %s\n", std::string(cf::version).c_str(), good ? "created" : "not created");
    return good ? 0 : 1;
}
