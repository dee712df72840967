// ensure: a secret file holds a token that works.
#include "delivery.hpp"
#include "earlier_run.hpp"
#include "issuing.hpp"
#include "next_command.hpp"
#include "output.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace cf = cloudflare;
using cf::access::file_intent_log;
using cf::access::file_sink;
using cf::access::held_token;
using cf::access::service_token;

namespace {

// How the token that a file holds stands at the API.
enum class state {
    alive,
    deleted,
    disabled,
    expired,
    superseded, // its secret was replaced by a later one
    unknown     // the API's responses contradict each other, or the file
};

struct finding {
    state is;
    service_token token{};
};

state judge(service_token const& t, held_token const& held, std::optional<cf::timestamp> now) {
    auto const listed = t.client_secret_version.value_or(0);
    bool const comparable = listed != 0 && held.version != 0;
    if (comparable && held.version > listed) return state::unknown;
    if (!t.enabled.value_or(true)) return state::disabled;
    if (now && t.expires_at && *t.expires_at <= *now) return state::expired;
    return comparable && held.version < listed ? state::superseded : state::alive;
}

// A token that is not found must be missing from a complete list, too.
awaitable<cf::result<finding>> look_at(api_client client, options const& o, held_token held) {
    service_tokens const tokens(client, *o.scope);
    auto getting = tokens.get(held.token_id);
    auto const got = co_await std::move(getting);
    finding found{state::unknown};
    if (got) {
        found.token = *got;
        found.is = judge(*got, held, client.server_time());
        co_return found;
    }
    if (got.error() != cf::errc::not_found) co_return got.error();
    auto listing = tokens.list_whole();
    auto const listed = co_await std::move(listing);
    if (!listed) co_return listed.error();
    if (!listed->complete) co_return found;
    found.is = state::deleted;
    for (auto const& t : listed->tokens)
        if (t.id == held.token_id) found.is = state::unknown;
    co_return found;
}

// An error of what only reads: nothing was changed.
exit_status refuse(cf::error const& e) {
    say(spoken(e));
    return e == cf::condition::invalid_input ? wrong_usage : refused;
}

char const* reason(state s) {
    switch (s) {
    case state::deleted: return "was deleted";
    case state::disabled: return "is disabled";
    case state::expired: return "has expired";
    case state::superseded: return "has a later secret, which this file does not hold";
    default: return "is not known";
    }
}

// An expired token is of use to nobody, and takes a place of the account's. The others may be somebody's: they are left.
task clear_away(api_client client, options const& o, held_token held, state was) {
    if (was != state::expired) {
        say("replaces the token " + held.token_id + ", which " + reason(was) +
            (was == state::deleted ? ""
                                   : "; it is left as it is; where nobody needs it: " +
                                         to_type(o, "delete " + held.token_id)));
        co_return done;
    }
    service_tokens const tokens(client, *o.scope);
    auto removing = tokens.remove(held.token_id);
    auto const removed = co_await std::move(removing);
    if (!removed && removed.error() != cf::errc::not_found) co_return refuse(removed.error());
    say("deleted the token " + held.token_id + ", which had expired");
    co_return done;
}

// Looks twice at a token whose secret was replaced: who replaced it may be about to store it here.
awaitable<cf::result<finding>> look_well(api_client client, options const& o, std::string path,
                                         held_token held) {
    auto looking = look_at(client, o, held);
    auto found = co_await std::move(looking);
    if (!found || found->is != state::superseded) co_return found;
    auto waiting =
        client.transport().sleep_until(client.transport().now() + std::chrono::seconds(2));
    co_await std::move(waiting);
    auto const now = file_sink(path).find();
    if (!now) co_return now.error();
    if (*now && (*now)->token_id == held.token_id)
        found->is = judge(found->token, **now, client.server_time());
    co_return found;
}

} // namespace

task ensure(api_client client, options const& o) {
    auto const path = whole_path(o.secret_file);
    file_intent_log const log(o.intents_file);
    auto locking = lock_for_work(client, o, path, work_lock::kind::exclusive);
    auto const lock = co_await std::move(locking);
    if (!lock) co_return fail(o, lock.error());

    auto file = sink_of(o, path);
    auto held = file.find();
    if (!held) co_return fail(o, held.error());
    if (!*held && is_there(path)) co_return refuse_file(o, "exists, and holds no token");

    left_over left;
    if (lock->is_held()) {
        auto settling = settle_earlier_runs(client, o, path, log);
        left = co_await std::move(settling);
        held = file.find();
        if (!held) co_return fail(o, held.error());
    }
    bool const is_settled = !left.why && left.intents.empty();

    if (*held) {
        auto looking = look_well(client, o, path, **held);
        auto const found = co_await std::move(looking);
        if (!found) co_return refuse(found.error());
        if (found->is == state::alive) {
            if (!is_settled) say_left_over(o, left);
            inform(o.secret_file + " holds a token that works");
            co_return show_stored(o, found->token);
        }
        if (found->is == state::unknown) {
            say("the token " + (*held)->token_id +
                ": what the API shows of it cannot be trusted; nothing was changed");
            co_return refused;
        }
        if (!is_settled) co_return say_left_over(o, left);
        auto clearing = clear_away(client, o, **held, found->is);
        auto const cleared = co_await std::move(clearing);
        if (cleared != done) co_return cleared;
        file = file.replacing((*held)->token_id);
    }
    if (!is_settled) co_return say_left_over(o, left);
    auto issuing = issue_into(client, o, token_file(file), path, key_in_file("", path), log);
    auto const status = co_await std::move(issuing);
    co_return status;
}
