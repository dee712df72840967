/// Renewing service tokens before they expire or their secrets grow old.
#pragma once

#include <cloudflare/access/renewal_plan.hpp>
#include <cloudflare/access/rotation.hpp>
#include <cloudflare/access/service_tokens.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What one round of renewal did.
struct renewal_report {
    struct failure {
        std::string id;
        error why;
    };
    std::vector<std::string> refreshed; ///< ids
    std::vector<std::string> rotated;   ///< ids; the new secrets are in the sink
    /// What failed. A token whose new secret is lost (`rotation_lost`, `sink_failed`) is here in
    /// every round until it is replaced: its secret in use dies at the end of the grace period. A
    /// new process does not know of it.
    std::vector<failure> failed;
    timestamp next_look;
};

/// Renews the tokens of a scope, by plan and at a pace that the account's rate allows.
///
/// Only tokens that the sink holds are renewed: what somebody else uses is theirs to renew.
template <class Client, rotation_sink Sink>
class renewal {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the renewal, and the renewal every round under way
    renewal(Client client, any_scope scope, Sink& sink, renewal_policy policy = renewal_policy(),
            rotation_options options = rotation_options())
        : client_(std::move(client)),
          scope_(scope),
          sink_(sink),
          policy_(policy),
          options_(std::move(options)) {}

    /// One round: lists, plans, and does what is due. An error where the list or the sink cannot be
    /// read.
    [[nodiscard]] task<result<renewal_report>> run_once() {
        service_tokens tokens(client_, scope_);
        auto pending = tokens.list_all();
        auto all = co_await std::move(pending);
        if (!all) co_return all.error();
        std::vector<service_token> ours;
        for (auto& token : *all) {
            auto const held = sink_.holds(token.id);
            if (!held) co_return held.error();
            if (*held) ours.push_back(std::move(token));
        }

        auto const plan = plan_renewal(ours, policy_, options_.now());
        renewal_report report{
            .refreshed = {}, .rotated = {}, .failed = {}, .next_look = plan.next_look};
        auto& transport = client_.transport();
        for (auto const& lost : std::exchange(lost_, {})) {
            co_await transport.sleep_until(transport.now() + policy_.pace());
            auto pending_settle = settle(lost);
            auto const failed = co_await std::move(pending_settle);
            note(lost.id, failed, report.rotated, report);
        }
        for (auto const& due : plan.due) {
            co_await transport.sleep_until(transport.now() + policy_.pace());
            bool const refreshes = due.what == renewal_action::refresh;
            auto pending_doing = refreshes ? refresh(due.token) : rotate(due.token.id, false);
            auto const failed = co_await std::move(pending_doing);
            note(due.token.id, failed, refreshes ? report.refreshed : report.rotated, report);
            if (failed && *failed == errc::cancelled) break;
        }
        co_return report;
    }

    /// Round after round, until `keep_running` says no or the call is cancelled. A round that fails is
    /// tried again a minute later.
    ///
    /// @param keep_running called after each round
    [[nodiscard]] task<void> run(std::function<bool(result<renewal_report> const&)> keep_running) {
        for (;;) {
            auto pending = run_once();
            auto const report = co_await std::move(pending);
            if (!keep_running(report) || (!report && report.error() == errc::cancelled)) co_return;
            auto& transport = client_.transport();
            auto const wait = report && report->failed.empty()
                                  ? report->next_look.seconds() - options_.now().seconds()
                                  : std::chrono::minutes(1);
            co_await transport.sleep_until(transport.now() +
                                           (std::max)(wait, std::chrono::seconds(1)));
        }
    }

private:
    /// In a zone there is no refresh: an update with the token's own duration counts it from now.
    task<std::optional<error>> refresh(service_token token) {
        if (scope_.is_account()) {
            auto pending = client_.call(refresh_service_token(scope_, token.id));
            auto const refreshed = co_await std::move(pending);
            if (!refreshed) co_return refreshed.error();
            co_return std::nullopt;
        }
        auto const lasting = token.duration.value_or(token_duration::hours(8760));
        auto updating =
            client_.call(update_service_token(scope_, token.id, update_params().duration(lasting)));
        auto const updated = co_await std::move(updating);
        if (!updated) co_return updated.error();
        co_return std::nullopt;
    }

    task<std::optional<error>> rotate(std::string id, bool now) {
        rotation turning(client_, scope_, sink_, options_);
        auto pending = now ? turning.replace_now(std::move(id), policy_.grace())
                           : turning.rotate(std::move(id), policy_.grace());
        auto const done = co_await std::move(pending);
        if (!done) co_return done.error();
        co_return std::nullopt;
    }

    /// A token whose new secret was lost: replaced, or reported again.
    task<std::optional<error>> settle(renewal_report::failure lost) {
        if (!policy_.replaces_lost()) co_return lost.why;
        auto pending = rotate(lost.id, true);
        auto failed = co_await std::move(pending);
        bool const changed = failed && failed->delivery() == delivery::accepted;
        if (failed && !changed) co_return lost.why; // nothing new: it is lost still
        co_return failed;
    }

    /// Notes how one action ended.
    void note(std::string const& id, std::optional<error> const& failed,
              std::vector<std::string>& done, renewal_report& report) {
        if (!failed) {
            done.push_back(id);
            return;
        }
        report.failed.push_back({id, *failed});
        if (*failed == errc::rotation_lost || *failed == errc::sink_failed)
            lost_.push_back({id, *failed});
    }

    Client client_;
    any_scope scope_;
    Sink& sink_;
    renewal_policy policy_;
    rotation_options options_;
    std::vector<renewal_report::failure> lost_; ///< by rotations of this object
};

} // namespace cloudflare::inline v0::access
