/// The tokens of a program that issues on request, by key: given, rotated, revoked, renewed.
#pragma once

#include <cloudflare/access/detail/recovery.hpp>
#include <cloudflare/access/held_secret.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/presence.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/access/renewer.hpp>
#include <cloudflare/access/rotator.hpp>
#include <cloudflare/core/detail/options_base.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// A key's token, with its secret. Not an aggregate: see "g++ 12's rules" in include/README.md.
class kept_token {
public:
    kept_token() {}
    /// What a sink holds.
    explicit kept_token(held_secret h) : held(std::move(h)) {}

    held_secret held;                    ///< as the sink holds it, with the secret opened
    std::optional<timestamp> expires_at; ///< empty: not known yet, or never
    bool is_new = false;                 ///< issued by this call
};

/// Options of a `token_keeper`. Built by chained setters.
class keeper_options : public cloudflare::detail::options_base<keeper_options> {
public:
    /// How long an issue or a rotation may take. What is open for twice as long belongs to a dead
    /// process, and is settled. From 1 s to a day; default 30 s.
    keeper_options& deadline(std::chrono::seconds span) noexcept {
        return set(deadline_, std::clamp(span, std::chrono::seconds(1),
                                         std::chrono::seconds(std::chrono::days(1))));
    }
    [[nodiscard]] std::chrono::seconds deadline() const noexcept { return deadline_; }

    /// When tokens are renewed, and the grace of every rotation.
    keeper_options& policy(renewal_policy p) { return set(policy_, std::move(p)); }
    [[nodiscard]] renewal_policy const& policy() const noexcept { return policy_; }

    /// From the beginning of a round to that of the next one. At least 1 s; default a minute.
    keeper_options& interval(std::chrono::seconds span) noexcept {
        return set(interval_, (std::max)(span, std::chrono::seconds(1)));
    }
    [[nodiscard]] std::chrono::seconds interval() const noexcept { return interval_; }

    /// Whether other processes use sink and log, too. If not, what is open at the start was left by
    /// a dead process, and is settled before the first issue. Default true.
    keeper_options& shared(bool on) noexcept { return set(shared_, on); }
    [[nodiscard]] bool shared() const noexcept { return shared_; }

    /// Of issues and of reconciliation. An unknown outcome is left to the next round.
    [[nodiscard]] issue_options issuing() const {
        auto const absent = (std::max)(deadline_ * 4, std::chrono::seconds(600));
        issue_options o;
        o.deadline(deadline_).settle_window(std::chrono::seconds(0));
        return o.min_age(deadline_ * 2).presumed_absent_age(absent);
    }
    /// Of rotations.
    [[nodiscard]] rotation_options rotating() const {
        auto const grace = (std::min)(policy_.grace(), std::chrono::seconds(300));
        rotation_options o;
        o.deadline(deadline_).min_age(deadline_ * 2).min_grace(grace);
        return o.settle_window(std::chrono::seconds(1));
    }

private:
    std::chrono::seconds deadline_{30};
    renewal_policy policy_;
    std::chrono::seconds interval_{60};
    bool shared_ = true;
};

/// What a round of a `token_keeper` did. Not an aggregate.
class keeper_round {
public:
    /// A round that has settled intents.
    explicit keeper_round(result<reconciled> r) : settled(std::move(r)) {}

    result<reconciled> settled;                      ///< intents, and strays
    std::optional<result<renewal_report>> renewed{}; ///< empty in a round at the start
};

