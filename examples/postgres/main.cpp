// postgres-intents: service tokens for a fleet. Several processes issue, and share a log of intents
// and a sink in one database; what a dead one left is settled by another.
//
// Usage: postgres-intents issue NAME | reconcile [MIN_AGE_SECONDS [GONE_AGE_SECONDS]]
// Reads CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_BASE_URL, CA_FILE and libpq's PG*
// variables.
#include <cloudflare/access.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/postgres_store.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace cf = cloudflare;
namespace access_tokens = cloudflare::access;

namespace {

std::string variable(char const* name) {
    char const* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

int fail(cf::error const& e) {
    std::cerr << e << '\n';
    return e.may_have_acted() ? 3 : 1;
}

int run(std::string const& command, std::string const& first, std::string const& second) {
    access_tokens::postgres_database db; // as libpq's environment says
    if (auto const opened = db.open(); !opened) return fail(opened.error());
    access_tokens::postgres_intent_log intents(db);
    access_tokens::postgres_sink sink(db);
    auto const account =
        access_tokens::account_scope::parse(variable("CLOUDFLARE_ACCOUNT_ID")).value();
    cf::client client(
        cf::blocking_beast_transport(cf::beast_options().ca_file(variable("CA_FILE"))),
        cf::credentials_from_environment().value(),
        cf::client_options().base_url(
            cf::base_url::parse(variable("CLOUDFLARE_BASE_URL")).value()));

    if (command == "issue") {
        access_tokens::issuer issuer(client, account, sink, intents);
        auto const done = issuer.issue(access_tokens::create_params(first)).get();
        if (!done) return fail(done.error());
        std::cout << done->token.id << '\n';
        return 0;
    }
    access_tokens::issue_options options;
    if (!first.empty()) options.min_age(std::chrono::seconds(std::stol(first)));
    if (!second.empty()) options.presumed_absent_age(std::chrono::seconds(std::stol(second)));
    access_tokens::reconciler reconciler(client, account, sink, intents, options);
    auto const done = reconciler.run_once().get();
    if (!done) return fail(done.error());
    std::cout << done->kept.size() << " kept, " << done->withdrawn.size() << " withdrawn, "
              << done->left_open.size() << " left open\n";
    for (auto const& f : done->failed)
        std::cerr << "intent " << f.i.tag << ": " << f.why << '\n';
    return done->left_open.empty() ? 0 : 3;
}

} // namespace

int main(int argc, char** argv) {
    try {
        std::string const command = argc > 1 ? argv[1] : "";
        if ((command == "issue" && argc == 3) || (command == "reconcile" && argc <= 4))
            return run(command, argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "");
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
    std::cerr
        << "usage: postgres-intents issue NAME | reconcile [MIN_AGE_SECONDS [GONE_AGE_SECONDS]]\n";
    return 2;
}
