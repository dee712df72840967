#include "issuing.hpp"

#include "delivery.hpp"
#include "earlier_run.hpp"
#include "next_command.hpp"
#include "output.hpp"

#include <cloudflare/access/issuer.hpp>

#include <algorithm>
#include <utility>

namespace cf = cloudflare;

exit_status refuse_file(options const& o, std::string const& why) {
    say("secret file: " + o.secret_file + ": " + why);
    return wrong_usage;
}

task issue_into(api_client client, options const& o, token_file file, std::string path,
                std::string key, cf::access::file_intent_log log) {
    cf::access::create_params params(o.argument);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    // A lost token is looked for as long as a call may take, but not longer than usual.
    cf::access::issue_options settings;
    settings.note(path).settle_window(std::min(settings.settle_window(), o.client.deadline()));
    cf::access::issuer issuer(client, *o.scope, file, log, settings);

    auto issuing = issuer.issue(std::move(key), std::move(params));
    auto issued = co_await std::move(issuing);
    say_damage(log);
    if (!issued) co_return fail(o, issued.error());
    if (issued->intent_open)
        say("the token is good, but its name still has a tag; to take that out: " +
            to_type(o, "reconcile"));
    if (issued->already_held) {
        inform("already issued: " + o.secret_file + " holds the token of this key");
        issued->token.name.clear(); // it is not known
    }
    if (!issued->already_held) inform("the secret is in " + o.secret_file);
    co_return show_stored(o, issued->token);
}