/// Gives each key its token and looks after all of them: `issuer`, `rotator`, `reconciler` and
/// `renewer` over one sink and one log, for a server that issues tokens on request.
///
///     access::token_keeper keeper(client, account, sink, log);
///     asio::co_spawn(context, keeper.run(log_round), asio::detached); // beside
///     ...
///     auto token = co_await keeper.issue("machine-17", access::create_params("machine-17"));
///
/// Errors: those of `issuer::issue`, `rotator::rotate`, the sink and the log; `errc::conflict`, with
/// a time after which to try again, for a key that this object is rotating or revoking, and for
/// issues before it `is_ready`.
///
/// Cancellation: before anything is sent an operation stops; after that it goes on to its end, if
/// the transport can shield it (`shield`). Threads: one at a time, as on a strand; operations that
/// are awaited may overlap.
template <class Client, readable_sink Sink, intent_log Log>
class token_keeper {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the keeper, and the keeper every operation under way
    /// @param log as the sink
    token_keeper(Client client, any_scope scope, Sink& sink, Log& log,
                 keeper_options options = keeper_options())
        : options_(std::move(options)),
          tools_(client, scope, sink, log, options_.issuing()),
          issuer_(client, scope, sink, log, options_.issuing()),
          rotator_(client, scope, sink, log, options_.rotating()),
          reconciler_(client, scope, sink, log, options_.issuing()),
          at_once_(client, scope, sink, log, no_age()),
          renewer_(client, scope, sink, log, options_.policy(), options_.rotating()),
          sink_(sink),
          is_ready_(options_.shared()) {}

    /// The token that the sink holds under the key, or nothing. Nothing is sent.
    [[nodiscard]] task<result<std::optional<kept_token>>> held(std::string key) {
        auto pending = detail::as_task<Client>(sink_.read(key));
        auto read = co_await std::move(pending);
        if (!read) co_return read.error();
        std::optional<kept_token> found;
        if (!*read) co_return found;
        found.emplace(std::move(**read));
        auto const known = states_.find(key);
        if (known != states_.end()) found->expires_at = known->second.expires_at;
        co_return found;
    }

    /// The key's token: the one that the sink holds, or else a new one.
    ///
    /// @param params of a new token
    [[nodiscard]] task<result<kept_token>> issue(std::string key, create_params params) {
        if (!is_ready_) co_return busy("what was left open is not settled yet");
        auto pending = issuer_.issue(key, std::move(params));
        auto const done = co_await std::move(pending);
        if (!done) co_return done.error();
        if (done->already_held) {
            auto pending_held = held(key);
            auto there = co_await std::move(pending_held);
            if (!there) co_return there.error();
            if (!*there) co_return was_revoked();
            co_return std::move(**there);
        }
        auto pending_note = noted(key, done->token);
        auto token = co_await std::move(pending_note);
        if (token) token->is_new = true;
        co_return token;
    }

    /// The key's token with a new secret. The one before is accepted for the policy's grace.
    [[nodiscard]] task<result<kept_token>> rotate(std::string key) {
        turn const mine(busy_, key);
        if (mine.is_taken()) co_return busy("the key is being rotated or revoked");
        auto pending = rotator_.rotate(key, options_.policy().grace());
        auto const done = co_await std::move(pending);
        if (!done) co_return done.error();
        auto pending_note = noted(key, done->token);
        auto token = co_await std::move(pending_note);
        co_return token;
    }

    /// Deletes the key's token, and then removes its secret from the sink.
    ///
    /// @return `presence::absent` if the sink holds nothing under the key
    [[nodiscard]] task<result<presence>> revoke(std::string key) {
        turn const mine(busy_, key);
        if (mine.is_taken()) co_return busy("the key is being rotated or revoked");
        auto pending = tools_.find_held(key);
        auto const found = co_await std::move(pending);
        if (!found) co_return found.error();
        if (!*found) co_return presence::absent;
        auto pending_end = tools_.shielded(tools_.withdraw((*found)->token_id));
        auto const ended = co_await std::move(pending_end);
        if (!ended) co_return ended.error();
        changed_.insert(key);
        states_.erase(key);
        co_return presence::there;
    }

    /// Settles intents and renews tokens, round after round, until `keep_running` returns false or
    /// the task is cancelled. Run it once.
    ///
    /// @param keep_running called after each round
    [[nodiscard]] task<void> run(std::function<bool(keeper_round const&)> keep_running) {
        for (;;) {
            auto const begun = tools_.steady_now();
            auto pending = round();
            auto const done = co_await std::move(pending);
            if (!keep_running(done) || is_cancelled(done)) co_return;
            if (is_ready_ && !done.renewed) continue;
            auto const span = is_ready_ ? options_.interval() : std::chrono::seconds(1);
            co_await tools_.client().transport().sleep_until(begun + span);
        }
    }

    /// Whether issues are possible: what was left open has been settled, where that has to be.
    [[nodiscard]] bool is_ready() const noexcept { return is_ready_; }

