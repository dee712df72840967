/// Renewing the service tokens of a sink before they expire or their secrets grow old.
#pragma once

#include <cloudflare/access/detail/lease_keeping.hpp>
#include <cloudflare/access/renewal_plan.hpp>
#include <cloudflare/access/renewal_report.hpp>
#include <cloudflare/access/rotator.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Renews what a sink holds. Level-triggered: each round, in any process, finds the state of every
/// token from the server's list, the sink and the log alone, so that it continues what an earlier
/// round left. Only tokens that the sink holds are touched.
///
///     access::renewer renewer(client, account, sink, log,
///                             access::renewal_policy().rotate_after(std::chrono::days(30)));
///     auto report = co_await renewer.run_once();
///
/// A refresh keeps the token's own duration. A rotation is `rotator::rotate`. A token whose new
/// secret was lost is reported in every round, and the grace of the secret in use is extended, so
/// that it works until somebody decides. A grace that is over is not extended: somebody may have
/// ended it to revoke the secret.
///
/// Assumed: as for `rotator`; and at least one round in each grace.
///
/// Cancellation: a cancelled round stops before its next token; a rotation that has begun goes on
/// to its end. Threads: one round at a time.
template <class Client, listable_sink Sink, intent_log Log>
class renewer {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the renewer, and the renewer every round under way
    /// @param log the same
    renewer(Client client, any_scope scope, Sink& sink, Log& log,
            renewal_policy policy = renewal_policy(), rotation_options options = rotation_options())
        : tools_(client, scope, sink, log, options.common()),
          rotator_(client, scope, sink, log, options),
          policy_(std::move(policy)),
          options_(std::move(options)) {}

    /// The state of each token. Nothing changes.
    ///
    /// @return an error if sink, log or list cannot be read, or if the server shows none of the
    /// tokens held, which may be due to a missing permission
    [[nodiscard]] task<result<renewal_report>> look() {
        auto pending = gather();
        auto all = co_await std::move(pending);
        if (!all) co_return all.error();
        recall_graces(*all);
        renewal_report report;
        report.next_look = tools_.now().plus(policy_.poll_interval());
        for (auto const& one : all->tokens)
            report.tokens.push_back(planned(one, report).first);
        co_return report;
    }

    /// One round: does what is due. A failure of one token does not stop the others. Errors as for
    /// `look`.
    [[nodiscard]] task<result<renewal_report>> run_once() {
        auto pending = gather();
        auto all = co_await std::move(pending);
        if (!all) {
            ++failed_rounds_;
            co_return all.error();
        }
        auto pending_leases = detail::keep_leases(tools_, all->tokens, all->intents, options_);
        co_await std::move(pending_leases);
        recall_graces(*all);
        renewal_report report;
        report.next_look = tools_.now().plus(policy_.poll_interval());
        for (auto const& one : all->tokens) {
            auto [found, plan] = planned(one, report);
            auto pending_act = act(one, plan, found);
            co_await std::move(pending_act);
            look_again(one, found, report);
            bool const is_cancelled = found.failure && *found.failure == errc::cancelled;
            report.tokens.push_back(std::move(found));
            if (is_cancelled) break;
        }
        auto const failed = [](auto const& e) { return e.failure.has_value(); };
        bool const is_failure = std::any_of(report.tokens.begin(), report.tokens.end(), failed);
        failed_rounds_ = is_failure ? failed_rounds_ + 1 : 0;
        if (is_failure)
            report.next_look = (std::min)(report.next_look, tools_.now().plus(back_off()));
        co_return report;
    }

    /// Round after round, until `keep_running` returns false or the task is cancelled. After a
    /// failure the next round comes earlier: after half a minute at first, twice as long after each
    /// further failure, with jitter.
    ///
    /// @param keep_running called after each round
    [[nodiscard]] task<void> run(std::function<bool(result<renewal_report> const&)> keep_running) {
        for (;;) {
            auto pending = run_once();
            auto const report = co_await std::move(pending);
            if (!keep_running(report) || (!report && report.error() == errc::cancelled)) co_return;
            auto const wait =
                report ? report->next_look.seconds() - tools_.now().seconds() : back_off();
            auto const until = tools_.steady_now() + (std::max)(wait, std::chrono::seconds(1));
            co_await tools_.client().transport().sleep_until(until);
            if (tools_.steady_now() >= until) continue;
            auto pending_list = tools_.list(); // the wait ended early: its error tells if cancelled
            auto const asked = co_await std::move(pending_list);
            if (!asked && asked.error() == errc::cancelled) co_return;
        }
    }

private:
    using tools = detail::recovery<Client, Sink, Log>;
    using entry = renewal_report::entry;

