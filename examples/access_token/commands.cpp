#include "commands.hpp"

#include "command.hpp"
#include "command_table.hpp"
#include "confirmation.hpp"
#include "dry_run.hpp"
#include "exec.hpp"
#include "output.hpp"
#include "token_ids.hpp"

#include <cloudflare/transport/beast.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <string>
#include <utility>

namespace cf = cloudflare;

namespace {

task choose(api_client client, options const& o) {
    if (o.command == "create") return create(std::move(client), o);
    if (o.command == "list") return list(std::move(client), o);
    if (o.command == "get") return get(std::move(client), o);
    if (o.command == "update") return update(std::move(client), o);
    if (o.command == "refresh") return refresh(std::move(client), o);
    if (o.command == "delete") return remove_tokens(std::move(client), o);
    if (o.command == "issue") return issue(std::move(client), o);
    if (o.command == "ensure") return ensure(std::move(client), o);
    if (o.command == "reconcile") return reconcile(std::move(client), o);
    if (o.command == "rotate") return rotate(std::move(client), o);
    if (o.command == "status") return status(std::move(client), o);
    if (o.command == "doctor") return doctor(std::move(client), o);
    return renew(std::move(client), o);
}

bool takes_ids(options const& o) {
    auto const argument = find_command(o.command)->argument;
    return argument.find("ID") != argument.npos;
}

// Names become ids, what cannot be undone is asked for, then the command runs. Nothing is thrown where a call is cancelled:
// its result says so.
task run_chosen(api_client client, options o) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (takes_ids(o)) {
        auto finding = with_token_ids(client, o);
        auto found = co_await std::move(finding);
        if (!found) co_return fail(o, found.error());
        if (!*found) co_return wrong_usage;
        o = std::move(**found);
    }
    auto asking = is_confirmed(o);
    bool const goes_on = co_await std::move(asking);
    if (!goes_on) co_return refused;
    auto running = choose(std::move(client), o);
    auto const status = co_await std::move(running);
    co_return status;
}

int run_online(boost::asio::io_context& context, options const& o) {
    auto const state = std::make_shared<stop_state>();
    auto const connect = cf::beast_options().ca_file(o.ca_file).proxy(o.proxy);
    api_client client(
        stoppable_transport(cf::beast_transport(context.get_executor(), connect), state),
        *o.credentials, o.client);
    return run_until_stopped(context, state, run_chosen(std::move(client), o));
}

// With a name the file is made to hold a token that works.
int run_exec(boost::asio::io_context& context, options const& o) {
    if (!o.arguments.empty()) {
        auto ensuring = o;
        ensuring.command = "ensure";
        if (int const status = run_online(context, ensuring); status != done) return status;
    }
    return execute(o);
}

// A doctor looks at what there is, whether or not there is a scope and credentials.
options with_placeholders(options o) {
    if (!o.scope)
        o.scope =
            cf::access::any_scope(cf::access::account_scope::parse(std::string(32, '0')).value());
    if (!o.credentials) o.credentials = cf::credentials(cf::api_token::make("none").value());
    return o;
}

} // namespace

int run_command(boost::asio::io_context& context, options const& o) {
    if (o.command == "intents") return o.argument.empty() ? show_intents(o) : forget_intent(o);
    if (o.command == "exec") return run_exec(context, o);
    if (o.command == "doctor") return run_online(context, with_placeholders(o));
    if (o.is_dry_run) return show_request_of_create(o);
    return run_online(context, o);
}
