// The functions of the page on issue and reconcile run against a sandbox: called by readme.cpp.
#include "access_service.hpp"

#include "access_keeper.hpp"

#include "access_sink.hpp"

#include "access_kit.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

boost::asio::awaitable<void> ask_twice(token_service& service, std::string& first,
                                       std::string& second,
                                       boost::asio::cancellation_signal& done) {
    auto pending = service.token_for("machine-17");
    auto const made = co_await std::move(pending);
    if (made) first = *made;
    auto again = service.token_for("machine-17");
    auto const held = co_await std::move(again);
    if (held) second = *held;
    done.emit(boost::asio::cancellation_type::terminal);
}

boost::asio::awaitable<void> ask_keeper(machine_tokens<table_sink>& tokens, int& same,
                                        boost::asio::cancellation_signal& done) {
    std::string first;
    for (int asked = 0; asked != 20 && same < 2; ++asked) { // until the first round has ended
        auto pending = tokens.token_for("machine-18");
        auto const token = co_await std::move(pending);
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                        std::chrono::milliseconds(100));
        if (!token) co_await timer.async_wait(boost::asio::use_awaitable);
        if (!token) continue;
        auto const secret = std::string(token->held.client_secret.reveal());
        if (first.empty()) first = secret;
        if (!secret.empty() && secret == first) ++same;
    }
    done.emit(boost::asio::cancellation_type::terminal);
}

bool keeps_tokens(cf::beast_options const& beast, cf::client_options const& options,
                  cfa::account_scope account, std::string const& directory) {
    boost::asio::io_context context(1);
    ::setenv("CLOUDFLARE_API_TOKEN", "sample", 1);
    auto const client = make_client(context.get_executor(), options, beast);
    ::unsetenv("CLOUDFLARE_API_TOKEN");
    if (!client) return false;
    table_sink store;
    machine_tokens tokens(*client, account, store, directory + "/keeper-intents");
    int same = 0;
    boost::asio::cancellation_signal done;
    boost::asio::co_spawn(context, tokens.look_after_tokens(),
                          boost::asio::bind_cancellation_slot(done.slot(), boost::asio::detached));
    boost::asio::co_spawn(context, ask_keeper(tokens, same, done), boost::asio::detached);
    context.run();
    return same == 2 && store.list()->size() == 1;
}

} // namespace

/// Whether a machine that asks twice has one token, the loop ends when cancelled, and the sink is
/// right.
bool holds_access_page(cf::beast_options const& beast, cf::client_options const& options,
                       cfa::account_scope account, std::string const& directory) {
    std::filesystem::create_directory(directory + "/secrets");
    boost::asio::io_context context(1);
    token_service service({cf::beast_transport(context.get_executor(), beast),
                           cf::api_token::make("sample").value(), options},
                          account, directory);
    std::string first, second;
    boost::asio::cancellation_signal done;
    boost::asio::co_spawn(context, service.settle(),
                          boost::asio::bind_cancellation_slot(done.slot(), boost::asio::detached));
    boost::asio::co_spawn(context, ask_twice(service, first, second, done), boost::asio::detached);
    context.run();
    return !first.empty() && first == second &&
           std::filesystem::exists(directory + "/secrets/machine-17") && try_sink() == 0 &&
           keeps_tokens(beast, options, account, directory);
}
