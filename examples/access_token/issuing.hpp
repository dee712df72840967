// What issue and ensure have in common.
#pragma once

#include "command.hpp"
#include "token_file.hpp"

#include <string>

// Says why the secret file cannot be taken.
exit_status refuse_file(options const& o, std::string const& why);

// Issues a token into the file under a key, and tells of it; without a key where that is empty.
task issue_into(api_client client, options const& o, token_file file, std::string path,
                std::string key, cloudflare::access::file_intent_log log);
