/// What rotations leave in the log: erased when its time is over, and until then the server is held
/// to their promise.
#pragma once

#include <cloudflare/access/detail/rotation_judging.hpp>
#include <cloudflare/access/detail/rotation_lease.hpp>
#include <cloudflare/access/detail/rotation_sending.hpp>
#include <cloudflare/access/renewal_plan.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// The lease of a rotation of the token that is under way or was left; null if there is none.
[[nodiscard]] inline intent const* lease_of(std::string_view token_id, any_scope const& scope,
                                            std::vector<intent> const& intents) {
    for (auto const& i : intents)
        if (is_lease(i, scope) && i.token_id == token_id && i.state != intent_state::settled)
            return &i;
    return nullptr;
}

/// What becomes of a lease.
enum class lease_end : unsigned char {
    stays,
    is_over, ///< it is to be erased
    is_kept, ///< it is to be settled: the server does not show the end of the grace that it promises
    is_lost, ///< the secret of its rotation is lost
    is_short ///< the server's end of the grace is before the promised one
};

/// @param one the lease's token, as sink and server show it
[[nodiscard]] inline lease_end judge_lease(intent const& i, held_and_shown const& one,
                                           rotation_options const& options, timestamp now) {
    if (!one.shown) return lease_end::is_over;
    auto const end = one.shown->previous_client_secret_expires_at;
    bool const is_last = one.shown->client_secret_version == i.version;
    if (i.state == intent_state::settled) {
        if (i.until <= now) return lease_end::is_over;
        if (one.is_under_way) return lease_end::stays; // it may be ending that grace
        return is_last && end && *end < i.until ? lease_end::is_short : lease_end::stays;
    }
    // What was logged may have been sent, and would shorten a later grace: the next rotation takes
    // over the lease, and holds the server to its own promise.
    bool const is_pending = may_act(i, options, now);
    // A process that was stopped for longer may send it yet: a revocation goes above its version.
    bool const is_above = i.state == intent_state::open && i.until > now &&
                          i.version > one.shown->client_secret_version.value_or(i.version);
    switch (compare_versions(one.held, *one.shown)) {
    case held_version::latest:
    case held_version::newer:
        if (is_pending || is_above || is_before_loss(*one.shown, i, options, now))
            return lease_end::stays;
        return is_last && !end && i.until > now ? lease_end::is_kept : lease_end::is_over;
    case held_version::older:
        return i.state == intent_state::lost ? lease_end::stays : lease_end::is_lost;
    case held_version::unknown: break;
    }
    if (i.state == intent_state::lost) return lease_end::stays;
    if (has_acted(i, end)) return lease_end::is_lost;
    if (is_pending) return lease_end::stays;
    return tells_of_loss(i) ? lease_end::is_lost : lease_end::is_over;
}

/// Settles what rotations of these tokens have left, and marks tokens whose secret was lost. What
/// fails is done in the next round.
///
/// @param intents of the log
template <class Tools>
task_of<Tools, void> keep_leases(Tools& tools, std::vector<held_and_shown>& all,
                                 std::vector<intent>& intents, rotation_options const& options) {
    for (auto& i : intents) {
        if (!is_lease(i, tools.scope()) || is_under_way(tools, i)) continue;
        auto const one = std::find_if(all.begin(), all.end(),
                                      [&](auto const& a) { return a.held.token_id == i.token_id; });
        if (one == all.end()) continue;
        auto const end = judge_lease(i, *one, options, tools.now());
        if (end == lease_end::is_kept) {
            i.state = intent_state::settled;
            auto pending_update = tools.update(i);
            auto const updated = co_await std::move(pending_update);
            static_cast<void>(updated);
        } else if (end == lease_end::is_over) {
            auto pending_erase = tools.erase(i);
            auto const erased = co_await std::move(pending_erase);
            static_cast<void>(erased);
        } else if (end == lease_end::is_lost) {
            i.state = intent_state::lost;
            one->is_lost = true;
            auto pending_update = tools.update(i);
            auto const updated = co_await std::move(pending_update);
            static_cast<void>(updated);
        } else if (end == lease_end::is_short) {
            auto pending_set = set_grace_end(tools, i.token_id, i.version, i.until);
            auto const set = co_await std::move(pending_set);
            static_cast<void>(set);
        }
    }
}

} // namespace cloudflare::inline v0::access::detail
