/// The lease that allows one rotation of a token at a time: an intent in the log.
#pragma once

#include <cloudflare/access/detail/intent_age.hpp>
#include <cloudflare/access/detail/key_wait.hpp>
#include <cloudflare/access/detail/rotation_flow.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline error lease_is_held(intent const& holder) {
    return not_sent(errc::conflict, "intent " + holder.tag + ", another rotation of " +
                                        holder.token_id + ", has not ended: ask again later");
}

[[nodiscard]] inline bool is_lease(intent const& i, any_scope const& scope) {
    return i.purpose == intent_purpose::rotate && i.scope == scope;
}

/// Whether an intent is what an ended rotation of the token has left.
[[nodiscard]] inline bool is_memory_of(intent const& i, std::string const& token_id,
                                       any_scope const& scope) {
    return is_lease(i, scope) && i.token_id == token_id && i.state == intent_state::settled;
}

/// The version in a lease if the API shows none and the secret made before is lost: another one is,
/// whatever becomes of this rotation.
inline constexpr std::int64_t lost_before = -1;

/// Whether a lease tells of a lost secret.
[[nodiscard]] inline bool tells_of_loss(intent const& lease) noexcept {
    return lease.state == intent_state::lost || lease.version == lost_before;
}

/// Whether the end of the grace that an intent names is of the secret before `latest`. 0: no
/// version is shown, so that the last intent is taken to be.
[[nodiscard]] inline bool is_of_latest(intent const& i, std::int64_t latest) noexcept {
    return latest == 0 || i.version <= 0 || i.version == latest;
}

/// Whether the holder's process is presumed alive, by the age of its lease.
template <class Tools>
[[nodiscard]] bool is_under_way(Tools const& tools, intent const& holder) {
    return is_young(holder, tools.now(), tools.options());
}

/// Whether a lease may be taken over because its holder's process is presumed dead. If the lease is
/// dated in the future, the server is asked for the time first: this process may have been stopped
/// since it was told.
template <class Tools>
task_of<Tools, result<bool>> is_free_to_take(Tools& tools, intent const& holder) {
    if (is_under_way(tools, holder)) co_return false;
    if (!is_dated_wrongly(holder, tools.now())) co_return true;
    auto pending = tools.get(holder.token_id);
    auto const shown = co_await std::move(pending);
    if (!shown) co_return with_delivery(shown.error(), delivery::not_sent);
    co_return !is_under_way(tools, holder);
}

/// Takes over the lease of a process that is presumed dead.
///
/// @return `errc::conflict` if another process has taken it over, or the holder is alive
template <class Tools>
task_of<Tools, result<void>> inherit(Tools& tools, rotation_flow& f, intent holder) {
    auto mine = holder;
    mine.writer = f.lease.writer;
    mine.opened_at = tools.now();
    mine.state = intent_state::open;
    if (holder.state == intent_state::lost && holder.version == 0) mine.version = lost_before;
    auto pending = tools.update(mine);
    auto const written = co_await std::move(pending);
    if (!written) co_return written.error();
    f.lease = std::move(mine);
    bool const was_planned = holder.until != timestamp() || tells_of_loss(holder);
    f.is_unclear = was_planned && holder.state != intent_state::lost;
    if (was_planned) f.inherited = std::move(holder); // otherwise it is as good as a new one
    co_return result<void>();
}

/// Inserts the lease; waits while another rotation of the token holds it, until `patience`.
template <class Tools>
task_of<Tools, result<void>> take_lease(Tools& tools, rotation_flow& f, time_point patience) {
    key_wait wait;
    for (;;) {
        auto pending = insert_unless_held(tools, f.lease);
        auto const holder = co_await std::move(pending);
        if (!holder) co_return holder.error();
        if (!*holder) co_return result<void>();
        auto pending_free = is_free_to_take(tools, **holder);
        auto const is_free = co_await std::move(pending_free);
        if (!is_free) co_return is_free.error();
        if (*is_free) {
            auto pending_inherit = inherit(tools, f, **holder);
            auto const inherited = co_await std::move(pending_inherit);
            if (inherited) co_return inherited;
            if (inherited.error() != errc::conflict)
                co_return with_delivery(inherited.error(), delivery::not_sent);
        }
        if (tools.steady_now() + wait.span() >= patience) co_return lease_is_held(**holder);
        auto pending_wait = wait.once(tools, patience);
        auto const waited = co_await std::move(pending_wait);
        if (!waited) co_return waited;
    }
}

/// Logs a promise beside the lease, whose key somebody else may hold.
template <class Tools>
task_of<Tools, result<void>> remember_apart(Tools& tools, intent promise) {
    promise.state = intent_state::settled;
    promise.tag = promise.key = tools.options().make_tag();
    auto pending = tools.insert(promise);
    auto const holder = co_await std::move(pending);
    if (!holder) co_return holder.error();
    co_return result<void>();
}

