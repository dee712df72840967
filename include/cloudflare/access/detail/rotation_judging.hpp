/// Whether a token may be rotated, by what sink and server show.
#pragma once

#include <cloudflare/access/detail/rotation_lease.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace cloudflare::inline v0::access::detail {

/// The version that a sink holds, compared with the one that the server shows.
enum class held_version : unsigned char {
    latest,
    older,  ///< the sink lacks a newer secret, which is lost or about to be stored
    newer,  ///< what the server showed is out of date
    unknown ///< one of the two shows no version
};

[[nodiscard]] inline held_version compare_versions(held_token const& held,
                                                   service_token const& shown) noexcept {
    auto const version = shown.client_secret_version.value_or(0);
    if (held.version == 0 || version == 0) return held_version::unknown;
    if (held.version == version) return held_version::latest;
    return held.version < version ? held_version::older : held_version::newer;
}

/// Whether a `/rotate` that was planned under a lease has acted, if no version is shown: the end of
/// the grace is the planned one.
[[nodiscard]] inline bool has_acted(intent const& lease, std::optional<timestamp> end) noexcept {
    return lease.until != timestamp() && end == lease.until;
}

/// Whether what was planned under a lease may have been sent, and act yet.
[[nodiscard]] inline bool may_act(intent const& lease, rotation_options const& options,
                                  timestamp now) {
    return lease.state == intent_state::open && lease.until != timestamp() &&
           lease.opened_at.plus(options.max_lateness()) > now;
}

/// Whether the server shows a token as it was before the secret was made that a lease tells is lost.
/// After `max_lateness` that is believed: the log is used with another server, for instance.
[[nodiscard]] inline bool is_before_loss(service_token const& shown, intent const& lease,
                                         rotation_options const& options, timestamp now) {
    return lease.state == intent_state::lost && shown.client_secret_version &&
           *shown.client_secret_version < lease.version &&
           lease.opened_at.plus(options.max_lateness()) > now;
}

/// If no version is shown: whether the `/rotate` of a process that is presumed dead has acted, so
/// that its secret is lost, or may still act.
[[nodiscard]] inline result<void> judge_inherited(rotation_flow const& f,
                                                  rotation_options const& options, timestamp now) {
    if (!f.inherited) return {};
    auto const end = f.before.previous_client_secret_expires_at;
    if (f.inherited->state == intent_state::lost || has_acted(*f.inherited, end))
        return rotation_lost(f.token_id(), {end, now});
    if (may_act(*f.inherited, options, now))
        return not_sent(errc::conflict,
                        "an earlier rotation of " + f.token_id() +
                            " has no known outcome and may still act until " +
                            f.inherited->opened_at.plus(options.max_lateness()).to_string());
    if (tells_of_loss(*f.inherited)) return rotation_lost(f.token_id(), {end, now});
    return {};
}

[[nodiscard]] inline error is_out_of_date(rotation_flow const& f, std::string const& than) {
    return not_sent(errc::conflict, "the server shows an older secret of " + f.token_id() + " " +
                                        than + ": its response is out of date; ask again later");
}

[[nodiscard]] inline result<void> judge_token(rotation_flow const& f,
                                              rotation_options const& options, timestamp now) {
    grace_end const end(f.before.previous_client_secret_expires_at, now);
    auto held = f.held ? compare_versions(*f.held, f.before) : held_version::unknown;
    auto judged = result<void>();
    if (!f.before.client_secret_version) judged = judge_inherited(f, options, now);
    if (!judged && judged.error() == errc::rotation_lost) held = held_version::older;

    if (f.aim == rotation_aim::revoke || f.aim == rotation_aim::force) return {};
    if (held == held_version::newer) return is_out_of_date(f, "than the sink holds");
    if (f.inherited && is_before_loss(f.before, *f.inherited, options, now))
        return is_out_of_date(f, "than the last, which is lost");
    if (f.aim == rotation_aim::replace) {
        if (held == held_version::older) return {};
        return not_sent(errc::conflict, "no secret of " + f.token_id() + " is lost");
    }
    if (held == held_version::older) return rotation_lost(f.token_id(), end);
    if (!judged) return judged;
    // The log is asked, too: the server may not show the end, or one that was extended since. If it
    // shows no version, what the log says may be of an earlier secret.
    bool const log_tells = !end || f.before.client_secret_version;
    auto const running_until =
        (std::max)(end ? *end : timestamp(), log_tells ? f.promised_until : timestamp());
    if (running_until > now) return grace_running(f.token_id(), running_until);
    // If neither tells: the age of the sink's secret.
    bool const may_be_rotated = f.before.client_secret_version.value_or(0) > 1;
    if (!end && may_be_rotated && f.held && f.held->since.plus(f.grace) > now)
        return grace_running(f.token_id(), f.held->since.plus(f.grace));
    return {};
}

} // namespace cloudflare::inline v0::access::detail