    /// All that a round goes by. Not an aggregate: see "g++ 12's rules" in include/README.md.
    struct gathered {
        gathered() {}
        std::vector<held_and_shown> tokens{};
        std::vector<intent> intents{}; ///< of the log
    };

    /// What the sink holds, with what the server shows of it. If a newer secret was made than is
    /// held, the sink is read again: it may have been stored since.
    task<result<gathered>> gather() {
        auto pending_held = tools_.held();
        auto const held = co_await std::move(pending_held);
        if (!held) co_return held.error();
        gathered all;
        if (held->empty()) co_return all;
        auto pending_list = tools_.list();
        auto const listed = co_await std::move(pending_list);
        if (!listed && listed.error() != errc::forbidden) co_return listed.error();
        bool any_shown = listed && !listed->tokens.empty();
        for (auto const& h : *held) {
            auto pending_shown = show(h.token_id, listed ? &listed->tokens : nullptr);
            auto const shown = co_await std::move(pending_shown);
            if (!shown) co_return shown.error();
            any_shown = any_shown || *shown;
            all.tokens.push_back({h, *shown});
        }
        if (!any_shown) co_return none_shown(all.tokens.size());
        auto pending_intents = tools_.intents();
        auto intents = co_await std::move(pending_intents);
        if (!intents) co_return intents.error();
        all.intents = std::move(*intents);
        for (auto& one : all.tokens) {
            auto pending_settle = ask_again(one, all.intents);
            auto const asked = co_await std::move(pending_settle);
            if (!asked) co_return asked.error();
        }
        co_return all;
    }

    /// The token as it is listed; if it is not listed, as a get shows it.
    task<result<std::optional<service_token>>> show(std::string id,
                                                    std::vector<service_token> const* listed) {
        if (listed != nullptr)
            for (auto const& t : *listed)
                if (t.id == id) co_return std::optional<service_token>(t);
        auto pending = tools_.get(std::move(id));
        auto const got = co_await std::move(pending);
        if (got) co_return std::optional<service_token>(*got);
        if (got.error() == errc::not_found) co_return std::optional<service_token>();
        co_return got.error();
    }

    [[nodiscard]] static error none_shown(std::size_t count) {
        return {errc::not_found,
                error_details{.operation = "renew",
                              .explanation = "the server shows none of the " +
                                             std::to_string(count) +
                                             " tokens held: they were deleted, or the credentials "
                                             "may not read them"}};
    }

    task<result<void>> ask_again(held_and_shown& one, std::vector<intent> const& intents) {
        if (!one.shown) co_return result<void>();
        auto const* const lease = detail::lease_of(one.held.token_id, tools_.scope(), intents);
        one.is_under_way = lease != nullptr && detail::is_under_way(tools_, *lease);
        bool const is_older =
            detail::compare_versions(one.held, *one.shown) == detail::held_version::older;
        one.is_lost = !one.shown->client_secret_version && lease != nullptr && !one.is_under_way &&
                      detail::tells_of_loss(*lease);
        if (!is_older) co_return result<void>();
        auto pending = tools_.find_held(one.held.key);
        auto const held = co_await std::move(pending);
        if (!held) co_return held.error();
        if (*held && (*held)->token_id == one.held.token_id) one.held.version = (*held)->version;
        // A rotation under way has the newer secret, and will store it.
        if (one.is_under_way) one.shown->client_secret_version = one.held.version;
        co_return result<void>();
    }

    /// If the server does not show the end of a grace: when that is, as far as the log remembers it.
    void recall_graces(gathered& all) const {
        for (auto& one : all.tokens) {
            if (!one.shown || one.shown->previous_client_secret_expires_at) continue;
            auto const latest = one.shown->client_secret_version.value_or(0);
            one.remembered_end =
                detail::remembered_end(all.intents, one.held.token_id, tools_.scope(), latest);
        }
    }

    /// What is to be done with a token. Moves the next look to when the token is due.
    [[nodiscard]] std::pair<entry, renewal_plan> planned(held_and_shown const& one,
                                                         renewal_report& report) const {
        auto const plan = plan_renewal(one, policy_, tools_.now());
        entry e{one.held.key, one.held.token_id, one.held.client_id, one.held.version};
        e.state = plan.state;
        e.next = plan.next;
        e.next_at = plan.next_at;
        if (plan.next_due) report.next_look = (std::min)(report.next_look, *plan.next_due);
        if (!one.shown) return {std::move(e), plan};
        e.name = one.shown->name;
        e.expires_at = one.shown->expires_at;
        e.previous_valid_until = one.grace_end();
        if (plan.is_lost)
            e.failure =
                detail::rotation_lost(one.held.token_id, {e.previous_valid_until, tools_.now()});
        return {std::move(e), plan};
    }

