// access-token: manages the service tokens of a Cloudflare account or zone from the command line.
#include "options.hpp"
#include "output.hpp"
#include "secret_file.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/access/renewal.hpp>
#include <cloudflare/access/rotation.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cf = cloudflare;
using cf::access::service_token;

namespace {

enum exit_status {
    done = 0,
    refused = 1,
    wrong_usage = 2,
    left_behind = 3
};

using client = cf::client<cf::blocking_beast_transport>;
using service_tokens = cf::access::service_tokens<client, cf::access::any_scope>;

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
    std::cerr << "access-token: " << e << '\n';
    if (e == cf::condition::invalid_input) return wrong_usage;
    bool const acted =
        e.delivery() == cf::delivery::unknown || e.delivery() == cf::delivery::accepted;
    if (!acted) return refused;
    std::cerr << "access-token: left behind: " << advice(o, e) << '\n';
    return left_behind;
}

exit_status print(std::string const& text) {
    if (write_to_stdout(text)) return done;
    std::cerr << "access-token: done, but stdout cannot be written\n";
    return left_behind;
}

// Hands a new secret over, to the file or to stdout; false where it could not be written.
bool deliver(cf::access::issued_service_token const& token, std::optional<secret_file>& file,
             output_format format) {
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

exit_status create(service_tokens const& tokens, options const& o) {
    cf::access::create_params params(o.argument);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto file = prepare_secret_file(o);
    if (!file) return fail(o, file.error());

    auto const token = tokens.create(params).get();
    if (!token) return fail(o, token.error());
    if (deliver(*token, *file, o.output)) return done;

    // A token whose secret nobody has is of use to nobody.
    auto const removed = tokens.remove(token->id).get();
    std::cerr << "access-token: the secret could not be written; the token " << token->id
              << (removed ? " was deleted again\n" : " is left behind: delete it\n");
    return removed ? refused : left_behind;
}

std::chrono::seconds grace_of(options const& o, std::chrono::seconds otherwise) {
    return o.grace ? std::chrono::ceil<std::chrono::seconds>(*o.grace->value()) : otherwise;
}

exit_status rotate(client const& through, options const& o) {
    auto file = prepare_secret_file(o);
    if (!file) return fail(o, file.error());
    cf::access::callable_sink sink(
        [&](cf::access::issued_service_token const& token) -> cf::result<void> {
            if (deliver(token, *file, o.output)) return {};
            return cf::error(cf::errc::sink_failed, "the secret could not be written");
        },
        [](std::string_view) { return cf::result<bool>(true); });
    cf::access::rotation rotation(through, o.scope, sink);

    auto const grace = grace_of(o, std::chrono::seconds(0));
    auto const done = o.replace_now ? rotation.replace_now(o.argument, grace).get()
                                    : rotation.rotate(o.argument, grace).get();
    return done ? exit_status::done : fail(o, done.error());
}

exit_status renew(client const& through, options const& o) {
    cf::access::file_sink sink(o.secret_file);
    auto const held = sink.holds(o.argument);
    if (!held) return fail(o, held.error());
    if (!*held) {
        std::cerr << "access-token: " << o.secret_file << " does not hold " << o.argument << '\n';
        return wrong_usage;
    }
    cf::access::renewal_policy policy;
    if (o.refresh_before) policy.refresh_before(*o.refresh_before);
    if (o.rotate_after) policy.rotate_after(*o.rotate_after);
    policy.grace(grace_of(o, policy.grace()));
    cf::access::renewal renewal(through, o.scope, sink, policy);

    auto const report = renewal.run_once().get();
    if (!report) return fail(o, report.error());
    for (auto const& id : report->refreshed)
        std::cerr << "refreshed: " << id << '\n';
    for (auto const& id : report->rotated)
        std::cerr << "rotated: " << id << '\n';
    for (auto const& failure : report->failed)
        return fail(o, failure.why);
    return print("next look: " + report->next_look.to_string() + '\n');
}

exit_status update(service_tokens const& tokens, options const& o) {
    cf::access::update_params params;
    if (o.name) params.name(*o.name);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto const token = tokens.update(o.argument, params).get();
    return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

exit_status list(service_tokens const& tokens, options const& o) {
    cf::access::list_params params;
    if (o.name) params.name(*o.name);
    if (o.search) params.search(*o.search);
    auto found = tokens.list_all(params).get();
    if (!found) return fail(o, found.error());
    // The API may compare a part of the name only.
    if (o.name) std::erase_if(*found, [&](service_token const& t) { return t.name != *o.name; });
    return print(show(*found, o.output));
}

exit_status remove(service_tokens const& tokens, options const& o) {
    auto const removed = tokens.remove(o.argument).get();
    if (!removed) return fail(o, removed.error());
    service_token shown;
    shown.id = o.argument;
    return print(show(removed->value_or(shown), nullptr, o.output));
}

exit_status show_one(cf::result<service_token> const& token, options const& o) {
    return token ? print(show(*token, nullptr, o.output)) : fail(o, token.error());
}

// An absolute path, which means the same to a later process elsewhere.
std::string absolute(std::string const& path) {
    return std::filesystem::absolute(path).string();
}

exit_status issue(client const& through, options const& o) {
    if (std::filesystem::exists(o.secret_file)) {
        std::cerr << "access-token: secret file: " << o.secret_file << ": exists\n";
        return wrong_usage;
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

    auto const done = issuer.issue(std::move(params)).get();
    if (!done) return fail(o, done.error());
    if (done->intent_open)
        std::cerr << "access-token: the token is good, but its intent is open: run reconcile\n";
    return print(show(done->token, nullptr, o.output));
}

// The secret files that open intents name: a token is held by the one that holds it.
cf::access::callable_sink sink_of_all(cf::access::file_intent_log const& intents) {
    return {[](auto const&) -> cf::result<void> {
                return cf::error(cf::errc::sink_failed, "reconcile stores nothing");
            },
            [&intents](std::string_view id) -> cf::result<bool> {
                auto const open = intents.open_intents();
                if (!open) return open.error();
                bool all_known = true;
                for (auto const& i : *open) {
                    bool const known = i.note.starts_with('/');
                    all_known = all_known && known;
                    if (!known) continue;
                    auto const held = cf::access::file_sink(i.note).holds(id);
                    if (!held || *held) return held;
                }
                if (!all_known)
                    return cf::error(
                        cf::errc::sink_failed,
                        "an intent was not opened by access-token: reconcile it with the "
                        "program that has its sink");
                return false;
            }};
}

exit_status reconcile(client const& through, options const& o) {
    cf::access::file_intent_log intents(o.intents_file);
    auto sink = sink_of_all(intents);
    cf::access::issue_options settings;
    if (o.min_age) settings.min_age(*o.min_age);
    if (o.gone_age) settings.gone_age(*o.gone_age);
    cf::access::reconciler reconciler(through, o.scope, sink, intents, settings);

    auto const done = reconciler.run().get();
    if (!done) return fail(o, done.error());
    for (auto const& id : done->kept)
        std::cerr << "kept: " << id << '\n';
    for (auto const& id : done->withdrawn)
        std::cerr << "withdrawn: " << id << '\n';
    for (auto const& i : done->left_open)
        std::cerr << "access-token: left open: intent " << i.tag << ", perhaps a token named \""
                  << cf::access::tagged_name(i.name, i.tag) << "\"\n";
    return done->left_open.empty() ? exit_status::done : left_behind;
}

exit_status run(options const& o) {
    auto const connect = cf::beast_options().ca_file(o.ca_file).proxy(o.proxy);
    client const through(cf::blocking_beast_transport(connect), o.credentials, o.client);
    if (o.command == "issue") return issue(through, o);
    if (o.command == "reconcile") return reconcile(through, o);
    if (o.command == "rotate") return rotate(through, o);
    if (o.command == "renew") return renew(through, o);
    service_tokens const tokens(through, o.scope);
    if (o.command == "create") return create(tokens, o);
    if (o.command == "list") return list(tokens, o);
    if (o.command == "get") return show_one(tokens.get(o.argument).get(), o);
    if (o.command == "update") return update(tokens, o);
    if (o.command == "refresh") return show_one(tokens.refresh(o.argument).get(), o);
    return remove(tokens, o);
}

} // namespace

int main(int argc, char** argv) {
    static_cast<void>(
        std::signal(SIGPIPE, SIG_IGN)); // a closed stdout is seen where it is written to
    try {
        auto const parsed = parse_options(argc, argv);
        if (!parsed) {
            std::cerr << "access-token: " << parsed.error() << '\n';
            return wrong_usage;
        }
        return *parsed ? run(**parsed) : done;
    } catch (std::exception const& e) {
        std::cerr << "access-token: " << e.what() << '\n';
        return left_behind;
    }
}
