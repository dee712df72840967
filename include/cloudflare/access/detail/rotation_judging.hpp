/// Whether a token may be rotated, by what sink and server show.
#pragma once

#include <cloudflare/access/detail/rotation_flow.hpp>

#include <cstdint>
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

/// If no version is shown: whether the `/rotate` of a process that is presumed dead has acted, so
/// that its secret is lost, or may still act.
[[nodiscard]] inline result<void> judge_inherited(rotation_flow const& f,
                                                  rotation_options const& options, timestamp now) {
    if (!f.inherited || f.inherited->until == timestamp()) return {};
    auto const end = f.before.previous_client_secret_expires_at;
    bool const is_known_lost = f.inherited->state == intent_state::lost;
    if (is_known_lost || end == f.inherited->until) return rotation_lost(f.token_id(), end);
    if (f.inherited->opened_at.plus(options.max_lateness()) <= now) return {};
    return not_sent(errc::conflict,
                    "an earlier rotation of " + f.token_id() +
                        " has no known outcome and may still act until " +
                        f.inherited->opened_at.plus(options.max_lateness()).to_string());
}

[[nodiscard]] inline result<void> judge_token(rotation_flow const& f,
                                              rotation_options const& options, timestamp now) {
    auto const end = f.before.previous_client_secret_expires_at;
    auto held = f.held ? compare_versions(*f.held, f.before) : held_version::unknown;
    auto judged = result<void>();
    if (!f.before.client_secret_version) judged = judge_inherited(f, options, now);
    if (!judged && judged.error() == errc::rotation_lost) held = held_version::older;

    if (f.aim == rotation_aim::revoke || f.aim == rotation_aim::force) return {};
    if (held == held_version::newer)
        return not_sent(errc::conflict,
                        "the server shows an older secret of " + f.token_id() +
                            " than the sink holds: its response is out of date; ask again later");
    if (f.aim == rotation_aim::replace) {
        if (held == held_version::older) return {};
        return not_sent(errc::conflict, "no secret of " + f.token_id() + " is lost");
    }
    if (held == held_version::older) return rotation_lost(f.token_id(), end);
    if (!judged) return judged;
    if (end && *end > now) return grace_running(f.token_id(), *end);
    // If the server does not show the end: what the log says of it, or the age of the sink's
    // secret.
    if (!end && f.promised_until > now) return grace_running(f.token_id(), f.promised_until);
    bool const may_be_rotated = f.before.client_secret_version.value_or(0) > 1;
    if (!end && may_be_rotated && f.held && f.held->since.plus(f.grace) > now)
        return grace_running(f.token_id(), f.held->since.plus(f.grace));
    return {};
}

} // namespace cloudflare::inline v0::access::detail
