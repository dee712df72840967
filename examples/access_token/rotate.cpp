// rotate: a new secret for a token that is there.
#include "command.hpp"

#include "delivery.hpp"
#include "issuing.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "rotation_work.hpp"
#include "token_file.hpp"

#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/rotator.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cf = cloudflare;
using cf::access::file_intent_log;
using cf::access::held_token;

namespace {

constexpr std::chrono::hours default_grace{24};

// Hands the secret over, once; holds nothing.
class delivery_sink {
public:
    explicit delivery_sink(secret_target& target) : target_(target) {}

    cf::result<void> prepare(cf::access::intent const&) const { return {}; }
    cf::result<void> store(cf::access::intent const&,
                           cf::access::issued_service_token const& token) {
        if (target_.deliver(token)) return {};
        return cf::error(cf::errc::sink_failed, "the secret could not be written");
    }
    cf::result<std::optional<held_token>> find(std::string_view) const {
        return std::optional<held_token>();
    }
    cf::result<void> forget(std::string_view) const { return {}; }

private:
    secret_target& target_;
};

template <class Sink>
awaitable<cf::result<cf::access::rotated>>
rotate_into(api_client client, options const& o, Sink& sink, std::string key, file_intent_log log) {
    cf::access::rotator rotator(client, *o.scope, sink, log, rotation_settings(o, work_of(o)));
    auto const grace = o.grace.value_or(default_grace);
    auto rotating = grace.count() == 0 ? rotator.revoke_and_rotate(std::move(key), o.argument)
                    : o.replace_now    ? rotator.replace_now(std::move(key), o.argument, grace)
                                       : rotator.rotate(std::move(key), o.argument, grace);
    auto rotated = co_await std::move(rotating);
    co_return rotated;
}

task rotate_once(api_client client, options const& o, file_intent_log log) {
    auto target = secret_target::prepare(o);
    if (!target) co_return fail(o, target.error());
    delivery_sink sink(*target);
    auto rotating = rotate_into(client, o, sink, o.argument, log);
    auto const rotated = co_await std::move(rotating);
    co_return rotated ? target->shown() : fail(o, rotated.error());
}

// The file is new, or holds the token; the secret that it holds is compared with the server's.
task rotate_file(api_client client, options const& o, file_intent_log log) {
    auto sink = sink_of(o, o.secret_file);
    auto const held = sink.find();
    if (!held) co_return refuse_file(o, held.error().to_string());
    if (!*held && is_there(o.secret_file)) co_return refuse_file(o, "exists, and holds no token");
    if (*held && (*held)->token_id != o.argument)
        co_return refuse_file(o, "holds another token, " + (*held)->token_id +
                                     "; to rotate that one: " +
                                     to_type(o, "rotate " + (*held)->token_id + " --secret-file " +
                                                    as_one_word(o.secret_file)));
    cf::access::intent own({}, *o.scope, {});
    own.token_id = o.argument;
    if (auto const ready = sink.prepare(own); !ready)
        co_return refuse_file(o, ready.error().to_string());

    auto rotating = rotate_into(client, o, sink, *held ? (*held)->key : std::string(), log);
    auto const rotated = co_await std::move(rotating);
    if (!rotated) co_return fail(o, rotated.error());
    inform("the new secret is in " + o.secret_file);
    co_return show_stored(o, rotated->token);
}

} // namespace

task rotate(api_client client, options const& o) {
    file_intent_log const log(o.intents_file);
    auto const work = work_of(o);
    auto beginning = begin_rotations(client, o, {work}, {work}, log);
    auto const lock = co_await std::move(beginning);
    if (!lock) co_return fail(o, lock.error());
    bool const holds_token = !o.secret_file.empty() && o.format() != secret_format::raw;
    auto rotating = holds_token ? rotate_file(client, o, log) : rotate_once(client, o, log);
    auto const status = co_await std::move(rotating);
    co_return status;
}
