/// Settling one intent that another process began.
#pragma once

#include <cloudflare/access/detail/intent_age.hpp>
#include <cloudflare/access/detail/settled_intent.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// Settles intents, by a list of the scope's tokens and by what the sink holds, as in the table at
/// `reconciler`.
///
/// `withdrawing` is logged before the first delete, and an issue erases or settles its intent
/// before it succeeds: the log's compare-and-set allows only one of the two. Once `withdrawing` is
/// logged, a delete may arrive at any time, so no issue succeeds with that token any more.
///
/// @tparam Tools a `recovery`
template <class Tools>
class settlement {
public:
    template <class T>
    using task = typename Tools::template task<T>;

    /// @param shared must outlive the settlement
    /// @param listing the scope's tokens, listed after the intents were read
    /// @param now the server's time before the list was asked for
    /// @param presumed_absent_age see `issue_options`
    settlement(Tools& shared, token_listing const& listing, timestamp now,
               std::chrono::seconds presumed_absent_age)
        : tools_(shared),
          known_(shared, listing),
          settled_(shared, known_, now),
          now_(now),
          presumed_absent_age_(presumed_absent_age),
          writer_(shared.options().make_tag()) {}
    settlement(settlement const&) = delete; // its parts refer to one another
    settlement& operator=(settlement const&) = delete;

    /// Settles one intent as far as possible.
    ///
    /// @param i as it is in the log; changes as it is written
    /// @param done gets what was done, also if this ends in an error
    [[nodiscard]] task<result<settling>> settle(intent& i, settled_tokens& done) {
        i.writer = writer_;
        if (i.state == intent_state::open) {
            auto pending = decide(i, done);
            auto const decided = co_await std::move(pending);
            if (!decided) co_return decided.error();
        } else if (i.state == intent_state::withdrawing) {
            // The process that began to withdraw may be about to find the secret in the sink and to
            // keep the token: this write makes that a conflict.
            auto pending = tools_.update(i);
            auto const taken_over = co_await std::move(pending);
            if (!taken_over) co_return taken_over.error();
        }
        if (i.state == intent_state::withdrawing) {
            auto pending = withdraw_all(i, done);
            auto const withdrawn = co_await std::move(pending);
            if (!withdrawn) co_return withdrawn.error();
            co_return settling::watched;
        }
        if (i.state != intent_state::settled) co_return settling::open;
        auto pending_watch = settled_.look_after(i, done);
        auto watched = co_await std::move(pending_watch);
        co_return watched;
    }

private:
    [[nodiscard]] timestamp watch_end() const { return now_.plus(tools_.options().watch()); }

    /// Decides what becomes of an open intent, if that can be decided, and logs it.
    task<result<void>> decide(intent& i, settled_tokens& done) {
        // By the present: `now_` is far back where this process was stopped during the list.
        if (is_dated_wrongly(i, tools_.now())) {
            i.opened_at = now_;
            auto pending = tools_.update(i);
            auto const dated = co_await std::move(pending);
            if (!dated) co_return dated.error();
        }
        if (age(i, now_) < tools_.options().min_age()) co_return result<void>();
        auto pending_find_held = known_.find_held(i);
        auto const held = co_await std::move(pending_find_held);
        if (!held) co_return held.error();
        if (*held) {
            auto pending = keep(i, (*held)->token_id, done);
            auto const kept = co_await std::move(pending);
            co_return kept;
        }
        auto const marked = known_.marked_by(i);
        if (!marked.empty()) {
            auto pending = give_up(i, marked.front(), done);
            auto const given_up = co_await std::move(pending);
            co_return given_up;
        }
        if (!known_.is_complete() || age(i, now_) < presumed_absent_age_) co_return result<void>();
        if (known_.shows_nothing()) {
            auto pending = known_.may_read();
            auto const readable = co_await std::move(pending);
            if (!readable) co_return readable.error();
            if (*readable == presence::absent) co_return result<void>();
        }
        i.state = intent_state::settled;
        i.until = watch_end();
        auto pending_update = tools_.update(i);
        auto const closed = co_await std::move(pending_update);
        co_return closed;
    }

    /// Logs that the token is owned.
    task<result<void>> keep(intent& i, std::string id, settled_tokens& done) {
        i.state = intent_state::settled;
        i.token_id = id;
        i.until = watch_end();
        auto pending = tools_.update(i);
        auto const kept = co_await std::move(pending);
        if (kept) done.kept.push_back(std::move(id));
        co_return kept;
    }

    /// Logs that the token is about to be deleted; then asks the sink once more, because its issue
    /// may have stored the secret without knowing that it was given up.
    task<result<void>> give_up(intent& i, std::string id, settled_tokens& done) {
        i.state = intent_state::withdrawing;
        i.token_id = id;
        auto pending = tools_.update(i);
        auto const marked = co_await std::move(pending);
        if (!marked) co_return marked.error();
        auto pending_find_held = known_.find_held(i);
        auto const held = co_await std::move(pending_find_held);
        if (!held) co_return held.error();
        auto const marked_ids = known_.marked_by(i);
        if (!*held || std::ranges::count(marked_ids, (*held)->token_id) == 0)
            co_return result<void>();
        auto pending_keep = keep(i, (*held)->token_id, done);
        auto const kept = co_await std::move(pending_keep);
        co_return kept;
    }

    /// Deletes the tokens of an intent that was given up, each one after its id was logged.
    task<result<void>> withdraw_all(intent& i, settled_tokens& done) {
        auto ids = known_.marked_by(i);
        std::erase(ids, i.token_id);
        if (!i.token_id.empty()) ids.insert(ids.begin(), i.token_id);
        for (auto const& id : ids) {
            if (i.token_id != id) {
                i.token_id = id;
                auto pending = tools_.update(i);
                auto const marked = co_await std::move(pending);
                if (!marked) co_return marked.error();
            }
            auto pending_withdraw = withdraw_token(tools_, id, done);
            auto const deleted = co_await std::move(pending_withdraw);
            if (!deleted) co_return deleted.error();
        }
        i.state = intent_state::settled;
        i.token_id.clear();
        i.until = watch_end();
        auto pending_update = tools_.update(i);
        auto const closed = co_await std::move(pending_update);
        co_return closed;
    }

    Tools& tools_;
    token_evidence<Tools> known_;
    settled_intents<Tools> settled_;
    timestamp now_;
    std::chrono::seconds presumed_absent_age_;
    std::string writer_;
};

} // namespace cloudflare::inline v0::access::detail
