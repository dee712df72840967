/// The requests of a rotation: the new secret, and the end of the grace.
#pragma once

#include <cloudflare/access/detail/rotation_flow.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// A new secret; nothing if the token was rotated and no response shows the secret.
using shown_secret = std::optional<issued_service_token>;

/// After a request with an unknown outcome: whether the token was rotated.
template <class Tools>
task_of<Tools, result<shown_secret>> look_for_rotation(Tools& tools, rotation_flow& f, error why) {
    f.is_unclear = true;
    auto const end = tools.steady_now() + tools.options().settle_window();
    for (;;) {
        auto pending = tools.get(f.token_id());
        auto const after = co_await std::move(pending);
        bool const has_rotated =
            after && (f.has_version() ? after->client_secret_version.value_or(0) >= f.lease.version
                                      : after->previous_client_secret_expires_at == f.lease.until);
        if (has_rotated) co_return shown_secret();
        bool const is_cancelled = !after && after.error() == errc::cancelled;
        if (is_cancelled || tools.steady_now() >= end) co_return may_have_rotated(f, why);
        auto pending_pause = tools.pause(std::chrono::seconds(1));
        co_await std::move(pending_pause);
    }
}

/// An error if this process was stopped until after the rotation's end: what it would send is out
/// of date, and could end the grace of a rotation that came since.
template <class Tools>
[[nodiscard]] result<void> check_in_time(Tools const& tools, rotation_flow const& f) {
    if (tools.steady_now() < f.end) return {};
    return not_sent(errc::deadline_exceeded, "the deadline of the rotation has passed");
}

/// Sets the next version, and repeats that until there is a response: only the first request that
/// arrives rotates, and all set the same end of the grace.
///
/// Source: an update that raises the version responds with the new secret (acceptance tests of
/// Cloudflare's Terraform provider).
template <class Tools>
task_of<Tools, result<shown_secret>> raise_version(Tools& tools, rotation_flow& f) {
    auto const params = update_params()
                            .client_secret_version(f.lease.version)
                            .previous_client_secret_expires_at(f.lease.until);
    if (auto const in_time = check_in_time(tools, f); !in_time) co_return in_time.error();
    bool may_have_acted = false;
    auto span = std::chrono::milliseconds(500);
    for (;;) {
        auto pending = tools.change(f.token_id(), params);
        auto updated = co_await std::move(pending);
        if (updated && !updated->client_secret) co_return shown_secret();
        if (updated) {
            auto token = as_issued(std::move(*updated));
            if (!token) co_return token.error();
            co_return shown_secret(std::move(*token));
        }
        auto const why = updated.error();
        if (is_certain(why) && !may_have_acted) co_return why;
        may_have_acted = f.is_unclear = true;
        span = (std::min)(span * 2, std::chrono::milliseconds(8000));
        bool goes_on =
            !is_certain(why) && why != errc::cancelled && tools.steady_now() + span < f.end;
        if (goes_on) {
            auto pending_pause = tools.pause(span);
            co_await std::move(pending_pause);
            goes_on = tools.steady_now() < f.end; // this process may have been stopped meanwhile
        }
        if (goes_on) continue;
        auto pending_look = look_for_rotation(tools, f, why);
        auto found = co_await std::move(pending_look);
        co_return found;
    }
}

/// Sends `/rotate` once, because a second one would revoke the secret in use.
template <class Tools>
task_of<Tools, result<shown_secret>> rotate_once(Tools& tools, rotation_flow& f) {
    if (auto const in_time = check_in_time(tools, f); !in_time) co_return in_time.error();
    auto pending = tools.rotate(f.token_id(),
                                rotate_params().previous_client_secret_expires_at(f.lease.until));
    auto token = co_await std::move(pending);
    if (token) co_return shown_secret(std::move(*token));
    if (is_certain(token.error())) co_return token.error();
    if (token.error() == errc::secret_missing) co_return shown_secret();
    auto pending_look = look_for_rotation(tools, f, token.error());
    auto found = co_await std::move(pending_look);
    co_return found;
}

