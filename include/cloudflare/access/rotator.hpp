/// Rotation without an outage: the secret in use is accepted until its replacement is stored.
#pragma once

#include <cloudflare/access/detail/grace_change.hpp>
#include <cloudflare/access/detail/rotation_delivery.hpp>
#include <cloudflare/access/detail/rotation_lease.hpp>
#include <cloudflare/access/detail/rotation_opening.hpp>
#include <cloudflare/access/detail/rotation_sending.hpp>
#include <cloudflare/access/rotated.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// Rotates secrets so that the secret in use works until its replacement is in the sink and the
/// promised grace is over, even if processes die or are stopped on the way.
///
///     access::rotator rotator(client, account, sink, log);
///     auto done = co_await rotator.rotate("machine-17", std::chrono::hours(24));
///
/// An intent in the log is the lease: there is one rotation of a token at a time. An update that
/// sets the next `client_secret_version` rotates the secret. If it is sent twice, even by two
/// processes, the second has no effect, and its response has no secret. If the server's version is
/// above the sink's, a secret was lost. If the API shows no version, `/rotate` is sent once for
/// each lease, and the end of the grace, which is logged before, tells whether it acted.
///
/// The grace counts from when the new secret is stored, by the server's clock, which the client
/// keeps.
///
/// Assumed: all who rotate the token share the log; no request acts later than the grace after it
/// was sent; nobody rotates the token by hand; a get shows at once what `extend_grace` changed. If
/// the API shows no version, also: no process is stopped between its look and its store for longer
/// than its lease lasts, nobody changes the end of a grace by hand while a rotation is under way,
/// and no request that changes one acts late (nor where the API ignores a version that is too low,
/// and does not refuse it); if a process dies there after its store, the rotation is reported as
/// lost.
///
/// Cancellation: before anything is sent the rotation stops; after that it goes on to its end, if
/// the transport can shield it (`shield`).
///
/// Threads: as the client, the sink and the log allow; rotations share nothing else.
template <class Client, secret_sink Sink, intent_log Log>
class rotator {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the rotator, and the rotator every rotation under way
    /// @param log the same
    rotator(Client client, any_scope scope, Sink& sink, Log& log,
            rotation_options options = rotation_options())
        : tools_(std::move(client), scope, sink, log, options.common()),
          options_(std::move(options)) {}

    /// Rotates the secret that the sink holds under the key. The new one is in the sink when this
    /// returns, and verified if the options say how.
    ///
    /// @param grace how long the secret in use is accepted after the new one is stored; at least
    /// `rotation_options::min_grace`
    /// @return the token; or
    /// - `errc::invalid_argument`: key, grace or options; also a key under which nothing is held
    /// - `errc::not_found`: the token does not exist any more
    /// - `errc::grace_running`: an earlier rotation's grace is not over; rotating would end it
    /// - `errc::conflict`: another rotation of the token has not ended by the deadline
    /// - `errc::rotation_lost`: this rotation or an earlier one made a secret that is lost. The
    ///   secret in use works until the time that the error names: `extend_grace` extends that,
    ///   `replace_lost` makes another secret
    /// - `errc::sink_failed`: the sink cannot store a secret; if `delivery` is `accepted`, as for
    ///   `rotation_lost`
    /// - any other of the API or the network: `delivery` tells whether the token may have been
    ///   rotated
    [[nodiscard]] task<result<rotated>> rotate(std::string key, std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::rotate, std::move(key), {}, grace));
    }
    /// The same for a token that the sink may not hold yet.
    [[nodiscard]] task<result<rotated>> rotate(std::string key, std::string token_id,
                                               std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::rotate, std::move(key), std::move(token_id), grace));
    }

    /// Rotates the secret and revokes all earlier ones at once, also one whose grace is running:
    /// for a secret that was compromised. Programs are refused until they read the new one. Errors
    /// as for `rotate`, except `grace_running` and earlier losses.
    [[nodiscard]] task<result<rotated>> revoke_and_rotate(std::string key,
                                                          std::string token_id = {}) {
        return run(flow(tools_, options_, aim::revoke, std::move(key), std::move(token_id), {}));
    }

    /// Rotates even if an earlier grace is running or a secret was lost: the latest secret is
    /// accepted for `grace`, and the one before it is revoked at once. Errors as for `rotate`,
    /// except these two.
    [[nodiscard]] task<result<rotated>> replace_now(std::string key, std::string token_id,
                                                    std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::force, std::move(key), std::move(token_id), grace));
    }

    /// Makes another secret in place of one that was lost. The secret in use is revoked at once,
    /// because only one previous secret stays valid, which is the lost one.
    ///
    /// @return as `rotate`; `errc::conflict` if no secret of the token is lost
    [[nodiscard]] task<result<rotated>> replace_lost(std::string key, std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::replace, std::move(key), {}, grace));
    }

    /// Changes the end of the grace, even if it is over: the previous secret is accepted for `span`
    /// from now, by the server's clock.
    ///
    /// @return the end of the grace; `errc::conflict`, too, if another rotation of the token has not
    /// ended by the deadline
    [[nodiscard]] task<result<timestamp>> extend_grace(std::string token_id,
                                                       std::chrono::seconds span) {
        return change_grace(flow(tools_, options_, aim::rotate, {}, std::move(token_id), span), 0);
    }

    /// Extends the grace of the secret that the sink holds under the key, if the newer one is lost:
    /// it is accepted for `span` from now, by the server's clock.
    ///
    /// @return as `extend_grace`; `errc::conflict`, too, if no secret of the token is lost, or if the
    /// grace is over: somebody may have ended it to revoke the secret
    [[nodiscard]] task<result<timestamp>> keep_alive(std::string key, std::chrono::seconds span) {
        return change_grace(flow(tools_, options_, aim::replace, std::move(key), {}, span), 0);
    }

    /// Ends a running grace, e.g. when all programs have the new secret: the previous one is
    /// revoked.
    ///
    /// @param version of the new secret; if the token has another one, nothing changes. 0: not
    /// known
    /// @return `errc::conflict`, too, if another rotation of the token is under way or has made a
    /// later secret
    [[nodiscard]] task<result<void>> end_grace(std::string token_id, std::int64_t version = 0) {
        flow f(tools_, options_, aim::revoke, {}, std::move(token_id), {});
        auto pending = change_grace(std::move(f), version);
        auto const ended = co_await std::move(pending);
        if (!ended) co_return ended.error();
        co_return result<void>();
    }

