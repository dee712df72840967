/// Rotation without an outage: the secret in use lives until its replacement is delivered.
#pragma once

#include <cloudflare/access/detail/rotation_judging.hpp>
#include <cloudflare/access/detail/rotation_lease.hpp>
#include <cloudflare/access/detail/rotation_sending.hpp>
#include <cloudflare/access/detail/secret_storing.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// What a rotation gives: the token, whose new secret is in the sink. (A class, not an aggregate:
/// g++ 12.)
class rotated {
public:
    rotated() {}
    /// A rotation that is complete, with the end of the grace.
    rotated(service_token of, timestamp end) : token(std::move(of)), previous_valid_until(end) {}

    service_token token; ///< as the server shows it; its secret is in the sink
    /// When the secret before this one dies, as the server says: at least `grace` after the new one
    /// was stored, unless the server does not grant that.
    timestamp previous_valid_until;
};

/// Rotates secrets, so that a secret in use works until its replacement is in the sink and the
/// promised grace is over, whatever process dies or is stopped on the way.
///
///     access::rotator rotator(client, account, sink, log);
///     auto done = co_await rotator.rotate("machine-17", std::chrono::hours(24));
///
/// An intent in the log is the lease: one rotation of a token at a time. The secret is rotated by an
/// update that sets the next `client_secret_version`: sent again, or by another process, it changes
/// nothing, and a response without a secret tells that the version was there already. A version of
/// the server's above the one that the sink holds tells that a secret was lost. Where the API shows
/// no version, `/rotate` is sent once for each lease, and the end of the grace, written down before,
/// tells whether it acted.
///
/// The end of the grace is counted by the server's clock, which the client keeps, and counts from
/// when the new secret is stored.
///
/// Assumed: all who rotate the token share the log; no request acts later than the grace after it
/// was sent; nobody else rotates the token by hand. Where the API shows no version, also: no process
/// is stopped for longer than its lease lasts between its look and its store, and nobody changes the
/// end of a grace while a rotation is under way. A process that dies there after its store leaves a
/// rotation that is told as lost.
///
/// Cancellation: a rotation of which nothing was sent stops; any other goes on to its end, which
/// takes a transport that can (`shield`).
///
/// Threads: as the client, the sink and the log allow; rotations share nothing else.
template <class Client, secret_sink Sink, intent_log Log>
class rotator {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink, log must outlive the rotator, and the rotator every rotation under way
    rotator(Client client, any_scope scope, Sink& sink, Log& log,
            rotation_options options = rotation_options())
        : tools_(std::move(client), scope, sink, log, options.common()),
          options_(std::move(options)) {}

