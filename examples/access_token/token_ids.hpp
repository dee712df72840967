// Tokens by their id, their client id or their name.
#pragma once

#include "command.hpp"

#include <cloudflare/core/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Whether it looks like a token's id.
bool is_token_id(std::string_view word);

// Gives the arguments that are names or client ids as ids; asks the API only where there is one.
//
// @return the options with ids for arguments; nothing where one of them means no token or several: that is said
awaitable<cloudflare::result<std::optional<options>>> with_token_ids(api_client client, options o);