    /// After a token was renewed: moves the next look to when it is due again.
    void look_again(held_and_shown one, entry& done, renewal_report& report) const {
        if (!one.shown || (!done.refreshed && !done.rotated)) return;
        one.shown->expires_at = done.expires_at;
        one.shown->previous_client_secret_expires_at = done.previous_valid_until;
        if (done.rotated) one.held.since = tools_.now();
        auto const plan = plan_renewal(one, policy_, tools_.now());
        done.next = plan.next;
        done.next_at = plan.next_at;
        if (plan.next_due) report.next_look = (std::min)(report.next_look, *plan.next_due);
    }

    task<void> act(held_and_shown const& one, renewal_plan plan, entry& e) {
        std::optional<error> not_refreshed;
        if (plan.refresh) {
            auto pending = refresh(*one.shown, e);
            not_refreshed = co_await std::move(pending);
            if (!e.failure) e.failure = not_refreshed; // a loss is worse, and stays
        }
        bool const replaces = plan.is_lost && policy_.replaces_lost();
        bool stays_lost = plan.is_lost;
        error not_replaced;
        if (plan.rotate || replaces) {
            auto pending = replaces ? rotator_.replace_lost(e.key, policy_.grace())
                                    : rotator_.rotate(e.key, e.token_id, policy_.grace());
            auto const done = co_await std::move(pending);
            e.rotated = done.has_value();
            if (done && plan.is_lost) e.failure = not_refreshed;
            if (done) e.previous_valid_until = done->previous_valid_until;
            if (done) e.version = done->token.client_secret_version.value_or(e.version);
            if (!done) e.failure = not_replaced = done.error();
            stays_lost = replaces && !done && leaves_loss(not_replaced);
        }
        if (stays_lost && plan.keep_alive) {
            auto pending = keep_alive(e);
            co_await std::move(pending);
        }
        if (stays_lost)
            e.failure = detail::rotation_lost(e.token_id, {e.previous_valid_until, tools_.now()},
                                              not_replaced);
        if (!plan.is_lost && is_grace_unneeded(one, plan)) {
            auto pending = rotator_.end_grace(e.token_id, one.held.version);
            auto const ended = co_await std::move(pending);
            if (!ended) e.failure = ended.error();
        }
    }

    /// An update with the token's own duration counts it from now; `/refresh` would make it a year.
    ///
    /// @return the error, if it failed
    task<std::optional<error>> refresh(service_token const& token, entry& e) {
        auto const lasting = token.duration.value_or(token_duration::hours(8760));
        auto pending = tools_.change(token.id, update_params().duration(lasting));
        auto const updated = co_await std::move(pending);
        e.refreshed = updated.has_value();
        if (updated && updated->expires_at) e.expires_at = updated->expires_at;
        co_return updated ? std::nullopt : std::optional(updated.error());
    }

    /// Whether a replacement that failed has changed nothing, and found the loss as it was.
    [[nodiscard]] static bool leaves_loss(error const& e) {
        return detail::is_certain(e) && e != errc::conflict && e != errc::cancelled;
    }
    task<void> keep_alive(entry& e) {
        auto pending = rotator_.keep_alive(e.key, policy_.grace() * 2);
        auto const until = co_await std::move(pending);
        if (until) e.previous_valid_until = *until;
    }

    [[nodiscard]] bool is_grace_unneeded(held_and_shown const& one,
                                         renewal_plan const& plan) const {
        auto const end = one.grace_end();
        return policy_.consumers() && end && *end > tools_.now() && !plan.rotate &&
               !one.is_under_way && plan.state != renewal_state::disabled &&
               policy_.consumers()(one.held);
    }

    /// Half a minute, doubled after each failed round, less a random part of up to half.
    [[nodiscard]] std::chrono::seconds back_off() const {
        auto const doubled = std::chrono::seconds(30) * (1 << (std::min)(failed_rounds_, 12));
        auto const span = (std::min)(doubled, policy_.poll_interval());
        auto const half = (std::max)(span / 2, std::chrono::seconds(1));
        auto const chance =
            options_.common().random_bits() % static_cast<std::uint64_t>(half.count());
        return span - std::chrono::seconds(static_cast<std::int64_t>(chance));
    }

    tools tools_;
    rotator<Client, Sink, Log> rotator_;
    renewal_policy policy_;
    rotation_options options_;
    int failed_rounds_ = 0;
};

} // namespace cloudflare::inline v0::access
