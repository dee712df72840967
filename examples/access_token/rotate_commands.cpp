// New secrets for tokens that are there: rotate, renew.
#include "command.hpp"

#include "delivery.hpp"
#include "output.hpp"
#include "token_file.hpp"

#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/renewer.hpp>
#include <cloudflare/access/rotator.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace cf = cloudflare;
using cf::access::held_token;

namespace {

constexpr std::chrono::hours default_grace{24};

// Hands the secret over, once; holds nothing.
class delivery_sink {
public:
    delivery_sink(std::optional<secret_file>& file, output_format format)
        : file_(file), format_(format) {}

    cf::result<void> prepare(cf::access::intent const&) const { return {}; }
    cf::result<void> store(cf::access::intent const&,
                           cf::access::issued_service_token const& token) {
        if (deliver(token, file_, format_)) return {};
        return cf::error(cf::errc::sink_failed, "the secret could not be written");
    }
    cf::result<std::optional<held_token>> find(std::string_view) const {
        return std::optional<held_token>();
    }
    cf::result<void> forget(std::string_view) const { return {}; }

private:
    std::optional<secret_file>& file_;
    output_format format_;
};

} // namespace

task rotate(api_client client, options const& o) {
    auto file = prepare_secret_file(o);
    if (!file) co_return fail(o, file.error());
    delivery_sink sink(*file, o.output);
    cf::access::file_intent_log log(o.intents_file);
    cf::access::rotator rotator(client, *o.scope, sink, log);

    auto const grace = o.grace.value_or(default_grace);
    auto rotating = grace.count() == 0 ? rotator.revoke_and_rotate(o.argument, o.argument)
                    : o.replace_now    ? rotator.replace_now(o.argument, o.argument, grace)
                                       : rotator.rotate(o.argument, o.argument, grace);
    auto const rotated = co_await std::move(rotating);
    co_return rotated ? done : fail(o, rotated.error());
}

task renew(api_client client, options const& o) {
    cf::access::file_sink sink(o.secret_file);
    auto const held = sink.find();
    if (!held) co_return fail(o, held.error());
    if (!*held || (*held)->token_id != o.argument) {
        say(o.secret_file + " does not hold " + o.argument);
        co_return wrong_usage;
    }
    if (o.rotate_after) { // whether a new secret can be stored is found before one is made
        cf::access::intent rotating({}, *o.scope, {});
        rotating.token_id = o.argument;
        if (auto const ready = sink.prepare(rotating); !ready) co_return fail(o, ready.error());
    }
    cf::access::renewal_policy policy;
    if (o.refresh_before) policy.refresh_before(*o.refresh_before);
    if (o.rotate_after) policy.rotate_after(*o.rotate_after);
    policy.grace(o.grace.value_or(default_grace));
    cf::access::file_intent_log log(o.intents_file);
    cf::access::renewer renewer(client, *o.scope, sink, log, policy);

    auto renewing = renewer.run_once();
    auto const report = co_await std::move(renewing);
    if (!report) co_return fail(o, report.error());
    for (auto const& e : report->tokens) {
        if (e.refreshed) tell("refreshed: " + e.token_id);
        if (e.rotated) tell("rotated: " + e.token_id);
        if (e.failure) co_return fail(o, *e.failure);
    }
    co_return print("next look: " + report->next_look.to_string() + '\n');
}
