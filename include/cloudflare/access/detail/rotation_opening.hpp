/// The beginning of a rotation: what is known of the token, and the plan. Nothing changes at the
/// server.
#pragma once

#include <cloudflare/access/detail/rotation_judging.hpp>
#include <cloudflare/access/detail/rotation_lease.hpp>
#include <cloudflare/access/detail/rotation_sending.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// The error of a rotation that has changed nothing.
[[nodiscard]] inline error unchanged(error const& why) {
    return why.with([](error_details& d) {
        if (d.operation.empty()) d.operation = "rotate";
        d.delivery = delivery::not_sent;
    });
}

/// Finds out which token it is.
template <class Tools>
task_of<Tools, result<void>> find_holder(Tools& tools, rotation_flow& f) {
    auto pending = tools.find_held(f.key);
    auto held = co_await std::move(pending);
    if (!held) co_return unchanged(held.error());
    f.held = std::move(*held);
    if (f.held && !f.token_id().empty() && f.held->token_id != f.token_id())
        co_return not_sent(errc::sink_failed, "the key holds the token " + f.held->token_id);
    if (!f.held && f.token_id().empty())
        co_return not_sent(errc::invalid_argument, "key: the sink holds no token under it");
    if (f.held) f.of(f.held->token_id);
    co_return result<void>();
}

/// Sends a request if no response has told the server's time yet.
template <class Tools>
task_of<Tools, result<void>> learn_time(Tools& tools, std::string id) {
    if (tools.this_moment().is_told) co_return result<void>();
    auto pending = tools.get(std::move(id));
    auto const got = co_await std::move(pending);
    if (!got) co_return got.error();
    co_return result<void>();
}

/// The version that is to be made. A rotation repeats what the process before it may have sent. A
/// revocation goes above that, so that the server refuses it if it comes late: it would have the
/// revoked secret accepted again. So does a rotation after a revocation, which it would undo, and
/// after a rotation whose grace is over.
[[nodiscard]] inline std::int64_t next_version(rotation_flow const& f, std::int64_t shown,
                                               timestamp now) {
    bool const may_be_sent = f.inherited && f.is_unclear && f.inherited->version > shown;
    if (!may_be_sent) return shown + 1;
    bool const goes_above = f.aim == rotation_aim::revoke || f.inherited->until <= now;
    return goes_above ? f.inherited->version + 1 : f.inherited->version;
}

/// Sets what is going to be sent. The grace counts from when the secret is stored, so the time that
/// is left until the deadline is added.
template <class Tools>
void plan_rotation(Tools& tools, rotation_flow& f) {
    auto const now = tools.steady_now();
    auto const left = std::chrono::ceil<std::chrono::seconds>(f.end - now);
    f.lease.name = f.before.name;
    f.lease.opened_at = tools.now(); // it may have been stopped since, and sent nothing before
    f.lease.until = f.aim == rotation_aim::revoke ? tools.now().plus(std::chrono::seconds(-1))
                                                  : f.latest_time(now).plus(f.grace + left);
    if (auto const version = f.before.client_secret_version) {
        f.lease.version = next_version(f, *version, tools.now());
        return;
    }
    bool const is_lost =
        f.inherited && (tells_of_loss(*f.inherited) ||
                        has_acted(*f.inherited, f.before.previous_client_secret_expires_at));
    f.lease.version = is_lost ? lost_before : 0;
}

/// The plan overwrites the lease that was taken over. If that alone tells the end of a running grace,
/// because the server does not show it: remembers it apart, for this process may die before it acts.
template <class Tools>
task_of<Tools, result<void>> keep_inherited_promise(Tools& tools, rotation_flow& f) {
    bool const is_told_elsewhere = f.before.previous_client_secret_expires_at.has_value();
    if (!f.inherited || is_told_elsewhere || f.inherited->until <= tools.now() ||
        f.inherited->version != f.before.client_secret_version)
        co_return result<void>();
    auto pending = remember_apart(tools, *f.inherited);
    auto const remembered = co_await std::move(pending);
    co_return remembered;
}

/// With the lease, when nobody else rotates the token: whether it may be rotated, by what sink and
/// server say now. If so, logs what is going to be sent.
template <class Tools>
task_of<Tools, result<void>> judge_rotation(Tools& tools, rotation_flow& f,
                                            rotation_options const& options) {
    auto pending_holder = find_holder(tools, f);
    auto const found = co_await std::move(pending_holder);
    if (!found) co_return found.error();
    auto const target = f.for_sink();
    auto pending_prepare = tools.prepare(target);
    auto const prepared = co_await std::move(pending_prepare);
    if (!prepared) co_return unchanged(prepared.error());
    f.asked_at = tools.steady_now();
    auto pending_get = tools.get(f.token_id());
    auto shown = co_await std::move(pending_get);
    if (!shown) co_return unchanged(shown.error());
    f.before = std::move(*shown);
    f.shown_at = tools.now();
    auto const latest = f.before.client_secret_version.value_or(0);
    auto pending_memory = recall_graces(tools, f, latest);
    auto const recalled = co_await std::move(pending_memory);
    if (!recalled) co_return unchanged(recalled.error());
    if (auto const fit = judge_token(f, options, tools.now()); !fit) co_return fit;
    // After the end of the rotation an end of the grace would be in the past.
    if (auto const in_time = check_in_time(tools, f); !in_time) co_return in_time;
    auto pending_promise = keep_inherited_promise(tools, f);
    auto const kept = co_await std::move(pending_promise);
    if (!kept) co_return unchanged(kept.error());
    plan_rotation(tools, f);
    auto pending_update = tools.update(f.lease);
    auto const written = co_await std::move(pending_update);
    if (!written) co_return unchanged(written.error());
    co_return check_in_time(tools, f);
}

} // namespace cloudflare::inline v0::access::detail