/// After a rotation that showed no secret: the sink has the latest only if it holds the version that
/// the server shows now, which others may have raised further.
template <class Tools>
task_of<Tools, result<void>> look_for_latest(Tools& tools, rotation_flow& f) {
    auto pending = tools.get(f.token_id());
    auto const latest = co_await std::move(pending);
    if (!latest) co_return may_have_rotated(f, latest.error());
    f.lease.version = (std::max)(f.lease.version, latest->client_secret_version.value_or(0));
    co_return result<void>();
}

/// Raises the version; if that shows no secret, `/rotate` makes one. That ends no secret in use,
/// because these are revoked already.
template <class Tools>
task_of<Tools, result<shown_secret>> raise_or_rotate(Tools& tools, rotation_flow& f) {
    auto pending_raise = raise_version(tools, f);
    auto shown = co_await std::move(pending_raise);
    if (!shown || *shown) co_return shown;
    auto pending_look = look_for_latest(tools, f);
    auto const looked = co_await std::move(pending_look);
    if (!looked) co_return looked.error();
    ++f.lease.version; // whoever raised it before may have stored its secret
    auto pending_rotate = rotate_once(tools, f);
    auto again = co_await std::move(pending_rotate);
    if (!again || *again) co_return again;
    auto pending_check = look_for_latest(tools, f);
    auto const checked = co_await std::move(pending_check);
    if (!checked) co_return checked.error();
    co_return again;
}

/// Rotates the secret, in the way that the aim and the API allow.
template <class Tools>
task_of<Tools, result<shown_secret>> obtain_secret(Tools& tools, rotation_flow& f) {
    if (!f.has_version()) return rotate_once(tools, f);
    bool const leaves_none_in_use = f.aim == rotation_aim::revoke || f.aim == rotation_aim::replace;
    return leaves_none_in_use && tools.scope().is_account() ? raise_or_rotate(tools, f)
                                                            : raise_version(tools, f);
}

/// Whether the end of a grace is as promised; if secrets were to be revoked, whether it is over.
[[nodiscard]] inline bool keeps_promise(rotation_flow const& f, timestamp shown, timestamp now) {
    return f.aim == rotation_aim::revoke ? shown <= now : shown >= f.lease.until;
}

/// Sets the end of the grace, unless a later secret than `version` was made. 0: not known.
///
/// @return the end, as far as the server shows it
template <class Tools>
task_of<Tools, result<timestamp>> set_grace_end(Tools& tools, std::string id, std::int64_t version,
                                                timestamp until) {
    auto pending = tools.change_unless_later(
        std::move(id), version, update_params().previous_client_secret_expires_at(until));
    auto const changed = co_await std::move(pending);
    if (!changed) co_return changed.error();
    co_return changed->previous_client_secret_expires_at.value_or(until);
}

/// Sets the end of the grace until it is as promised, twice at the most; and again after faults
/// that pass, until `patience`.
///
/// @param version the latest that the server has shown; 0: none
/// @param shown the end as the server shows it; if empty, it is taken for the promised one
/// @return the end at last, as far as the server shows it
template <class Tools>
task_of<Tools, timestamp> mend_grace(Tools& tools, rotation_flow const& f, std::int64_t version,
                                     std::optional<timestamp> shown, time_point patience) {
    auto end = shown.value_or(f.lease.until);
    auto span = std::chrono::milliseconds(500);
    for (int tries = 0; tries != 2 && !keeps_promise(f, end, tools.now());) {
        auto pending = set_grace_end(tools, f.token_id(), version, f.lease.until);
        auto const set = co_await std::move(pending);
        if (set) end = *set;
        bool const passes =
            !set && (set.error() == condition::network || set.error() == condition::unavailable);
        if (passes && tools.steady_now() + span < patience) {
            auto pending_pause = tools.pause(span);
            co_await std::move(pending_pause);
            span = (std::min)(span * 2, std::chrono::milliseconds(8000));
        } else {
            ++tries;
        }
    }
    co_return end;
}

} // namespace cloudflare::inline v0::access::detail
