/// The lease that allows one rotation of a token at a time: an intent in the log.
#pragma once

#include <cloudflare/access/detail/intent_age.hpp>
#include <cloudflare/access/detail/key_wait.hpp>
#include <cloudflare/access/detail/rotation_promise.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline error lease_is_held(intent const& holder) {
    return not_sent(errc::conflict, "intent " + holder.tag + ", another rotation of " +
                                        holder.token_id + ", has not ended: ask again later");
}

/// The version in a lease if the API shows none and the secret made before is lost: another one is,
/// whatever becomes of this rotation.
inline constexpr std::int64_t lost_before = -1;

/// Whether a lease tells of a lost secret.
[[nodiscard]] inline bool tells_of_loss(intent const& lease) noexcept {
    return lease.state == intent_state::lost || lease.version == lost_before;
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

} // namespace cloudflare::inline v0::access::detail
