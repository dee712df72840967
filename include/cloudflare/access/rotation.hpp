/// Rotation without an outage: the secret in use lives until its replacement is delivered.
#pragma once

#include <cloudflare/access/rotation_options.hpp>
#include <cloudflare/access/rotation_sink.hpp>
#include <cloudflare/access/service_token_operations.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// What a rotation gives: the token, whose new secret is in the sink.
struct rotated {
    service_token token;
    timestamp previous_valid_until; ///< when the secret before this one dies
};

/// Rotates secrets. Only one previous secret lives on, so a rotate that is sent twice revokes the
/// secret in use.
///
///     access::rotation rotation(client, account, sink);
///     auto done = co_await rotation.rotate(id, std::chrono::hours(24));
///
/// Where the API shows a token's `client_secret_version`, the secret is rotated by an update that
/// sets the next version: sent again after a lost response, or by another process, it changes
/// nothing, and a response without a secret tells that the version was there already. Where no
/// version is shown, `/rotate` is sent once, and `updated_at` and the end of the grace period tell
/// whether it acted.
///
/// Source: an update that raises the version responds with the new secret (acceptance tests of
/// Cloudflare's Terraform provider).
///
/// Cancellation: a rotation that has its secret stores it. One cancelled earlier may have acted;
/// the error says so.
template <class Client, rotation_sink Sink>
class rotation {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the rotation, and the rotation every call under way
    rotation(Client client, any_scope scope, Sink& sink,
             rotation_options options = rotation_options())
        : client_(std::move(client)), scope_(scope), sink_(sink), options_(std::move(options)) {}

    /// Rotates the secret; the one in use is accepted for `grace` more. The new secret is in the
    /// sink when this returns, and verified where the options say how.
    ///
    /// @return the token; else
    /// - `errc::grace_running`: an earlier rotation's grace period has not ended; rotating would
    /// end it. Nothing was done.
    /// - `errc::rotation_lost`: the secret was rotated and the new one is lost. The secret in use
    /// works until the time
    ///   that the error names. Choose: `replace_now`, which revokes it at once, or `extend_grace`
    ///   and wait.
    /// - `errc::sink_failed`: the same, for the sink did not take the new secret.
    /// - any other: what the API or the network said; by `delivery`, whether the token may have
    /// been rotated.
    [[nodiscard]] task<result<rotated>> rotate(std::string id, std::chrono::seconds grace) {
        return turn(std::move(id), grace, false);
    }

    /// Rotates the secret though an earlier grace period is running: the secret before the last one
    /// is revoked at once. Errors as for `rotate`, but for `grace_running`.
    [[nodiscard]] task<result<rotated>> replace_now(std::string id, std::chrono::seconds grace) {
        return turn(std::move(id), grace, true);
    }

    /// Moves the end of a running grace period.
    [[nodiscard]] task<result<updated_service_token>> extend_grace(std::string id,
                                                                   timestamp until) {
        return client_.call(update_service_token(
            scope_, std::move(id), update_params().previous_client_secret_expires_at(until)));
    }

    /// Ends a running grace period, e.g. after a compromise: the previous secret dies now.
    [[nodiscard]] task<result<updated_service_token>> end_grace(std::string id) {
        return extend_grace(std::move(id), options_.now().plus(std::chrono::seconds(-1)));
    }

private:
    static constexpr int max_sends = 4;

    task<result<rotated>> turn(std::string id, std::chrono::seconds grace, bool force) {
        auto pending = client_.call(get_service_token(scope_, id));
        auto const before = co_await std::move(pending);
        if (!before) co_return before.error();
        auto const now = options_.now();
        auto const running = before->previous_client_secret_expires_at;
        if (!force && running && *running > now) co_return grace_running(id, *running);

        timestamp const until(now.plus(grace).seconds());
        auto pending_sending = before->client_secret_version ? raise_version(*before, until)
                                                             : send_rotate(*before, until);
        auto token = co_await std::move(pending_sending);
        if (!token) co_return token.error();
        if (token->client_id.empty()) token->client_id = before->client_id;
        auto const delivered = deliver(*token, until);
        if (!delivered) co_return delivered.error();
        co_return rotated{static_cast<service_token const&>(*token), until};
    }

