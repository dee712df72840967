// What commands that came before have to do with a secret file: those at work on it are waited for, those that died are
// tidied up after.
#pragma once

#include "command.hpp"
#include "work_lock.hpp"

#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/intent.hpp>
#include <cloudflare/core/error.hpp>

#include <optional>
#include <string>
#include <vector>

// Waits until no other process is at work on the secret file, for as long as four calls may take.
//
// Errors: `errc::conflict` where one is still, `errc::cancelled`; nothing was sent.
awaitable<cloudflare::result<work_lock>> lock_for_work(api_client client, options const& o,
                                                       std::string path, work_lock::kind wanted);

// The same for all of these files.
awaitable<cloudflare::result<work_lock>> lock_for_work(api_client client, options const& o,
                                                       std::vector<std::string> paths,
                                                       work_lock::kind wanted);

// What could not be settled of what earlier runs left.
struct left_over {
    std::vector<cloudflare::access::intent> intents{};
    std::optional<cloudflare::error> why{}; // nothing: the API's list is no proof
};

// Settles the open intents of the secret file, which processes left that are not alive any more. Where there are none
// nothing is sent.
//
// A token that is not listed is looked for three seconds long: the dead process' request may be on its way. One that comes
// later is watched for.
awaitable<left_over> settle_earlier_runs(api_client client, options const& o, std::string path,
                                         cloudflare::access::file_intent_log log);

// Says what is left, and gives the exit status for it.
exit_status say_left_over(options const& o, left_over const& left);
// Says that these are left.
void say_left_open(std::vector<cloudflare::access::intent> const& intents);
// Says where lines of the log are damaged; intents may be lost with them.
bool say_damage(cloudflare::access::file_intent_log const& intents);