    /// Rotates the secret that the sink holds under the key. The new one is in the sink when this
    /// returns, and verified where the options say how.
    ///
    /// @param grace how long the secret in use is accepted after the new one is stored;
    /// `rotation_options::min_grace` at least
    /// @return the token; else
    /// - `errc::invalid_argument`: key, grace or options; also a key under which nothing is held
    /// - `errc::not_found`: the token does not exist any more
    /// - `errc::grace_running`: an earlier rotation's grace is not over; rotating would end it
    /// - `errc::conflict`: another rotation of the token has not ended by the deadline
    /// - `errc::rotation_lost`: a secret was rotated and is lost, by this rotation or an earlier one.
    ///   The secret in use works until the time that the error names. Choose: `extend_grace` and
    ///   wait, or `replace_lost`
    /// - `errc::sink_failed`: the sink cannot take a secret; where `delivery` is `accepted`, the
    ///   same as `rotation_lost`
    /// - any other: what the API or the network said; by `delivery`, whether the token may have been
    ///   rotated
    [[nodiscard]] task<result<rotated>> rotate(std::string key, std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::rotate, std::move(key), {}, grace));
    }
    /// The same for a token that the sink may not hold yet.
    [[nodiscard]] task<result<rotated>> rotate(std::string key, std::string token_id,
                                               std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::rotate, std::move(key), std::move(token_id), grace));
    }

    /// Rotates the secret and ends those before it at once, also one whose grace is running: for a
    /// compromise. Whoever uses one is refused until he reads the sink. Errors as for `rotate`, but
    /// for `grace_running` and what was lost before.
    [[nodiscard]] task<result<rotated>> revoke_and_rotate(std::string key,
                                                          std::string token_id = {}) {
        return run(flow(tools_, options_, aim::revoke, std::move(key), std::move(token_id), {}));
    }

    /// Rotates though an earlier grace is running, or a secret was lost: the last secret is accepted
    /// for `grace` more, and the one before it dies at once. Errors as for `rotate`, but for these
    /// two.
    [[nodiscard]] task<result<rotated>> replace_now(std::string key, std::string token_id,
                                                    std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::force, std::move(key), std::move(token_id), grace));
    }

    /// Makes another secret in place of one that was lost. The secret in use dies at once, for only
    /// one previous secret lives on, which is the lost one.
    ///
    /// @return as `rotate`; `errc::conflict` where no secret of the token is lost
    [[nodiscard]] task<result<rotated>> replace_lost(std::string key, std::chrono::seconds grace) {
        return run(flow(tools_, options_, aim::replace, std::move(key), {}, grace));
    }

    /// Moves the end of a running grace, or starts the grace anew: the secret before the last
    /// rotation works for `span` from now, by the server's clock.
    ///
    /// @return its end
    [[nodiscard]] task<result<timestamp>> extend_grace(std::string token_id,
                                                       std::chrono::seconds span) {
        auto pending_clock = learn_time(token_id);
        auto const known = co_await std::move(pending_clock);
        if (!known) co_return known.error();
        auto const until = tools_.now().plus(span);
        auto pending = tools_.change(std::move(token_id),
                                     update_params().previous_client_secret_expires_at(until));
        auto const changed = co_await std::move(pending);
        if (!changed) co_return changed.error();
        co_return changed->previous_client_secret_expires_at.value_or(until);
    }

    /// Ends a running grace, e.g. when all who use the token have the new secret: the previous one
    /// dies now.
    ///
    /// @param version that of the new secret, where it is known: if the token has another one, nothing
    /// is changed
    /// @return also `errc::conflict`: another rotation of the token is under way, or has made a later
    /// secret
    [[nodiscard]] task<result<void>> end_grace(std::string token_id, std::int64_t version = 0) {
        flow f(tools_, options_, aim::rotate, {}, std::move(token_id), {});
        f.end = tools_.steady_now(); // no wait for another rotation: consumers have no secret of it
        auto pending_clock = learn_time(f.token_id());
        auto const known = co_await std::move(pending_clock);
        if (!known) co_return known.error();
        f.lease.opened_at = tools_.now();
        auto pending_lease = detail::take_lease(tools_, f);
        auto const taken = co_await std::move(pending_lease);
        if (!taken) co_return taken.error();
        auto pending_end = end_grace_of_mine(f, version);
        auto const ended = co_await std::move(pending_end);
        auto pending_close = detail::give_back_unused(tools_, f);
        co_await std::move(pending_close);
        co_return ended;
    }

