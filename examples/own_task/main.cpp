/// Makes, lists and deletes a service token, and lists meanwhile, on one thread: with a custom
/// coroutine type, event loop and transport.
///
/// Usage: PROGRAM BASE_URL ACCOUNT_ID, where BASE_URL is plain HTTP; reads CLOUDFLARE_API_TOKEN, and
/// DEADLINE_SECONDS for a call (default 60).
#include "event_loop.hpp"
#include "poll_transport.hpp"
#include "task.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace cf = cloudflare;
namespace access_tokens = cloudflare::access;

using token_calls =
    access_tokens::service_tokens<cf::client<poll_transport>, access_tokens::account_scope>;

namespace {

int fail(cf::error const& e) {
    std::cerr << e << '\n';
    return 1;
}

// Each call is a variable first: g++ 12 destroys some temporaries of an awaited expression twice.
task<int> make_and_delete(token_calls tokens) {
    auto pending = tokens.create(access_tokens::create_params("own task"));
    auto const token = co_await std::move(pending);
    if (!token) co_return fail(token.error());
    // The secret is now in token->client_secret, and nowhere else: this is the time to store it.
    std::cout << "created " << token->id << '\n';

    auto pending_list_all = tokens.list_all();
    auto const all = co_await std::move(pending_list_all);
    if (all) std::cout << "there are " << all->size() << " tokens\n";

    auto pending_remove = tokens.remove(token->id);
    auto const removed = co_await std::move(pending_remove);
    if (!removed) co_return fail(removed.error());
    std::cout << "deleted " << token->id << '\n';

    co_return all ? 0 : fail(all.error());
}

task<int> watch(token_calls tokens) {
    auto pending = tokens.list_all();
    auto const all = co_await std::move(pending);
    if (!all) co_return fail(all.error());
    std::cout << "meanwhile a list shows " << all->size() << '\n';
    co_return 0;
}

std::chrono::seconds call_deadline() {
    char const* const string = std::getenv("DEADLINE_SECONDS");
    return std::chrono::seconds(string == nullptr ? 60 : std::stoi(string));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " BASE_URL ACCOUNT_ID\n";
        return 1;
    }
    try {
        event_loop loop;
        auto const options = cf::client_options()
                                 .base_url(cf::base_url::parse(argv[1]).value())
                                 .deadline(call_deadline());
        auto const account = access_tokens::account_scope::parse(argv[2]).value();
        cf::client const client(poll_transport(loop), cf::credentials_from_environment().value(),
                                options);
        token_calls const tokens(client, account);

        auto const making = make_and_delete(tokens);
        auto const watching = watch(tokens);
        loop.run(making, watching);
        return making.take() | watching.take();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
