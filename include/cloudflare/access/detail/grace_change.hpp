/// A change of the end of a grace without a rotation.
#pragma once

#include <cloudflare/access/detail/rotation_judging.hpp>
#include <cloudflare/access/detail/rotation_lease.hpp>
#include <cloudflare/access/detail/rotation_opening.hpp>
#include <cloudflare/access/detail/rotation_promise.hpp>
#include <cloudflare/access/detail/rotation_sending.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// Finds out which token it is, if the sink's key is given.
template <class Tools>
task_of<Tools, result<void>> find_changed(Tools& tools, rotation_flow& f) {
    if (f.key.empty()) co_return result<void>();
    auto pending = find_holder(tools, f);
    auto const found = co_await std::move(pending);
    co_return found;
}

/// Whether a secret of the token is lost, by what sink, server and log say now, and the one in use
/// still accepted: otherwise somebody may have revoked it.
template <class Tools>
task_of<Tools, result<void>> judge_loss(Tools& tools, rotation_flow& f,
                                        rotation_options const& options) {
    auto pending = find_holder(tools, f);
    auto const found = co_await std::move(pending);
    if (!found) co_return found.error();
    if (auto const lost = judge_token(f, options, tools.now()); !lost) co_return lost;
    auto const end = f.before.previous_client_secret_expires_at;
    if (end && *end <= tools.now())
        co_return not_sent(errc::conflict, "the grace of " + f.token_id() + " is over since " +
                                               end->to_string() + ": extend_grace revives it");
    co_return result<void>();
}

/// If no version is shown, the end of the grace tells whether the rotation of a dead process has
/// acted: notes that before the end is changed.
template <class Tools>
task_of<Tools, result<void>> note_inherited_loss(Tools& tools, rotation_flow& f) {
    auto const end = f.before.previous_client_secret_expires_at;
    bool const is_news = !f.before.client_secret_version && f.inherited &&
                         !tells_of_loss(*f.inherited) && has_acted(*f.inherited, end);
    if (!is_news) co_return result<void>();
    f.lease.version = lost_before;
    f.inherited->state = intent_state::lost;
    auto pending = tools.update(f.lease);
    auto const written = co_await std::move(pending);
    co_return written;
}

/// Ends the grace. What earlier rotations promised would be mended, so it goes out of the log
/// before; until the grace is ended the lease keeps it. A lease that was taken over cannot: if the
/// grace is not ended, the promise comes back.
///
/// @param last the version that the server shows; 0: none
template <class Tools>
task_of<Tools, result<timestamp>> end_by_lease(Tools& tools, rotation_flow& f, std::int64_t last) {
    auto pending_memory = recall_graces(tools, f, last);
    auto const recalled = co_await std::move(pending_memory);
    if (!recalled) co_return recalled.error();
    if (!f.inherited && f.promised_until > tools.now()) {
        auto pending_promise = log_promise(tools, f, last, f.promised_until);
        auto const written = co_await std::move(pending_promise);
        if (!written) co_return written.error();
    }
    auto pending_close = close_settled(tools, f.token_id(), last, timestamp());
    auto const promised = co_await std::move(pending_close);
    if (!promised) co_return promised.error();
    auto const now = tools.now().plus(std::chrono::seconds(-1));
    auto pending = set_grace_end(tools, f.token_id(), last, now);
    auto const ended = co_await std::move(pending);
    if (ended) f.lease.until = now;
    if (!ended && f.inherited && *promised > now) {
        auto pending_back = remember_apart(tools, promise_of(f, last, *promised));
        auto const remembered = co_await std::move(pending_back);
        static_cast<void>(remembered); // the error tells that the grace was not ended
    }
    co_return ended;
}

/// The error of an extension that only the server knows of. If it does not show the end of a grace,
/// a later rotation would end that grace.
[[nodiscard]] inline error not_remembered(timestamp until, error const& why) {
    return why.with([&](error_details& d) {
        d.operation = "rotate";
        d.delivery = delivery::accepted;
        d.explanation += d.explanation.empty() ? "" : "; ";
        d.explanation += "the grace is extended until " + until.to_string() +
                         ", which the server does not show and the log does not remember";
    });
}