private:
    using tools = detail::recovery<Client, Sink, Log>;
    using flow = detail::rotation_flow;
    using aim = detail::rotation_aim;

    /// With the lease: nobody else rotates.
    task<result<void>> end_grace_of_mine(flow& f, std::int64_t version) {
        auto pending_get = tools_.get(f.token_id());
        auto const shown = co_await std::move(pending_get);
        if (!shown) co_return shown.error();
        auto const last = shown->client_secret_version.value_or(0);
        if (version != 0 && last != 0 && last != version)
            co_return detail::not_sent(errc::conflict,
                                       f.token_id() + " has another secret than that which is said "
                                                      "to be used");
        auto pending_close = detail::close_settled(tools_, f.token_id());
        auto const closed = co_await std::move(pending_close);
        if (!closed) co_return closed.error();
        auto pending = end_previous(f, last, tools_.now().plus(std::chrono::seconds(-1)));
        auto const ended = co_await std::move(pending);
        if (!ended) co_return ended.error();
        co_return result<void>();
    }

    /// Sets the end of the grace, unless a later secret than `version` was made.
    task<result<timestamp>> end_previous(flow& f, std::int64_t version, timestamp until) {
        auto params = update_params().previous_client_secret_expires_at(until);
        if (version != 0) params.client_secret_version(version); // refused where it is lower
        auto pending = tools_.change(f.token_id(), std::move(params));
        auto const changed = co_await std::move(pending);
        if (!changed) co_return changed.error();
        co_return changed->previous_client_secret_expires_at.value_or(until);
    }

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

    /// Until the lease is there, and all is known: nothing is changed at the server.
    task<result<void>> open(flow& f) {
        auto pending_holder = find_holder(f);
        auto const found = co_await std::move(pending_holder);
        if (!found) co_return found.error();
        auto pending_clock = learn_time(f.token_id()); // the lease is dated by the server's clock
        auto const known = co_await std::move(pending_clock);
        if (!known) co_return unchanged(known.error());
        f.lease.opened_at = tools_.now();
        auto pending_lease = detail::take_lease(tools_, f);
        auto const taken = co_await std::move(pending_lease);
        if (!taken) co_return taken.error();
        auto pending_judge = judge(f);
        auto const judged = co_await std::move(pending_judge);
        if (judged) co_return judged;
        bool const is_lost = judged.error() == errc::rotation_lost;
        auto pending_close =
            is_lost ? detail::leave_lost(tools_, f) : detail::give_back_unused(tools_, f);
        co_await std::move(pending_close);
        co_return judged.error();
    }

    /// Which token it is.
    task<result<void>> find_holder(flow& f) {
        auto pending = tools_.find_held(f.key);
        auto held = co_await std::move(pending);
        if (!held) co_return unchanged(held.error());
        f.held = std::move(*held);
        if (f.held && !f.token_id().empty() && f.held->token_id != f.token_id())
            co_return detail::not_sent(errc::sink_failed,
                                       "the key holds the token " + f.held->token_id);
        if (!f.held && f.token_id().empty())
            co_return detail::not_sent(errc::invalid_argument,
                                       "key: the sink holds no token under it");
        if (f.held) f.of(f.held->token_id);
        co_return result<void>();
    }

    /// Has the server tell its time, if it has not yet.
    task<result<void>> learn_time(std::string id) {
        if (tools_.this_moment().is_told) co_return result<void>();
        auto pending = tools_.get(std::move(id));
        auto const got = co_await std::move(pending);
        if (!got) co_return got.error();
        co_return result<void>();
    }

    /// Whether the token may be rotated, by what sink and server say now that nobody else rotates
    /// it; and writes down what is going to be sent.
    task<result<void>> judge(flow& f) {
        auto pending_holder = find_holder(f);
        auto const found = co_await std::move(pending_holder);
        if (!found) co_return found.error();
        auto const target = f.for_sink();
        auto pending_prepare = tools_.prepare(target);
        auto const prepared = co_await std::move(pending_prepare);
        if (!prepared) co_return unchanged(prepared.error());
        f.asked_at = tools_.steady_now();
        auto pending_get = tools_.get(f.token_id());
        auto shown = co_await std::move(pending_get);
        if (!shown) co_return unchanged(shown.error());
        f.before = std::move(*shown);
        f.shown_at = tools_.now();
        auto pending_memory = detail::recall_graces(tools_, f);
        auto const recalled = co_await std::move(pending_memory);
        if (!recalled) co_return unchanged(recalled.error());
        if (auto const fit = detail::judge_token(f, options_, tools_.now()); !fit) co_return fit;
        // After the end of the rotation an end of the grace would be in the past.
        if (auto const in_time = detail::check_in_time(tools_, f); !in_time) co_return in_time;
        plan(f);
        auto pending_update = tools_.update(f.lease);
        auto const written = co_await std::move(pending_update);
        if (!written) co_return unchanged(written.error());
        co_return detail::check_in_time(tools_, f);
    }

    /// What is going to be sent. The time that is left is added to the grace, which counts from when
    /// the secret is stored.
    void plan(flow& f) {
        auto const now = tools_.steady_now();
        auto const left = std::chrono::ceil<std::chrono::seconds>(f.end - now);
        f.lease.name = f.before.name;
        f.lease.until = f.aim == aim::revoke ? tools_.now().plus(std::chrono::seconds(-1))
                                             : f.latest_time(now).plus(f.grace + left);
        auto const version = f.before.client_secret_version;
        f.lease.version = version ? *version + 1 : 0;
    }

    /// From the first request that rotates to the end.
    task<result<rotated>> end(flow& f) {
        auto pending = obtain(f);
        auto shown = co_await std::move(pending);
        if (!shown) {
            if (detail::is_certain(shown.error()) && !f.is_unclear) {
                auto pending_close = detail::give_back_unused(tools_, f);
                co_await std::move(pending_close);
            }
            co_return shown.error();
        }
        auto pending_end = *shown ? deliver(f, std::move(**shown)) : find_delivered(f);
        auto ended = co_await std::move(pending_end);
        co_return ended;
    }

    task<result<detail::shown_secret>> obtain(flow& f) {
        if (f.lease.version == 0) return detail::rotate_once(tools_, f);
        bool const leaves_none_in_use = f.aim == aim::revoke || f.aim == aim::replace;
        return leaves_none_in_use && tools_.scope().is_account() ? raise_or_rotate(f)
                                                                 : detail::raise_version(tools_, f);
    }

    /// Where raising the version shows no secret, `/rotate` makes one. There is no secret in use that
    /// a second rotation could end: it is dead already.
    task<result<detail::shown_secret>> raise_or_rotate(flow& f) {
        auto pending_raise = detail::raise_version(tools_, f);
        auto shown = co_await std::move(pending_raise);
        if (!shown || *shown) co_return shown;
        ++f.lease.version; // whoever raised it before may have stored its secret
        auto pending_rotate = detail::rotate_once(tools_, f);
        auto again = co_await std::move(pending_rotate);
        if (!again || *again) co_return again;
        // Not shown either: the sink has it only where it holds what the server has now.
        auto pending_get = tools_.get(f.token_id());
        auto const latest = co_await std::move(pending_get);
        if (!latest) co_return detail::may_have_rotated(f.token_id(), latest.error());
        f.lease.version = (std::max)(f.lease.version, latest->client_secret_version.value_or(0));
        co_return again;
    }

    /// The new secret is in hand.
    task<result<rotated>> deliver(flow& f, issued_service_token token) {
        if (token.client_id.empty()) token.client_id = f.before.client_id;
        if (token.name.empty()) token.name = f.before.name;
        auto const shown_version = token.client_secret_version.value_or(0);
        if (!token.client_secret_version && f.lease.version != 0)
            token.client_secret_version = f.lease.version;
        auto pending_mend = detail::mend_grace(tools_, f, token.previous_client_secret_expires_at);
        auto until = co_await std::move(pending_mend);

        auto const target = f.for_sink();
        auto pending_store = detail::store_rotated(tools_, target, token);
        auto const stored = co_await std::move(pending_store);
        if (!stored) {
            auto pending_lost = detail::leave_lost(tools_, f);
            co_await std::move(pending_lost);
            co_return detail::rotation_lost(token.id, until, stored.error());
        }
        auto pending_late =
            f.aim == aim::revoke ? revoke_again(f, shown_version) : mend_after_store(f, until);
        auto const held_to = co_await std::move(pending_late);
        if (held_to) until = *held_to;
        // What the server has not granted yet, or not any more, is mended by renewal.
        if (!detail::keeps_promise(f, until, tools_.now())) f.is_unclear = true;
        auto pending_close = detail::give_back(tools_, f);
        co_await std::move(pending_close);
        if (!held_to) co_return may_be_accepted(f.token_id(), held_to.error());
        if (auto const verified = verify(token, until); !verified) co_return verified.error();
        co_return rotated(static_cast<service_token const&>(token), until);
    }

    /// A renewer that took the new secret for lost may have prolonged what was revoked.
    task<result<timestamp>> revoke_again(flow& f, std::int64_t version) {
        auto pending = end_previous(f, version, f.lease.until);
        auto ended = co_await std::move(pending);
        co_return ended;
    }
    [[nodiscard]] static error may_be_accepted(std::string const& id, error const& why) {
        return why.with([&](error_details& d) {
            d.operation = "rotate";
            d.delivery = delivery::accepted;
            d.explanation += d.explanation.empty() ? "" : "; ";
            d.explanation += "the new secret of " + id +
                             " is stored; whether the one before is still accepted is not known: "
                             "end_grace ends it";
        });
    }

    /// A store that took long has used up some of the grace.
    task<result<timestamp>> mend_after_store(flow& f, timestamp until) {
        auto const owed = f.latest_time(tools_.steady_now()).plus(f.grace);
        if (owed > f.lease.until) f.lease.until = owed;
        auto pending = detail::mend_grace(tools_, f, until);
        auto const mended = co_await std::move(pending);
        co_return result<timestamp>(mended);
    }

    /// The token was rotated, and this process was not shown the secret: somebody else may have
    /// stored it.
    task<result<rotated>> find_delivered(flow& f) {
        auto pending = tools_.find_held(f.key);
        auto const held = co_await std::move(pending);
        bool const is_delivered = held && *held && f.lease.version != 0 &&
                                  (*held)->token_id == f.token_id() &&
                                  (*held)->version >= f.lease.version;
        auto pending_mend = current_grace(f);
        auto const until = co_await std::move(pending_mend);
        auto pending_close =
            is_delivered ? detail::give_back(tools_, f) : detail::leave_lost(tools_, f);
        co_await std::move(pending_close);
        if (!held) co_return detail::rotation_lost(f.token_id(), until, held.error());
        if (!is_delivered) co_return detail::rotation_lost(f.token_id(), until);
        auto token = f.before;
        token.client_secret_version = (*held)->version;
        co_return rotated(std::move(token), until);
    }

    /// The end of the grace as the server has it, mended where it is before what was promised, and
    /// where the server does not tell now.
    task<timestamp> current_grace(flow& f) {
        auto pending = tools_.get(f.token_id());
        auto const shown = co_await std::move(pending);
        auto end = shown ? shown->previous_client_secret_expires_at : tools_.now();
        // A request of this rotation that came late has moved the end that another one promised.
        auto pending_memory = detail::recall_graces(tools_, f);
        auto const recalled = co_await std::move(pending_memory);
        if (recalled && f.promised_until > f.lease.until) {
            f.lease.until = f.promised_until;
            end = end.value_or(timestamp());
        }
        auto pending_mend = detail::mend_grace(tools_, f, end);
        auto until = co_await std::move(pending_mend);
        co_return until;
    }

    [[nodiscard]] result<void> verify(issued_service_token const& token, timestamp until) const {
        if (!options_.verifier()) return {};
        auto const verified = options_.verifier()(token);
        if (verified) return {};
        return verified.error().with([&](error_details& d) {
            d.operation = "rotate";
            d.delivery = delivery::accepted;
            d.explanation += d.explanation.empty() ? "" : "; ";
            d.explanation += "the new secret is stored and does not verify; the one before works "
                             "until " +
                             until.to_string();
        });
    }

    [[nodiscard]] static error unchanged(error const& why) {
        return why.with([](error_details& d) {
            if (d.operation.empty()) d.operation = "rotate";
            d.delivery = delivery::not_sent;
        });
    }

    tools tools_;
    rotation_options options_;
};

inline std::ostream& operator<<(std::ostream& out, rotated const& r) {
    return out << r.token << ", the previous secret is valid until " << r.previous_valid_until;
}

} // namespace cloudflare::inline v0::access