    [[nodiscard]] static error grace_running(std::string const& id, timestamp until) {
        return {errc::grace_running,
                error_details{.explanation = "the secret before the one of " + id +
                                             " works until " + until.to_string() +
                                             "; wait, or choose replace_now, which revokes it",
                              .delivery = delivery::not_sent}};
    }

    /// The secret was rotated, and nobody has the new one.
    [[nodiscard]] static error lost(std::string const& id, timestamp until, error const& why,
                                    errc code = errc::rotation_lost) {
        auto details = why.details();
        details.operation = "rotate";
        details.delivery = delivery::accepted;
        details.explanation += details.explanation.empty() ? "" : "; ";
        details.explanation += id +
                               " was rotated and its new secret is not stored; the secret in use "
                               "works until " +
                               until.to_string() +
                               ": choose replace_now, which revokes it now, or extend_grace";
        return {code, std::move(details)};
    }

    /// Sets the next version, as often as it takes to get a response: only the first to arrive
    /// rotates.
    task<result<issued_service_token>> raise_version(service_token const& before, timestamp until) {
        auto const params = update_params()
                                .client_secret_version(*before.client_secret_version + 1)
                                .previous_client_secret_expires_at(until);
        error last;
        for (int i = 0; i != max_sends; ++i) {
            auto pending = client_.call(update_service_token(scope_, before.id, params));
            auto updated = co_await std::move(pending);
            if (updated) {
                auto token = as_issued(std::move(*updated));
                if (token) co_return token;
                co_return lost(before.id, until, token.error());
            }
            bool const sent_before =
                i != 0; // and its outcome is unknown, or this would not be a second
            last = updated.error();
            bool const unknown =
                last.delivery() == delivery::unknown || last.delivery() == delivery::accepted;
            // Refused now, but an earlier sending may have acted.
            if (!unknown && sent_before) break;
            if (!unknown || last == errc::cancelled) co_return last;
            auto& transport = client_.transport();
            co_await transport.sleep_until(transport.now() + options_.pause() * (1 << i));
        }
        co_return may_have_rotated(before.id, last);
    }

    /// Sends `/rotate` once. After a lost response the token is looked at until the settle window
    /// ends.
    task<result<issued_service_token>> send_rotate(service_token const& before, timestamp until) {
        auto pending = client_.call(rotate_service_token(
            scope_, before.id, rotate_params().previous_client_secret_expires_at(until)));
        auto token = co_await std::move(pending);
        if (token) co_return token;
        auto const why = token.error();
        if (why.delivery() == delivery::not_sent || why.delivery() == delivery::rejected)
            co_return why;
        if (why == errc::cancelled) co_return may_have_rotated(before.id, why);

        auto& transport = client_.transport();
        auto const end = transport.now() + options_.settle_window();
        while (transport.now() < end) {
            auto pending_call = client_.call(get_service_token(scope_, before.id));
            auto const after = co_await std::move(pending_call);
            if (after && has_rotated(before, *after, until)) co_return lost(before.id, until, why);
            if (!after && after.error() == errc::cancelled) break;
            co_await transport.sleep_until(transport.now() + options_.pause());
        }
        co_return may_have_rotated(before.id, why);
    }

    [[nodiscard]] static bool has_rotated(service_token const& before, service_token const& after,
                                          timestamp until) noexcept {
        return after.previous_client_secret_expires_at == until ||
               after.client_secret_version.value_or(0) > before.client_secret_version.value_or(0);
    }

    [[nodiscard]] static error may_have_rotated(std::string const& id, error const& why) {
        return why.with([&](error_details& d) {
            d.delivery = delivery::unknown;
            d.explanation += d.explanation.empty() ? "" : "; ";
            d.explanation += id + " may have been rotated or may be yet: the secret in use works, "
                                  "within its grace; look at the token before you rotate again";
        });
    }

    [[nodiscard]] result<void> deliver(issued_service_token const& token, timestamp until) {
        if (auto const stored = sink_.store(token); !stored)
            return lost(token.id, until, stored.error(), errc::sink_failed);
        if (!options_.verifier()) return {};
        auto const verified = options_.verifier()(token);
        if (verified) return {};
        return verified.error().with([&](error_details& d) {
            d.delivery = delivery::accepted;
            d.explanation += "; the new secret is stored and does not verify; the one before works "
                             "until " +
                             until.to_string();
        });
    }

    Client client_;
    any_scope scope_;
    Sink& sink_;
    rotation_options options_;
};

} // namespace cloudflare::inline v0::access
