/// The end of a rotation: the new secret goes to the sink, and the server is held to the grace.
#pragma once

#include <cloudflare/access/detail/rotation_lease.hpp>
#include <cloudflare/access/detail/rotation_sending.hpp>
#include <cloudflare/access/detail/secret_storing.hpp>
#include <cloudflare/access/rotated.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline error may_be_accepted(std::string const& id, error const& why) {
    return why.with([&](error_details& d) {
        d.operation = "rotate";
        d.delivery = delivery::accepted;
        d.explanation += d.explanation.empty() ? "" : "; ";
        d.explanation += "the new secret of " + id +
                         " is stored; whether the one before is still accepted is not known: "
                         "end_grace ends it";
    });
}

/// Extends the grace if it is too short: because the store took long, or because that failed before.
template <class Tools>
task_of<Tools, result<timestamp>> mend_after_store(Tools& tools, rotation_flow& f,
                                                   std::int64_t version, timestamp until) {
    auto const owed = f.latest_time(tools.steady_now()).plus(f.grace);
    if (owed > f.lease.until) f.lease.until = owed;
    // A late request of the process before may have shortened it meanwhile.
    if (f.inherited && f.is_unclear) {
        auto pending_look = tools.get(f.token_id());
        auto const shown = co_await std::move(pending_look);
        if (shown) until = shown->previous_client_secret_expires_at.value_or(until);
    }
    auto pending = mend_grace(tools, f, version, until, f.end);
    auto const mended = co_await std::move(pending);
    co_return result<timestamp>(mended);
}

/// Ends the grace, if the server has not.
template <class Tools>
task_of<Tools, result<timestamp>> revoke_after_store(Tools& tools, rotation_flow& f,
                                                     std::int64_t version, timestamp until) {
    if (keeps_promise(f, until, tools.now())) co_return until;
    auto pending = set_grace_end(tools, f.token_id(), version, f.lease.until);
    auto const ended = co_await std::move(pending);
    co_return ended;
}

/// Tries the new secret as the options say.
[[nodiscard]] inline result<void> verify_rotated(rotation_options const& options,
                                                 issued_service_token const& token,
                                                 timestamp until) {
    if (!options.verifier()) return {};
    auto const verified = options.verifier()(token);
    if (verified) return {};
    return verified.error().with([&](error_details& d) {
        d.operation = "rotate";
        d.delivery = delivery::accepted;
        d.explanation += d.explanation.empty() ? "" : "; ";
        d.explanation +=
            "the new secret is stored and does not verify; the one before works until " +
            until.to_string();
    });
}

/// How long the secrets before a lost one work.
[[nodiscard]] inline grace_end end_of_grace(rotation_flow const& f, timestamp until) {
    return f.aim == rotation_aim::revoke ? grace_end::revoked() : grace_end(until);
}

/// Stores the new secret.
template <class Tools>
task_of<Tools, result<rotated>> deliver(Tools& tools, rotation_flow& f,
                                        rotation_options const& options,
                                        issued_service_token token) {
    if (token.client_id.empty()) token.client_id = f.before.client_id;
    if (token.name.empty()) token.name = f.before.name;
    auto const shown_version = token.client_secret_version.value_or(0);
    if (!token.client_secret_version && f.has_version())
        token.client_secret_version = f.lease.version;
    if (f.has_version()) f.lease.version = *token.client_secret_version; // `/rotate` may keep it
    auto pending_mend =
        mend_grace(tools, f, shown_version, token.previous_client_secret_expires_at, time_point());
    auto until = co_await std::move(pending_mend);

    auto const target = f.for_sink();
    auto pending_store = store_rotated(tools, target, token);
    auto const stored = co_await std::move(pending_store);
    if (!stored) {
        auto pending_lost = leave_lost(tools, f);
        co_await std::move(pending_lost);
        co_return rotation_lost(token.id, end_of_grace(f, until), stored.error());
    }
    auto pending_late = f.aim == rotation_aim::revoke
                            ? revoke_after_store(tools, f, shown_version, until)
                            : mend_after_store(tools, f, shown_version, until);
    auto const held_to = co_await std::move(pending_late);
    if (held_to) until = *held_to;
    // If the server does not grant the grace now, renewal extends it later.
    if (!keeps_promise(f, until, tools.now())) f.is_unclear = true;
    auto pending_close = give_back(tools, f);
    auto const closed = co_await std::move(pending_close);
    if (!held_to) co_return may_be_accepted(f.token_id(), held_to.error());
    // If this process was stopped, who has taken over the lease may have extended the grace.
    if (f.aim == rotation_aim::revoke && !closed)
        co_return may_be_accepted(f.token_id(), closed.error());
    if (auto const verified = verify_rotated(options, token, until); !verified)
        co_return verified.error();
    co_return rotated(static_cast<service_token const&>(token), until);
}

/// The end of the grace as the server has it now; extended if it is before what was promised, or if
/// the server does not tell it: another rotation may have set it, which promised less.
template <class Tools>
task_of<Tools, timestamp> current_grace(Tools& tools, rotation_flow& f) {
    auto pending = tools.get(f.token_id());
    auto const shown = co_await std::move(pending);
    auto const shown_version = shown ? shown->client_secret_version.value_or(0) : 0;
    auto end = shown ? shown->previous_client_secret_expires_at : tools.now();
    bool const is_up_to_date = shown_version >= f.lease.version;
    if (!end && is_up_to_date) end = tools.now();
    auto const latest = (std::max)({shown_version, f.lease.version, std::int64_t{0}});
    // A late request of this rotation has moved the end that another one promised.
    auto pending_memory = recall_graces(tools, f, latest);
    auto const recalled = co_await std::move(pending_memory);
    if (recalled && f.promised_until > f.lease.until) {
        f.lease.until = f.promised_until;
        end = end.value_or(tools.now());
    }
    auto pending_mend = mend_grace(tools, f, latest, end, f.end);
    auto until = co_await std::move(pending_mend);
    co_return until;
}

/// After a rotation whose secret this process was not shown: another process may have stored it.
template <class Tools>
task_of<Tools, result<rotated>> find_delivered(Tools& tools, rotation_flow& f) {
    auto pending = tools.find_held(f.key);
    auto const held = co_await std::move(pending);
    bool const is_delivered = held && *held && f.has_version() &&
                              (*held)->token_id == f.token_id() &&
                              (*held)->version >= f.lease.version;
    auto pending_mend = current_grace(tools, f);
    auto const until = co_await std::move(pending_mend);
    auto pending_close = is_delivered ? give_back(tools, f) : leave_lost(tools, f);
    co_await std::move(pending_close);
    if (!held) co_return rotation_lost(f.token_id(), end_of_grace(f, until), held.error());
    if (!is_delivered) co_return rotation_lost(f.token_id(), end_of_grace(f, until));
    auto token = f.before;
    token.client_secret_version = (*held)->version;
    co_return rotated(std::move(token), until);
}

} // namespace cloudflare::inline v0::access::detail