/// Gives the lease back. It stays in the log, settled, until the promised grace is over in two
/// cases: if a request may act late, so that renewal mends a grace that such a request shortens;
/// and if the server does not show the end of the grace, so that the next rotation knows it.
///
/// @return an error if that fails: who has taken it over since, or renewal, settles it
template <class Tools>
task_of<Tools, result<void>> give_back(Tools& tools, rotation_flow& f) {
    bool const is_needed = f.is_unclear || !f.before.previous_client_secret_expires_at;
    bool const stays = is_needed && f.lease.until > tools.now();
    auto settled = f.lease;
    settled.state = intent_state::settled;
    if (settled.version == lost_before) settled.version = 0; // there is another secret now
    auto pending = stays ? tools.update(settled) : tools.erase(f.lease);
    auto const written = co_await std::move(pending);
    if (stays && !written && written.error() == errc::conflict) {
        auto pending_apart = remember_apart(tools, settled);
        auto const remembered = co_await std::move(pending_apart);
        static_cast<void>(remembered);
    }
    co_return written;
}

/// Gives back a lease under which nothing was sent. One that was taken over is left as it was
/// found, because what its process has sent is as unknown as before.
///
/// @return as `give_back`
template <class Tools>
task_of<Tools, result<void>> give_back_unused(Tools& tools, rotation_flow& f) {
    auto as_found = f.inherited.value_or(f.lease);
    as_found.revision = f.lease.revision;
    as_found.writer = f.lease.writer;
    auto pending = f.inherited ? tools.update(as_found) : tools.erase(f.lease);
    auto const written = co_await std::move(pending);
    co_return written;
}

/// Leaves the lease in the log with the state `lost`.
///
/// @return an error if that fails: the versions of sink and server show the same
template <class Tools>
task_of<Tools, result<void>> leave_lost(Tools& tools, rotation_flow& f) {
    auto lost = f.lease;
    lost.state = intent_state::lost;
    auto pending = tools.update(lost);
    auto const written = co_await std::move(pending);
    co_return written;
}

/// Until when ended or lost rotations of a token promised that the previous secret works; nothing
/// where the log remembers none.
///
/// @param latest the version that the server shows; 0: none
[[nodiscard]] inline std::optional<timestamp> remembered_end(std::vector<intent> const& all,
                                                             std::string const& token_id,
                                                             any_scope const& scope,
                                                             std::int64_t latest) {
    std::optional<timestamp> end;
    for (auto const& i : all) {
        bool const has_ended = i.state == intent_state::settled || i.state == intent_state::lost;
        if (is_lease(i, scope) && has_ended && i.token_id == token_id && is_of_latest(i, latest))
            end = (std::max)(end.value_or(i.until), i.until);
    }
    return end;
}

/// Reads in the log until when other rotations of the token promised that the previous secret works,
/// and erases what is over: by its time, or because a later rotation ended it.
///
/// @param latest the version that the server shows; 0: none
template <class Tools>
task_of<Tools, result<void>> recall_graces(Tools& tools, rotation_flow& f, std::int64_t latest) {
    auto pending = tools.intents();
    auto const all = co_await std::move(pending);
    if (!all) co_return all.error();
    f.promised_until = timestamp();
    if (f.inherited && is_of_latest(*f.inherited, latest)) f.promised_until = f.inherited->until;
    auto const end = remembered_end(*all, f.token_id(), tools.scope(), latest);
    f.promised_until = (std::max)(f.promised_until, end.value_or(timestamp()));
    for (auto const& i : *all) {
        // Who has taken over the lease of this process, and made the latest secret.
        bool const is_taken = is_lease(i, tools.scope()) && i.token_id == f.token_id() &&
                              i.state == intent_state::open && i.writer != f.lease.writer;
        if (is_taken && latest != 0 && i.version == latest)
            f.promised_until = (std::max)(f.promised_until, i.until);
        bool const is_earlier = !is_of_latest(i, latest) && i.version < latest;
        bool const is_over = i.until <= tools.now() || is_earlier;
        if (!is_over || !is_memory_of(i, f.token_id(), tools.scope())) continue;
        auto pending_erase = tools.erase(i);
        auto const erased = co_await std::move(pending_erase);
        static_cast<void>(erased); // otherwise the next rotation erases it
    }
    co_return result<void>();
}

/// Erases what ended rotations of a token have left in the log, because the end of its grace is now
/// changed on purpose and must not be mended.
///
/// @param latest the version of the secret whose grace was changed; 0: none is shown
/// @param end only what promises a later end is erased
/// @return the latest end that was erased; 1970: none was
template <class Tools>
task_of<Tools, result<timestamp>> close_settled(Tools& tools, std::string token_id,
                                                std::int64_t latest, timestamp end) {
    auto pending = tools.intents();
    auto const all = co_await std::move(pending);
    if (!all) co_return all.error();
    timestamp promised;
    for (auto const& i : *all) {
        bool const is_of_this = is_memory_of(i, token_id, tools.scope()) && is_of_latest(i, latest);
        if (!is_of_this || i.until <= end) continue;
        auto pending_erase = tools.erase(i);
        auto const erased = co_await std::move(pending_erase);
        if (!erased && erased.error() != errc::conflict) co_return erased.error();
        promised = (std::max)(promised, i.until);
    }
    co_return promised;
}

} // namespace cloudflare::inline v0::access::detail
