/// Settling what dead processes left: intents, and the tokens that have their tags.
#pragma once

#include <cloudflare/access/detail/intent_age.hpp>
#include <cloudflare/access/detail/settlement.hpp>
#include <cloudflare/core/detail/is_printed.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What a round of `reconciler` did, and what it found.
struct reconciled {
    /// An intent that this round could not settle, and why.
    struct failure {
        intent i;  ///< as it stands in the log
        error why; ///< the next round tries again
    };
    std::vector<std::string> kept;      ///< ids of tokens that the sink holds
    std::vector<std::string> withdrawn; ///< ids of tokens that no sink held: deleted
    std::vector<intent> left_open;      ///< not settled yet
    std::vector<intent> watched;        ///< settled, and watched for what late requests make
    std::vector<failure> failed;        ///< those left open because something failed
    std::vector<intent> elsewhere;      ///< of another scope or another sink: not touched
    std::vector<service_token> strays;  ///< tokens with a tag of no intent: not touched
};

/// Settles intents. It may be killed at any moment, run again, and run beside issues and other
/// reconcilers.
///
///     access::reconciler reconciler(client, account, sink, log);
///     auto done = co_await reconciler.run_once();
///
/// What becomes of an intent that is old enough:
///
///     | state       | the sink holds its token        | it does not, and tokens are marked | none is marked                      |
///     | open        | settled: kept, and renamed      | withdrawing: logged first, the sink| settled, if the list is proof and   |
///     |             |                                 | asked again, then deleted          | the intent is old                   |
///     | withdrawing | deleted, and forgotten          | deleted                            | settled                             |
///     | settled     | renamed                         | deleted: late requests made them   | erased when the watch is over       |
///
/// A token that no intent of the scope marks is never touched.
template <class Client, secret_sink Sink, intent_log Log>
class reconciler {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the reconciler, and the reconciler every round
    /// @param log the same
    reconciler(Client client, any_scope scope, Sink& sink, Log& log,
               issue_options options = issue_options())
        : tools_(std::move(client), scope, sink, log, std::move(options)) {}

    /// One round, with one list of the scope's tokens. A failure of one intent does not stop the
    /// others.
    ///
    /// @return what was done; an error if the log or the list cannot be read, and nothing was done
    [[nodiscard]] task<result<reconciled>> run_once() {
        auto const before = tools_.this_moment();
        auto pending = tools_.intents();
        auto const all = co_await std::move(pending);
        if (!all) co_return all.error();
        reconciled done;
        auto mine = sort_out(*all, done);
        if (!is_any_due(mine, before.taken_for)) {
            done.left_open = std::move(mine);
            co_return done;
        }
        auto pending_list = tools_.list();
        auto const listed = co_await std::move(pending_list);
        if (!listed) co_return listed.error();
        // The list may have taken long: intents are as old as they were before it.
        auto const now = tools_.time_at(before);
        settlement settles(tools_, *listed, now, tools_.options().presumed_absent_age());
        for (auto& i : mine) {
            auto pending_settle = settle(settles, i, now, done);
            co_await std::move(pending_settle);
        }
        auto pending_find_strays = find_strays(*listed, *all, now);
        done.strays = co_await std::move(pending_find_strays);
        co_return done;
    }

    /// Round after round, until `keep_running` returns false or the task is cancelled. The next
    /// round comes after `pause`, or after a minute if something failed.
    ///
    /// @param keep_running called after each round
    [[nodiscard]] task<void> run(std::function<bool(result<reconciled> const&)> keep_running,
                                 std::chrono::milliseconds pause = std::chrono::minutes(5)) {
        for (;;) {
            auto pending = run_once();
            auto const done = co_await std::move(pending);
            if (!keep_running(done) || (!done && done.error() == errc::cancelled)) co_return;
            bool const failed = !done || !done->failed.empty();
            auto const span =
                failed ? std::min(pause, std::chrono::milliseconds(std::chrono::minutes(1)))
                       : pause;
            auto const until = tools_.steady_now() + span;
            co_await tools_.client().transport().sleep_until(until);
            if (tools_.steady_now() >= until) continue;
            auto pending_list = tools_.list(); // the wait ended early: its error tells if cancelled
            auto const asked = co_await std::move(pending_list);
            if (!asked && asked.error() == errc::cancelled) co_return;
        }
    }

    /// The strays of the scope (see `reconciled::strays`), by one list.
    [[nodiscard]] task<result<std::vector<service_token>>> find_strays() {
        auto const before = tools_.this_moment();
        auto pending = tools_.list();
        auto const listed = co_await std::move(pending);
        if (!listed) co_return listed.error();
        auto pending_find_strays = find_strays(*listed, {}, tools_.time_at(before));
        auto strays = co_await std::move(pending_find_strays);
        co_return strays;
    }

