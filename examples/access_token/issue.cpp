// issue: a token whose secret ends up in a file, exactly once.
#include "delivery.hpp"
#include "earlier_run.hpp"
#include "issuing.hpp"
#include "next_command.hpp"
#include "output.hpp"

#include <utility>

namespace cf = cloudflare;
using cf::access::file_intent_log;
using cf::access::file_sink;
using cf::access::held_token;
using cf::access::intent_state;

namespace {

// A token that is in the file already, as far as the file tells.
exit_status tell_held(options const& o, held_token const& held) {
    cf::access::service_token token;
    token.id = held.token_id;
    token.client_id = held.client_id;
    if (held.version != 0) token.client_secret_version = held.version;
    return show_stored(o, token);
}

// The intent that the token in the file came with is open: the issue was killed before its end.
bool is_unfinished(file_intent_log const& log, options const& o, held_token const& held) {
    auto const all = log.list();
    if (!all) return false;
    for (auto const& i : *all)
        if (i.tag == held.tag && i.name == o.argument && i.scope == *o.scope)
            return i.state == intent_state::open && i.key == i.tag;
    return false;
}

// What an issue does about a file that is there: it ends what was begun, or refuses.
task finish_or_refuse(api_client client, options const& o, std::string path, file_intent_log log) {
    auto const tried = work_lock::try_lock(o.intents_file, path, work_lock::kind::exclusive);
    auto const held = file_sink(path).find();
    bool const unfinished =
        tried.lock && tried.lock->is_held() && held && *held && is_unfinished(log, o, **held);
    if (!unfinished)
        co_return refuse_file(o,
                              "exists; where it may hold the token already: " +
                                  to_type(o, "ensure " + as_one_word(o.argument) +
                                                 " --secret-file " + as_one_word(o.secret_file)));
    auto settling = settle_earlier_runs(client, o, path, log);
    auto const left = co_await std::move(settling);
    if (left.why || !left.intents.empty()) co_return say_left_over(o, left);
    auto const now = file_sink(path).find();
    if (!now || !*now || (*now)->token_id != (*held)->token_id)
        co_return refuse_file(o,
                              "the token of an earlier run was withdrawn: run the command again");
    inform("an earlier run had stored the token: its issue is now complete");
    co_return tell_held(o, **now);
}

task issue_without_key(api_client client, options const& o, std::string path, file_intent_log log) {
    if (is_there(path)) {
        auto finishing = finish_or_refuse(client, o, path, log);
        auto const status = co_await std::move(finishing);
        co_return status;
    }
    auto locking = lock_for_work(client, o, path, work_lock::kind::shared);
    auto const lock = co_await std::move(locking);
    if (!lock) co_return fail(o, lock.error());
    if (is_there(path)) co_return refuse_file(o, "exists");
    auto issuing = issue_into(client, o, token_file(sink_of(o, path)), path, {}, log);
    auto const status = co_await std::move(issuing);
    co_return status;
}

task issue_with_key(api_client client, options const& o, std::string path, file_intent_log log) {
    auto locking = lock_for_work(client, o, path, work_lock::kind::exclusive);
    auto const lock = co_await std::move(locking);
    if (!lock) co_return fail(o, lock.error());

    auto const key = key_in_file(o.key, path);
    token_file const file{sink_of(o, path)};
    auto const any = file_sink(path).find();
    if (!any) co_return fail(o, any.error());
    if (!*any && is_there(path)) co_return refuse_file(o, "exists, and holds no token");
    auto const own = file.find(key);
    if (!own) co_return fail(o, own.error());
    if (*any && (!*own || (*own)->tag.empty()))
        co_return refuse_file(o, "holds the token " + (*any)->token_id + ", not one of this key");

    if (lock->is_held()) {
        auto settling = settle_earlier_runs(client, o, path, log);
        auto const left = co_await std::move(settling);
        if (left.why || !left.intents.empty()) co_return say_left_over(o, left);
    }
    auto issuing = issue_into(client, o, file, path, key, log);
    auto const status = co_await std::move(issuing);
    co_return status;
}

} // namespace

task issue(api_client client, options const& o) {
    auto const path = whole_path(o.secret_file);
    file_intent_log const log(o.intents_file);
    auto issuing = o.key.empty() ? issue_without_key(client, o, path, log)
                                 : issue_with_key(client, o, path, log);
    auto const status = co_await std::move(issuing);
    co_return status;
}
