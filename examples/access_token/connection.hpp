// What a command needs to reach the API: whose tokens, credentials, address, proxy.
#pragma once

#include "options.hpp"
#include "settings.hpp"

#include <cloudflare/core/result.hpp>

cloudflare::result<void> add_connection(options& o, settings const& from);

// Account or zone; nothing is sent to any other's tokens.
cloudflare::result<cloudflare::access::any_scope> find_scope(settings const& from);
