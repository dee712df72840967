// Makes, lists and deletes a token, and prints each call as a span of OpenTelemetry: one line of OTLP/JSON.
//
// Usage: PROGRAM BASE_URL ACCOUNT_ID [CA_FILE]; reads CLOUDFLARE_API_TOKEN.
#include "otlp_spans.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <exception>
#include <functional>
#include <iostream>
#include <string>

namespace cf = cloudflare;
namespace cfa = cloudflare::access;

int run(std::string const& base_url, std::string const& account, std::string const& ca_file) {
    otlp_spans spans("opentelemetry-example",
                     [](std::string const& line) { std::cout << line << '\n'; });
    cf::client client(
        cf::blocking_beast_transport(cf::beast_options().ca_file(ca_file).connection_trace(
            [](cf::connection_event const& e) { std::cerr << e << '\n'; })),
        cf::credentials_from_environment().value(),
        cf::client_options()
            .base_url(cf::base_url::parse(base_url).value())
            .trace(std::ref(spans)));
    cfa::service_tokens tokens(client, cfa::account_scope::parse(account).value());
    auto const token = tokens.create(cfa::create_params("traced")).get();
    if (!token) return std::cerr << token.error() << '\n', 1;
    if (auto const all = tokens.list_all().get(); !all) return std::cerr << all.error() << '\n', 1;
    if (auto const removed = tokens.remove(token->id).get(); !removed)
        return std::cerr << removed.error() << '\n', 1;
    return 0;
}

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        std::cerr << "usage: " << argv[0] << " BASE_URL ACCOUNT_ID [CA_FILE]\n";
        return 2;
    }
    try {
        return run(argv[1], argv[2], argc == 4 ? argv[3] : "");
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 2;
    }
}