    /// Deletes a stray, if it still is one: its name has a tag, and no intent names it.
    ///
    /// @return whether the token existed; `errc::conflict` if it is no stray any more
    [[nodiscard]] task<result<presence>> remove_stray(std::string id) {
        auto pending = tools_.get(id);
        auto const token = co_await std::move(pending);
        if (!token && token.error() == errc::not_found) co_return presence::absent;
        if (!token) co_return token.error();
        auto pending_intents = tools_.intents();
        auto const all = co_await std::move(pending_intents);
        if (!all) co_return all.error();
        if (!is_stray(*token, *all))
            co_return error(errc::conflict, "token " + id + ": is no stray any more");
        auto pending_remove = tools_.remove(std::move(id));
        auto removed = co_await std::move(pending_remove);
        co_return removed;
    }

private:
    using tools = detail::recovery<Client, Sink, Log>;
    using settlement = detail::settlement<tools>;

    /// The intents that are this reconciler's.
    [[nodiscard]] std::vector<intent> sort_out(std::vector<intent> const& all,
                                               reconciled& done) const {
        std::vector<intent> mine;
        for (auto const& i : all) {
            if (i.purpose != intent_purpose::issue) continue;
            bool const is_mine =
                i.scope == tools_.scope() && i.sink == tools_.options().sink_name();
            (is_mine ? mine : done.elsewhere).push_back(i);
        }
        return mine;
    }

    [[nodiscard]] bool is_any_due(std::vector<intent> const& mine, timestamp now) const {
        return std::any_of(mine.begin(), mine.end(), [&](intent const& i) {
            return !detail::is_young(i, now, tools_.options());
        });
    }

    task<void> settle(settlement& settles, intent& i, timestamp now, reconciled& done) {
        if (detail::is_young(i, now, tools_.options())) {
            done.left_open.push_back(i);
            co_return;
        }
        detail::settled_tokens ended;
        auto pending = settles.settle(i, ended);
        auto const settled = co_await std::move(pending);
        done.kept.insert(done.kept.end(), ended.kept.begin(), ended.kept.end());
        done.withdrawn.insert(done.withdrawn.end(), ended.withdrawn.begin(), ended.withdrawn.end());
        if (!settled && settled.error() != errc::conflict)
            done.failed.push_back({i, settled.error()});
        if (!settled || *settled == detail::settling::open) done.left_open.push_back(i);
        if (settled && *settled == detail::settling::watched) done.watched.push_back(i);
    }

    /// Whether a token has a tag that belongs to no intent.
    [[nodiscard]] bool is_stray(service_token const& t, std::vector<intent> const& all) const {
        if (tools_.options().keeps_tag() || !has_any_tag(t.name)) return false;
        return std::none_of(all.begin(), all.end(), [&](intent const& i) {
            return t.id == i.token_id || (detail::is_marked(t, i) &&
                                          detail::is_made_in_time(t, i, tools_.options().watch()));
        });
    }

    /// A stray is one by the log as it is after the list, because intents are logged before tokens
    /// are made; and by the log as it was before this round, which may have erased intents. A young
    /// token is none, because its issue may have ended since.
    task<std::vector<service_token>> find_strays(token_listing const& listing,
                                                 std::vector<intent> before, timestamp now) {
        std::vector<service_token> strays;
        auto pending = tools_.intents();
        auto const all = co_await std::move(pending);
        if (!all) co_return strays;
        for (auto const& t : listing.tokens) {
            bool const is_young =
                t.created_at && t.created_at->plus(tools_.options().min_age()) > now;
            if (!is_young && is_stray(t, *all) && is_stray(t, before)) strays.push_back(t);
        }
        co_return strays;
    }

    tools tools_;
};

inline std::ostream& operator<<(std::ostream& out, reconciled::failure const& f) {
    return out << f.i << ": " << f.why;
}
/// One line of counts.
inline std::ostream& operator<<(std::ostream& out, reconciled const& r) {
    return out << r.kept.size() << " kept, " << r.withdrawn.size() << " withdrawn, "
               << r.left_open.size() << " left open, " << r.watched.size() << " watched, "
               << r.failed.size() << " failed, " << r.elsewhere.size() << " elsewhere, "
               << r.strays.size() << " strays";
}

} // namespace cloudflare::inline v0::access

namespace cloudflare::inline v0::detail {
template <>
inline constexpr bool is_printed<access::reconciled::failure> = true;
} // namespace cloudflare::inline v0::detail