    /// The states of tokens by key: as of the last round, and of what was issued, rotated
    /// and revoked since.
    [[nodiscard]] std::map<std::string, renewal_report::entry> const& states() const noexcept {
        return states_;
    }

private:
    /// Marks a key as busy.
    class turn {
    public:
        turn(std::set<std::string>& busy, std::string const& key)
            : busy_(busy), at_(busy.insert(key)) {}
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() {
            if (at_.second) busy_.erase(at_.first);
        }
        [[nodiscard]] bool is_taken() const noexcept { return !at_.second; }

    private:
        std::set<std::string>& busy_;
        std::pair<std::set<std::string>::iterator, bool> at_;
    };

    [[nodiscard]] static error busy(char const* why) {
        return {errc::conflict, error_details{.explanation = why,
                                              .delivery = delivery::not_sent,
                                              .retry_after = std::chrono::seconds(1)}};
    }
    [[nodiscard]] static error was_revoked() {
        return {errc::not_found, "the token was revoked meanwhile"};
    }
    [[nodiscard]] static issue_options no_age() {
        issue_options o;
        return o.min_age(std::chrono::seconds(0)).presumed_absent_age(std::chrono::seconds(0));
    }
    [[nodiscard]] static bool is_cancelled(keeper_round const& r) {
        if (!r.settled && r.settled.error() == errc::cancelled) return true;
        return r.renewed && !*r.renewed && r.renewed->error() == errc::cancelled;
    }

    task<keeper_round> round() {
        if (!is_ready_) {
            auto pending = at_once_.run_once();
            auto settled = co_await std::move(pending);
            is_ready_ = settled.has_value();
            co_return keeper_round(std::move(settled));
        }
        auto pending = reconciler_.run_once();
        auto settled = co_await std::move(pending);
        auto pending_strays = reconciler_.find_strays(); // also if no intent was due
        auto strays = co_await std::move(pending_strays);
        if (settled && strays) settled->strays = std::move(*strays);
        keeper_round done(std::move(settled));
        changed_.clear();
        auto pending_renew = renewer_.run_once();
        done.renewed = co_await std::move(pending_renew);
        if (*done.renewed) note(**done.renewed);
        co_return done;
    }

    /// What the sink holds now, after the token was issued or rotated. Notes its state.
    task<result<kept_token>> noted(std::string key, service_token shown) {
        auto pending = detail::as_task<Client>(sink_.read(key));
        auto read = co_await std::move(pending);
        if (!read) co_return read.error();
        if (!*read) co_return was_revoked();
        kept_token token(std::move(**read));
        token.expires_at = shown.expires_at;
        auto const& held = token.held.token;
        auto const plan = plan_renewal({held, shown}, options_.policy(), tools_.now());
        renewal_report::entry e{key, held.token_id, held.client_id, held.version, shown.name};
        e.state = plan.state;
        e.expires_at = shown.expires_at;
        e.next = plan.next;
        e.next_at = plan.next_at;
        changed_.insert(key);
        states_.insert_or_assign(key, std::move(e));
        co_return token;
    }

    void note(renewal_report const& report) {
        auto const& all = report.tokens;
        bool const is_cut_short =
            !all.empty() && all.back().failure && *all.back().failure == errc::cancelled;
        if (!is_cut_short)
            std::erase_if(states_, [&](auto const& e) { return !changed_.contains(e.first); });
        for (auto e : all) {
            if (changed_.contains(e.key)) continue;
            if (e.rotated || e.refreshed) e.state = renewal_state::fresh;
            states_.insert_or_assign(e.key, std::move(e));
        }
    }

    keeper_options options_;
    detail::recovery<Client, Sink, Log> tools_;
    issuer<Client, Sink, Log> issuer_;
    rotator<Client, Sink, Log> rotator_;
    reconciler<Client, Sink, Log> reconciler_, at_once_;
    renewer<Client, Sink, Log> renewer_;
    Sink& sink_;
    bool is_ready_;
    std::map<std::string, renewal_report::entry> states_;
    std::set<std::string> changed_; ///< since the last round began to renew
    std::set<std::string> busy_;    ///< being rotated or revoked
};

} // namespace cloudflare::inline v0::access
