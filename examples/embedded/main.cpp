/// Makes, lists and deletes a service token through another library, which embeds this one.
///
/// Usage: PROGRAM BASE_URL ACCOUNT_ID [CA_FILE]; reads CLOUDFLARE_API_TOKEN, and DEADLINE_SECONDS
/// for a call (default 60).
#include "fleet_provisioner.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace cf = cloudflare;

namespace {

int fail(cf::error const& e) {
    std::cerr << e << '\n';
    return 1;
}

int run(fleet_provisioner const& fleet) {
    auto const token = fleet.provision("embedded");
    if (!token) return fail(token.error());
    // The secret is now in token->client_secret, and nowhere else: this is the time to store it.
    std::cout << "created " << token->id << '\n';

    auto const tokens = fleet.list();
    if (tokens) std::cout << "there are " << tokens->items.size() << " tokens\n";

    auto const withdrawn = fleet.withdraw(token->id);
    if (!withdrawn) return fail(withdrawn.error());
    std::cout << "deleted " << token->id << '\n';

    return tokens ? 0 : fail(tokens.error());
}

std::chrono::seconds call_deadline() {
    char const* const text = std::getenv("DEADLINE_SECONDS");
    return std::chrono::seconds(text == nullptr ? 60 : std::stoi(text));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        std::cerr << "usage: " << argv[0] << " BASE_URL ACCOUNT_ID [CA_FILE]\n";
        return 1;
    }
    std::signal(SIGPIPE, SIG_IGN); // see fleet_provisioner
    try {
        auto const options = cf::client_options()
                                 .base_url(cf::base_url::parse(argv[1]).value())
                                 .deadline(call_deadline());
        return run(fleet_provisioner(cf::credentials_from_environment().value(),
                                     cf::access::account_scope::parse(argv[2]).value(), options,
                                     argc == 4 ? argv[3] : ""));
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
