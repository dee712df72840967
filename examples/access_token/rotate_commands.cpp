// New secrets for tokens that are there: rotate, renew.
#include "command.hpp"

#include "delivery.hpp"
#include "output.hpp"

#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/renewal.hpp>
#include <cloudflare/access/rotation.hpp>

#include <chrono>
#include <string_view>
#include <utility>

namespace cf = cloudflare;

namespace {

std::chrono::seconds grace_of(options const& o, std::chrono::seconds otherwise) {
    return o.grace ? std::chrono::ceil<std::chrono::seconds>(*o.grace->value()) : otherwise;
}

} // namespace

task rotate(api_client client, options const& o) {
    auto file = prepare_secret_file(o);
    if (!file) co_return fail(o, file.error());
    cf::access::callable_sink sink(
        [&](cf::access::issued_service_token const& token) -> cf::result<void> {
            if (deliver(token, *file, o.output)) return {};
            return cf::error(cf::errc::sink_failed, "the secret could not be written");
        },
        [](std::string_view) { return cf::result<bool>(true); });
    cf::access::rotation rotation(client, *o.scope, sink);

    auto const grace = grace_of(o, std::chrono::seconds(0));
    auto rotating = o.replace_now ? rotation.replace_now(o.argument, grace)
                                  : rotation.rotate(o.argument, grace);
    auto const rotated = co_await std::move(rotating);
    co_return rotated ? done : fail(o, rotated.error());
}

task renew(api_client client, options const& o) {
    cf::access::file_sink sink(o.secret_file);
    auto const held = sink.holds(o.argument);
    if (!held) co_return fail(o, held.error());
    if (!*held) {
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
    policy.grace(grace_of(o, policy.grace()));
    cf::access::renewal renewal(client, *o.scope, sink, policy);

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
