#include "commands.hpp"

#include "command.hpp"

#include <cloudflare/transport/beast.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <utility>

namespace cf = cloudflare;

namespace {

task choose(api_client client, options const& o) {
    if (o.command == "create") return create(std::move(client), o);
    if (o.command == "list") return list(std::move(client), o);
    if (o.command == "get") return get(std::move(client), o);
    if (o.command == "update") return update(std::move(client), o);
    if (o.command == "refresh") return refresh(std::move(client), o);
    if (o.command == "delete") return remove_token(std::move(client), o);
    if (o.command == "issue") return issue(std::move(client), o);
    if (o.command == "ensure") return ensure(std::move(client), o);
    if (o.command == "reconcile") return reconcile(std::move(client), o);
    if (o.command == "rotate") return rotate(std::move(client), o);
    if (o.command == "status") return status(std::move(client), o);
    return renew(std::move(client), o);
}

// A call that was cancelled says so by its result; nothing is thrown.
task without_throwing(task chosen) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    auto const status = co_await std::move(chosen);
    co_return status;
}

} // namespace

int run_command(boost::asio::io_context& context, options const& o) {
    if (o.command == "intents") return o.argument.empty() ? show_intents(o) : forget_intent(o);
    auto const state = std::make_shared<stop_state>();
    auto const connect = cf::beast_options().ca_file(o.ca_file).proxy(o.proxy);
    api_client client(
        stoppable_transport(cf::beast_transport(context.get_executor(), connect), state),
        *o.credentials, o.client);
    return run_until_stopped(context, state, without_throwing(choose(std::move(client), o)));
}
