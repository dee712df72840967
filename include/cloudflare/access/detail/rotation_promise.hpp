/// Until when rotations promised that the previous secret of a token works: what the log remembers.
#pragma once

#include <cloudflare/access/detail/rotation_flow.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

[[nodiscard]] inline bool is_lease(intent const& i, any_scope const& scope) {
    return i.purpose == intent_purpose::rotate && i.scope == scope;
}

/// Whether an intent is what an ended rotation of the token has left.
[[nodiscard]] inline bool is_memory_of(intent const& i, std::string const& token_id,
                                       any_scope const& scope) {
    return is_lease(i, scope) && i.token_id == token_id && i.state == intent_state::settled;
}

/// Whether the end of the grace that an intent names is of the secret before `latest`. 0: no
/// version is shown, so that the last intent is taken to be.
[[nodiscard]] inline bool is_of_latest(intent const& i, std::int64_t latest) noexcept {
    return latest == 0 || i.version <= 0 || i.version == latest;
}

/// What the log is to remember of a grace's end, beside the lease.
[[nodiscard]] inline intent promise_of(rotation_flow const& f, std::int64_t last, timestamp until) {
    auto promise = f.lease;
    promise.until = until;
    promise.version = last;
    return promise;
}

/// Logs in the lease until when the grace lasts, for whoever takes it over if this process dies.
template <class Tools>
task_of<Tools, result<void>> log_promise(Tools& tools, rotation_flow& f, std::int64_t last,
                                         timestamp until) {
    f.lease.until = until;
    f.lease.version = last;
    auto pending = tools.update(f.lease);
    auto const written = co_await std::move(pending);
    co_return written;
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
