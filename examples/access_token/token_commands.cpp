// One request each: create, list, get, update, refresh, delete.
#include "command.hpp"

#include "delivery.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "token_output.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace cf = cloudflare;
using cf::access::service_token;

task create(api_client client, options const& o) {
    service_tokens const tokens(std::move(client), *o.scope);
    cf::access::create_params params(o.argument);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto target = secret_target::prepare(o);
    if (!target) co_return fail(o, target.error());

    auto creating = tokens.create(params);
    auto const token = co_await std::move(creating);
    if (!token) co_return fail(o, token.error());
    if (target->deliver(*token)) co_return target->shown();

    // A token whose secret nobody has is of use to nobody.
    auto removing = tokens.remove(token->id);
    auto const removed = co_await std::move(removing);
    say("the secret could not be written; the token " + token->id +
        (removed ? " was deleted again" : " is left behind: " + to_type(o, "delete " + token->id)));
    co_return removed ? refused : left_behind;
}

task list(api_client client, options const& o) {
    service_tokens const tokens(std::move(client), *o.scope);
    cf::access::list_params params;
    if (o.name) params.name(*o.name);
    if (o.search) params.search(*o.search);
    auto listing = tokens.list_all(params);
    auto found = co_await std::move(listing);
    if (!found) co_return fail(o, found.error());
    // The API may compare a part of the name only.
    if (o.name) std::erase_if(*found, [&](service_token const& t) { return t.name != *o.name; });
    co_return print(show(*found, o.output));
}

task get(api_client client, options const& o) {
    service_tokens const tokens(std::move(client), *o.scope);
    auto getting = tokens.get(o.argument);
    auto const token = co_await std::move(getting);
    co_return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

task update(api_client client, options const& o) {
    service_tokens const tokens(std::move(client), *o.scope);
    cf::access::update_params params;
    if (o.name) params.name(*o.name);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto updating = tokens.update(o.argument, params);
    auto const token = co_await std::move(updating);
    co_return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

task refresh(api_client client, options const& o) {
    service_tokens const tokens(std::move(client), *o.scope);
    auto refreshing = tokens.refresh(o.argument);
    auto const token = co_await std::move(refreshing);
    co_return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

// Each, whatever becomes of the others; several in one list.
task remove_tokens(api_client client, options const& o) {
    service_tokens const tokens(std::move(client), *o.scope);
    auto worst = done;
    std::vector<service_token> all;
    for (auto const& id : o.arguments) {
        auto removing = tokens.remove(id);
        auto const removed = co_await std::move(removing);
        if (!removed) {
            if (o.arguments.size() > 1) say(id + ":");
            worst = std::max(worst, fail(o, removed.error()));
            continue;
        }
        service_token shown;
        shown.id = id;
        all.push_back(removed->value_or(shown));
    }
    if (o.arguments.size() > 1) co_return std::max(worst, print(show(all, o.output)));
    co_return worst != done ? worst : print(show(all.front(), nullptr, o.output));
}