private:
    using tools = detail::recovery<Client, Sink, Log>;
    using flow = detail::rotation_flow;
    using aim = detail::rotation_aim;

    task<result<rotated>> run(flow f) {
        if (auto const ok = check(f); !ok) co_return ok.error();
        auto pending_open = open(f);
        auto const opened = co_await std::move(pending_open);
        if (!opened) co_return opened.error();
        auto pending_end = tools_.shielded(end(f));
        auto ended = co_await std::move(pending_end);
        co_return ended;
    }

    [[nodiscard]] result<void> check(flow const& f) const {
        if (auto const ok = options_.check(); !ok) return ok;
        if (f.aim != aim::revoke && f.grace < options_.min_grace())
            return error(errc::invalid_argument,
                         "grace: must be at least " + std::to_string(options_.min_grace().count()) +
                             " s; revoke_and_rotate ends the secret in use at once");
        return {};
    }

    /// Until the lease is taken and the plan is logged. Nothing changes at the server.
    task<result<void>> open(flow& f) {
        auto pending_holder = detail::find_holder(tools_, f);
        auto const found = co_await std::move(pending_holder);
        if (!found) co_return found.error();
        auto pending_clock = detail::learn_time(tools_, f.token_id()); // which dates the lease
        auto const known = co_await std::move(pending_clock);
        if (!known) co_return detail::unchanged(known.error());
        f.lease.opened_at = tools_.now();
        auto pending_lease = detail::take_lease(tools_, f, f.end);
        auto const taken = co_await std::move(pending_lease);
        if (!taken) co_return taken.error();
        auto pending_judge = detail::judge_rotation(tools_, f, options_);
        auto const judged = co_await std::move(pending_judge);
        if (judged) co_return judged;
        bool const is_lost = judged.error() == errc::rotation_lost;
        auto pending_close =
            is_lost ? detail::leave_lost(tools_, f) : detail::give_back_unused(tools_, f);
        co_await std::move(pending_close);
        co_return judged.error();
    }

    /// From the first request that rotates to the end.
    task<result<rotated>> end(flow& f) {
        auto pending = detail::obtain_secret(tools_, f);
        auto shown = co_await std::move(pending);
        if (!shown) {
            if (detail::is_certain(shown.error()) && !f.is_unclear) {
                auto pending_close = detail::give_back_unused(tools_, f);
                co_await std::move(pending_close);
            }
            co_return shown.error();
        }
        auto pending_end = *shown ? detail::deliver(tools_, f, options_, std::move(**shown))
                                  : detail::find_delivered(tools_, f);
        auto ended = co_await std::move(pending_end);
        co_return ended;
    }

    /// Changes the end of the grace by the lease, so that nobody rotates the token meanwhile.
    ///
    /// @param version as for `end_grace`
    task<result<timestamp>> change_grace(flow f, std::int64_t version) {
        auto pending_token = detail::find_changed(tools_, f);
        auto const found = co_await std::move(pending_token);
        if (!found) co_return found.error();
        auto pending_clock = detail::learn_time(tools_, f.token_id());
        auto const known = co_await std::move(pending_clock);
        if (!known) co_return known.error();
        f.lease.opened_at = tools_.now();
        // The grace of a rotation under way is not ended: its secret is not in use yet.
        auto const patience = f.aim == aim::revoke ? tools_.steady_now() : f.end;
        auto pending_lease = detail::take_lease(tools_, f, patience);
        auto const taken = co_await std::move(pending_lease);
        if (!taken) co_return taken.error();
        auto pending_change = detail::change_by_lease(tools_, f, options_, version);
        auto const changed = co_await std::move(pending_change);
        bool const is_unused = f.inherited || f.lease.until == timestamp();
        auto pending_close =
            is_unused ? detail::give_back_unused(tools_, f) : detail::give_back(tools_, f);
        co_await std::move(pending_close);
        co_return changed;
    }

    tools tools_;
    rotation_options options_;
};

} // namespace cloudflare::inline v0::access
