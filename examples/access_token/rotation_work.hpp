// What rotate and renew do before they begin: others at work on the same secrets are waited for, and what those that died
// left in the log is taken over.
#pragma once

#include "command.hpp"
#include "work_lock.hpp"

#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/rotation_options.hpp>

#include <string>
#include <vector>

// What a rotation locks, and notes in its intent: the secret file, or where there is none the token.
std::string work_of(options const& o);

// Waits until no other process is at work on these, then takes over the leases that dead ones left.
//
// @param notes as the intents of those who lock these have them
awaitable<cloudflare::result<work_lock>> begin_rotations(api_client client, options const& o,
                                                         std::vector<std::string> locked,
                                                         std::vector<std::string> notes,
                                                         cloudflare::access::file_intent_log log);

// A rotation takes no longer than four calls.
cloudflare::access::rotation_options rotation_settings(options const& o, std::string note);
