// The functions of the page on issue and reconcile run against a sandbox: called by readme.cpp.
#include "access_service.hpp"

#include "access_sink.hpp"

#include "access_kit.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

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
           std::filesystem::exists(directory + "/secrets/machine-17") && try_sink() == 0;
}
