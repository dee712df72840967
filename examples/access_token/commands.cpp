#include "commands.hpp"

#include "output.hpp"
#include "secret_file.hpp"
#include "stop.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/access/renewal.hpp>
#include <cloudflare/access/rotation.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cf = cloudflare;
using cf::access::service_token;

namespace {

using client = cf::client<stoppable_transport>;
using service_tokens = cf::access::service_tokens<client, cf::access::any_scope>;
using task = boost::asio::awaitable<int>; // gives an exit_status

// What may be left behind when the server may have acted, and how to go on.
std::string advice(options const& o, cf::error const& e) {
    bool const certain = e.delivery() == cf::delivery::accepted;
    auto const where = o.scope.is_account() ? " rotate or delete it" : " delete it";
    if (o.command == "create")
        return "a service token named \"" + o.argument + "\" " +
               (certain ? "exists" : "may exist") +
               " whose secret nobody has; look with: list --name, then" + where;
    if (o.command == "rotate" || o.command == "renew")
        return "the secret of " + o.argument + (certain ? " was" : " may have been") +
               " rotated and the new one is lost; look at the version and the grace period with: "
               "get " +
               o.argument + ", then rotate again, if need be with --replace-now";
    if (o.command == "issue")
        return "a service token named \"" + o.argument +
               "\" may exist whose secret nobody has; settle it later with: reconcile";
    return o.command + " of " + o.argument + (certain ? " was done" : " may have been done") +
           "; look with: list";
}

exit_status fail(options const& o, cf::error const& e) {
    say(e.to_string());
    if (e == cf::condition::invalid_input) return wrong_usage;
    bool const acted =
        e.delivery() == cf::delivery::unknown || e.delivery() == cf::delivery::accepted;
    if (!acted) return refused;
    say("left behind: " + advice(o, e));
    return left_behind;
}

exit_status print(std::string const& text) {
    if (write_to_stdout(text)) return done;
    say("done, but stdout cannot be written");
    return left_behind;
}

// Whether a secret is shown in this format as it is: JSON escapes what steers a terminal, the others cannot.
bool can_show(cf::secret const& secret, output_format format) {
    auto const is_graphic = [](char c) { return c > 0x20 && c < 0x7f; };
    auto const text = secret.reveal();
    return format == output_format::json || std::all_of(text.begin(), text.end(), is_graphic);
}

// Hands a new secret over, to the file or to stdout; false where it could not be written.
bool deliver(cf::access::issued_service_token const& token, std::optional<secret_file>& file,
             output_format format) {
    if (!file && !can_show(token.client_secret, format)) return false;
    if (!file) return write_to_stdout(show(token, &token.client_secret, format));
    if (!file->store(token.client_secret)) return false;
    static_cast<void>(write_to_stdout(show(token, nullptr, format)));
    return true;
}

// The file for the secret, where one is wanted; made before anything is sent.
cf::result<std::optional<secret_file>> prepare_secret_file(options const& o) {
    std::optional<secret_file> file;
    if (o.secret_file.empty()) return file;
    auto made = secret_file::create(o.secret_file);
    if (!made) return made.error();
    file.emplace(std::move(*made));
    return file;
}

task create(service_tokens tokens, options const& o) {
    cf::access::create_params params(o.argument);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto file = prepare_secret_file(o);
    if (!file) co_return fail(o, file.error());

    auto creating = tokens.create(params);
    auto const token = co_await std::move(creating);
    if (!token) co_return fail(o, token.error());
    if (deliver(*token, *file, o.output)) co_return done;

    // A token whose secret nobody has is of use to nobody.
    auto removing = tokens.remove(token->id);
    auto const removed = co_await std::move(removing);
    say("the secret could not be written; the token " + token->id +
        (removed ? " was deleted again" : " is left behind: delete it"));
    co_return removed ? refused : left_behind;
}

std::chrono::seconds grace_of(options const& o, std::chrono::seconds otherwise) {
    return o.grace ? std::chrono::ceil<std::chrono::seconds>(*o.grace->value()) : otherwise;
}

task rotate(client through, options const& o) {
    auto file = prepare_secret_file(o);
    if (!file) co_return fail(o, file.error());
    cf::access::callable_sink sink(
        [&](cf::access::issued_service_token const& token) -> cf::result<void> {
            if (deliver(token, *file, o.output)) return {};
            return cf::error(cf::errc::sink_failed, "the secret could not be written");
        },
        [](std::string_view) { return cf::result<bool>(true); });
    cf::access::rotation rotation(through, o.scope, sink);

    auto const grace = grace_of(o, std::chrono::seconds(0));
    auto rotating = o.replace_now ? rotation.replace_now(o.argument, grace)
                                  : rotation.rotate(o.argument, grace);
    auto const rotated = co_await std::move(rotating);
    co_return rotated ? done : fail(o, rotated.error());
}

task renew(client through, options const& o) {
    cf::access::file_sink sink(o.secret_file);
    auto const held = sink.holds(o.argument);
    if (!held) co_return fail(o, held.error());
    if (!*held) {
        say(o.secret_file + " does not hold " + o.argument);
        co_return wrong_usage;
    }
    if (o.rotate_after) { // whether a new secret can be stored is found before one is made
        cf::access::intent rotating({}, o.scope, {});
        rotating.token_id = o.argument;
        if (auto const ready = sink.prepare(rotating); !ready) co_return fail(o, ready.error());
    }
    cf::access::renewal_policy policy;
    if (o.refresh_before) policy.refresh_before(*o.refresh_before);
    if (o.rotate_after) policy.rotate_after(*o.rotate_after);
    policy.grace(grace_of(o, policy.grace()));
    cf::access::renewal renewal(through, o.scope, sink, policy);

    auto renewing = renewal.run_once();
    auto const report = co_await std::move(renewing);
    if (!report) co_return fail(o, report.error());
    for (auto const& id : report->refreshed)
        tell("refreshed: " + id);
    for (auto const& id : report->rotated)
        tell("rotated: " + id);
    for (auto const& failure : report->failed)
        co_return fail(o, failure.why);
    co_return print("next look: " + report->next_look.to_string() + '\n');
}

task update(service_tokens tokens, options const& o) {
    cf::access::update_params params;
    if (o.name) params.name(*o.name);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto updating = tokens.update(o.argument, params);
    auto const token = co_await std::move(updating);
    co_return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

task list(service_tokens tokens, options const& o) {
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

task remove(service_tokens tokens, options const& o) {
    auto removing = tokens.remove(o.argument);
    auto const removed = co_await std::move(removing);
    if (!removed) co_return fail(o, removed.error());
    service_token shown;
    shown.id = o.argument;
    co_return print(show(removed->value_or(shown), nullptr, o.output));
}

task get(service_tokens tokens, options const& o) {
    auto getting = tokens.get(o.argument);
    auto const token = co_await std::move(getting);
    co_return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

task refresh(service_tokens tokens, options const& o) {
    auto refreshing = tokens.refresh(o.argument);
    auto const token = co_await std::move(refreshing);
    co_return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

// An absolute path, which means the same to a later process elsewhere.
std::string absolute(std::string const& path) {
    return std::filesystem::absolute(path).string();
}

// Says where lines of the log are damaged; intents may be lost with them.
bool say_damage(cf::access::file_intent_log const& intents) {
    auto const lines = intents.damaged_lines();
    if (lines != 0)
        say(intents.path() + ": " + std::to_string(lines) +
            " damaged lines were ignored: intents may be lost, and tokens with them");
    return lines != 0;
}

task issue(client through, options const& o) {
    if (std::filesystem::exists(o.secret_file)) {
        say("secret file: " + o.secret_file + ": exists");
        co_return wrong_usage;
    }
    cf::access::create_params params(o.argument);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto const path = absolute(o.secret_file);
    cf::access::file_sink sink(path);
    cf::access::file_intent_log intents(o.intents_file);
    // A lost token is looked for as long as a call may take, but not longer than usual.
    cf::access::issue_options settings;
    settings.note(path).settle_window(std::min(settings.settle_window(), o.client.deadline()));
    cf::access::issuer issuer(through, o.scope, sink, intents, settings);

    auto issuing = issuer.issue(std::move(params));
    auto const issued = co_await std::move(issuing);
    say_damage(intents);
    if (!issued) co_return fail(o, issued.error());
    if (issued->intent_open) say("the token is good, but its intent is open: run reconcile");
    co_return print(show(issued->token, nullptr, o.output));
}

// The secret files that intents name: a token is held by the one that holds it.
struct sink_of_all {
    cf::access::file_intent_log const& intents;

    cf::result<void> prepare(cf::access::intent const&) { return stores_nothing(); }
    cf::result<void> store(cf::access::intent const&, cf::access::issued_service_token const&) {
        return stores_nothing();
    }
    cf::result<std::optional<cf::access::held_token>> find(std::string_view key) {
        auto const all = intents.list();
        if (!all) return all.error();
        for (auto const& i : *all) {
            if (i.key != key) continue;
            if (i.note.starts_with('/')) return cf::access::file_sink(i.note).find(key);
            return cf::error(cf::errc::sink_failed,
                             "an intent was not opened by access-token: reconcile it with the "
                             "program that has its sink");
        }
        return std::optional<cf::access::held_token>();
    }
    cf::result<void> forget(std::string_view token_id) {
        auto const all = intents.list();
        if (!all) return all.error();
        cf::result<void> done;
        for (auto const& i : *all)
            if (i.note.starts_with('/'))
                if (auto const one = cf::access::file_sink(i.note).forget(token_id); !one)
                    done = one; // the others are not to suffer for it
        return done;
    }

private:
    static cf::error stores_nothing() {
        return {cf::errc::sink_failed, "reconcile stores nothing"};
    }
};

task reconcile(client through, options const& o) {
    cf::access::file_intent_log intents(o.intents_file);
    sink_of_all sink{intents};
    cf::access::issue_options settings;
    if (o.min_age) settings.min_age(*o.min_age);
    if (o.gone_age) settings.gone_age(*o.gone_age);
    cf::access::reconciler reconciler(through, o.scope, sink, intents, settings);

    auto reconciling = reconciler.run_once();
    auto const report = co_await std::move(reconciling);
    bool const damaged = say_damage(intents);
    if (!report) co_return fail(o, report.error());
    for (auto const& id : report->kept)
        tell("kept: " + id);
    for (auto const& id : report->withdrawn)
        tell("withdrawn: " + id);
    for (auto const& i : report->left_open)
        say("left open: intent " + i.tag + ", perhaps a token named \"" +
            cf::access::tagged_name(i.name, i.tag) + '"');
    co_return report->left_open.empty() && !damaged ? done : left_behind;
}

task choose(client through, options const& o) {
    service_tokens tokens(through, o.scope);
    if (o.command == "create") return create(std::move(tokens), o);
    if (o.command == "list") return list(std::move(tokens), o);
    if (o.command == "get") return get(std::move(tokens), o);
    if (o.command == "update") return update(std::move(tokens), o);
    if (o.command == "refresh") return refresh(std::move(tokens), o);
    if (o.command == "delete") return remove(std::move(tokens), o);
    if (o.command == "issue") return issue(std::move(through), o);
    if (o.command == "reconcile") return reconcile(std::move(through), o);
    if (o.command == "rotate") return rotate(std::move(through), o);
    return renew(std::move(through), o);
}

// A call that was cancelled says so by its result; nothing is thrown.
task without_throwing(task chosen) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    auto const status = co_await std::move(chosen);
    co_return status;
}

} // namespace

int run_command(boost::asio::io_context& context, options const& o) {
    auto const state = std::make_shared<stop_state>();
    auto const connect = cf::beast_options().ca_file(o.ca_file).proxy(o.proxy);
    client through(stoppable_transport(cf::beast_transport(context.get_executor(), connect), state),
                   o.credentials, o.client);
    return run_until_stopped(context, state, without_throwing(choose(std::move(through), o)));
}