/// Whether the lease that was taken over tells of the grace of this secret. If it is of a rotation
/// that has not acted yet, it tells of another one.
[[nodiscard]] inline bool has_lease_of(rotation_flow const& f, std::int64_t last) {
    return f.inherited &&
           (last != 0 ? f.inherited->version <= last : f.inherited->state == intent_state::lost);
}

/// Logs the promise of an extension: in the lease; beside it if that tells of another secret. An
/// inherited lease of this secret is written when it is given back.
template <class Tools>
task_of<Tools, result<void>> remember_extension(Tools& tools, rotation_flow& f, std::int64_t last,
                                                timestamp until) {
    if (has_lease_of(f, last)) co_return result<void>();
    auto pending = f.inherited ? remember_apart(tools, promise_of(f, last, until))
                               : log_promise(tools, f, last, until);
    auto const written = co_await std::move(pending);
    co_return written;
}

/// Sets the end of the grace to `f.grace` from now, which the lease then promises. What keeps a
/// secret alive does not shorten what was promised.
template <class Tools>
task_of<Tools, result<timestamp>> extend_by_lease(Tools& tools, rotation_flow& f,
                                                  std::int64_t last) {
    auto pending_memory = recall_graces(tools, f, last);
    auto const recalled = co_await std::move(pending_memory);
    // A late request of an ended rotation may shorten this grace: then renewal mends that, too.
    f.is_unclear = !recalled || f.promised_until > tools.now();
    auto until = tools.now().plus(f.grace);
    if (f.aim == rotation_aim::replace && f.inherited && is_of_latest(*f.inherited, last))
        until = (std::max)(until, f.inherited->until);
    auto pending = set_grace_end(tools, f.token_id(), last, until);
    auto const extended = co_await std::move(pending);
    if (!extended) co_return extended;
    f.lease.until = until;
    auto pending_promise = remember_extension(tools, f, last, until);
    auto const remembered = co_await std::move(pending_promise);
    bool const is_shown = f.before.previous_client_secret_expires_at.has_value();
    if (!remembered && is_shown) co_return extended; // an earlier promise is kept, too
    if (!remembered) co_return not_remembered(until, remembered.error());
    auto pending_close = close_settled(tools, f.token_id(), last, until);
    auto const closed = co_await std::move(pending_close);
    static_cast<void>(closed); // otherwise an earlier promise is kept, too
    co_return extended;
}

/// With the lease, when nobody else rotates the token: extends the grace, or ends it if the aim is
/// to revoke.
///
/// @param version as for `rotator::end_grace`
template <class Tools>
task_of<Tools, result<timestamp>> change_by_lease(Tools& tools, rotation_flow& f,
                                                  rotation_options const& options,
                                                  std::int64_t version) {
    auto pending_get = tools.get(f.token_id());
    auto shown = co_await std::move(pending_get);
    if (!shown) co_return shown.error();
    f.before = std::move(*shown);
    if (!f.key.empty()) {
        auto pending_loss = judge_loss(tools, f, options);
        auto const judged = co_await std::move(pending_loss);
        if (!judged) co_return judged.error();
    }
    auto const last = f.before.client_secret_version.value_or(0);
    if (version != 0 && last != 0 && last != version)
        co_return not_sent(errc::conflict, f.token_id() + " has another secret than that which is "
                                                          "said to be used");
    // After that another process may have the lease, and promise another end.
    if (auto const in_time = check_in_time(tools, f); !in_time) co_return in_time.error();
    auto pending_note = note_inherited_loss(tools, f);
    auto const noted = co_await std::move(pending_note);
    if (!noted) co_return noted.error();
    auto pending_set = f.aim == rotation_aim::revoke ? end_by_lease(tools, f, last)
                                                     : extend_by_lease(tools, f, last);
    auto const set = co_await std::move(pending_set);
    // Who takes over the lease goes by this end, too.
    if (set && has_lease_of(f, last)) f.inherited->until = f.lease.until;
    co_return set;
}

} // namespace cloudflare::inline v0::access::detail
