// What the commands are made of: coroutines over one client.
#pragma once

#include "options.hpp"
#include "outcome.hpp"
#include "stop.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>

#include <boost/asio/awaitable.hpp>

using api_client = cloudflare::client<stoppable_transport>;
using service_tokens =
    cloudflare::access::service_tokens<api_client, cloudflare::access::any_scope>;
template <class T>
using awaitable = boost::asio::awaitable<T>;
using task = awaitable<int>; // gives an exit_status

// One each; the options live until the task has ended.
task create(api_client client, options const& o);
task list(api_client client, options const& o);
task get(api_client client, options const& o);
task update(api_client client, options const& o);
task refresh(api_client client, options const& o);
task remove_tokens(api_client client, options const& o);
task rotate(api_client client, options const& o);
task renew(api_client client, options const& o);
task status(api_client client, options const& o);
task issue(api_client client, options const& o);
task ensure(api_client client, options const& o);
task doctor(api_client client, options const& o);
task reconcile(api_client client, options const& o);

// Those that need no API.
exit_status show_intents(options const& o);
exit_status forget_intent(options const& o);
