/// Settling one intent that somebody else began.
#pragma once

#include <cloudflare/access/detail/recovery.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// What was done for one or more intents.
struct settled_tokens {
    std::vector<std::string> kept;      ///< ids of tokens that the sink holds
    std::vector<std::string> withdrawn; ///< ids of tokens that nobody held: deleted
};

/// How an intent stands after a look at it.
enum class settling : unsigned char {
    closed,  ///< it is settled, and out of the log
    watched, ///< it is settled, and watched for what arrives late
    open     ///< what it made is not settled yet
};

/// A UUID that is no token's, of 32 random hexadecimal digits.
[[nodiscard]] inline std::string made_up_id(std::string digits) {
    digits[12] = '4';
    digits[16] = '8';
    for (std::size_t const at : {8U, 13U, 18U, 23U})
        digits.insert(at, 1, '-');
    return digits;
}

/// Settles intents, each by a list of the scope's tokens and by what the sink holds: the table at
/// `reconciler` says how.
///
/// Who withdraws writes `withdrawing` before the first delete, and an issue that comes through
/// erases or settles its intent before it says so: the log lets only one of the two be written. Once
/// written, a delete may arrive at any time, so nobody succeeds with that token any more.
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
    /// @param gone_age see `issue_options`
    settlement(Tools& shared, token_listing const& listing, timestamp now,
               std::chrono::seconds gone_age)
        : tools_(shared),
          listing_(listing),
          now_(now),
          gone_age_(gone_age),
          writer_(shared.options().make_tag()) {}

    /// Settles one intent as far as that is possible; an error says what it met with.
    ///
    /// @param i as it stands in the log; changed as it is written
    /// @param done what was done is added to it, also where this ends in an error
    [[nodiscard]] task<result<settling>> settle(intent& i, settled_tokens& done) {
        i.writer = writer_;
        if (i.state == intent_state::open) {
            auto pending = decide(i, done);
            auto const decided = co_await std::move(pending);
            if (!decided) co_return decided.error();
        } else if (i.state == intent_state::withdrawing) {
            // Who began to withdraw, if he lives, may be about to find the secret in the sink, and
            // to take it back: not any more.
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
        auto pending_watch = watch(i, done);
        auto watched = co_await std::move(pending_watch);
        co_return watched;
    }

    /// Whether an intent is not to be touched yet.
    [[nodiscard]] static bool is_young(intent const& i, timestamp now,
                                       issue_options const& options) {
        return i.state == intent_state::open && !is_dated_wrongly(i, now) &&
               age(i, now) < options.min_age();
    }

private:
    /// Not below zero: the server tells its time in whole seconds, and at a bound of zero every
    /// intent is old enough.
    [[nodiscard]] static std::chrono::seconds age(intent const& i, timestamp now) {
        return (std::max)(now.seconds() - i.opened_at.seconds(), std::chrono::seconds(0));
    }
    /// Opened at no time, or in the future: by a clock that is wrong.
    [[nodiscard]] static bool is_dated_wrongly(intent const& i, timestamp now) {
        return i.opened_at == timestamp() || i.opened_at > now.plus(std::chrono::minutes(5));
    }

    [[nodiscard]] bool is_ours(service_token const& t, intent const& i) const {
        return is_marked(t, i) && is_made_in_time(t, i, tools_.options().watch());
    }
    [[nodiscard]] service_token const* find_listed(std::string const& id) const {
        auto const& all = listing_.tokens;
        auto const found =
            std::find_if(all.begin(), all.end(), [&](auto const& t) { return t.id == id; });
        return found == all.end() ? nullptr : &*found;
    }
    [[nodiscard]] std::vector<std::string> marked_by(intent const& i) const {
        std::vector<std::string> ids;
        for (auto const& t : listing_.tokens)
            if (is_ours(t, i)) ids.push_back(t.id);
        return ids;
    }
    [[nodiscard]] timestamp watch_end() const { return now_.plus(tools_.options().watch()); }

    /// What the sink holds of this intent's issue. (Of another issue of the key it may hold a token,
    /// too.)
    task<result<std::optional<held_token>>> find_held(intent const& i) {
        auto pending = tools_.find_held(i.key);
        auto held = co_await std::move(pending);
        if (held && *held && !(*held)->tag.empty() && (*held)->tag != i.tag) held->reset();
        co_return held;
    }

    /// Decides what becomes of an open intent, where that can be decided, and writes it down.
    task<result<void>> decide(intent& i, settled_tokens& done) {
        if (is_dated_wrongly(i, now_)) {
            i.opened_at = now_;
            auto pending = tools_.update(i);
            auto const dated = co_await std::move(pending);
            if (!dated) co_return dated.error();
        }
        if (age(i, now_) < tools_.options().min_age()) co_return result<void>();
        auto pending_find_held = find_held(i);
        auto const held = co_await std::move(pending_find_held);
        if (!held) co_return held.error();
        if (*held) {
            auto pending = keep(i, (*held)->token_id, done);
            auto const kept = co_await std::move(pending);
            co_return kept;
        }
        auto const marked = marked_by(i);
        if (!marked.empty()) {
            auto pending = give_up(i, marked.front(), done);
            auto const given_up = co_await std::move(pending);
            co_return given_up;
        }
        if (!listing_.complete || age(i, now_) < gone_age_) co_return result<void>();
        if (listing_.tokens.empty()) {
            auto pending = may_read();
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

    /// After a list that shows nothing, for want of permission perhaps: whether a token that does not
    /// exist is "not found". That is not recorded of the API, so it is good enough for watching on,
    /// and not for erasing an intent.
    ///
    /// @return `presence::there`: the permission is
    task<result<presence>> may_read() {
        if (readable_) co_return *readable_;
        auto pending = tools_.get(made_up_id(tools_.options().make_tag()));
        auto const got = co_await std::move(pending);
        bool const is_refused =
            got || got.error() == errc::forbidden || got.error() == errc::unauthorized;
        if (!is_refused && got.error() != errc::not_found) co_return got.error();
        readable_ = is_refused ? presence::absent : presence::there;
        co_return *readable_;
    }

    /// Writes down that the token is owned.
    task<result<void>> keep(intent& i, std::string id, settled_tokens& done) {
        i.state = intent_state::settled;
        i.token_id = id;
        i.until = watch_end();
        auto pending = tools_.update(i);
        auto const kept = co_await std::move(pending);
        if (kept) done.kept.push_back(std::move(id));
        co_return kept;
    }

    /// Writes down that the token is about to be deleted; then looks once more whether somebody has
    /// stored its secret, who may not know yet that it is too late.
    task<result<void>> give_up(intent& i, std::string id, settled_tokens& done) {
        i.state = intent_state::withdrawing;
        i.token_id = id;
        auto pending = tools_.update(i);
        auto const marked = co_await std::move(pending);
        if (!marked) co_return marked.error();
        auto pending_find_held = find_held(i);
        auto const held = co_await std::move(pending_find_held);
        if (!held) co_return held.error();
        auto const marked_ids = marked_by(i);
        if (!*held || std::ranges::count(marked_ids, (*held)->token_id) == 0)
            co_return result<void>();
        auto pending_keep = keep(i, (*held)->token_id, done);
        auto const kept = co_await std::move(pending_keep);
        co_return kept;
    }

    /// Deletes what an intent made that is given up, one token after the other, each after the log
    /// says so.
    task<result<void>> withdraw_all(intent& i, settled_tokens& done) {
        auto ids = marked_by(i);
        std::erase(ids, i.token_id);
        if (!i.token_id.empty()) ids.insert(ids.begin(), i.token_id);
        for (auto const& id : ids) {
            if (i.token_id != id) {
                i.token_id = id;
                auto pending = tools_.update(i);
                auto const marked = co_await std::move(pending);
                if (!marked) co_return marked.error();
            }
            auto pending_withdraw = withdraw(id, done);
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

    /// Deletes a token, and what the sink may hold of it.
    task<result<void>> withdraw(std::string id, settled_tokens& done) {
        auto pending = tools_.withdraw(id);
        auto const withdrawn = co_await std::move(pending);
        if (!withdrawn) co_return withdrawn.error();
        if (*withdrawn == presence::there) done.withdrawn.push_back(std::move(id));
        co_return result<void>();
    }

    /// Looks after a settled intent: its token gets its name, what came late is withdrawn, and when
    /// the watch is over it is erased.
    task<result<settling>> watch(intent& i, settled_tokens& done) {
        bool const is_watched = i.until != timestamp();
        for (auto const& id : marked_by(i)) {
            if (id != i.token_id && !is_watched) continue;
            auto pending = id == i.token_id ? name(i) : withdraw(id, done);
            auto const ended = co_await std::move(pending);
            if (!ended) co_return ended.error();
        }
        bool const is_unseen = !i.token_id.empty() && find_listed(i.token_id) == nullptr;
        if (is_unseen && !is_watched) { // the list lags behind, or the token is deleted
            auto pending = name(i);
            auto const named = co_await std::move(pending);
            if (!named) co_return named.error();
        }
        if (i.token_id.empty()) {
            auto pending = forget_late(i);
            auto const forgotten = co_await std::move(pending);
            if (!forgotten) co_return forgotten.error();
        }
        bool const proven = listing_.complete && !listing_.tokens.empty();
        if (is_watched && (now_ < i.until || !proven)) co_return settling::watched;
        auto pending_erase = tools_.erase(i);
        auto const erased = co_await std::move(pending_erase);
        if (!erased && erased.error() != errc::conflict) co_return erased.error();
        co_return settling::closed;
    }

    /// A process that was stopped may have stored the secret of what was withdrawn meanwhile.
    task<result<void>> forget_late(intent const& i) {
        auto pending = find_held(i);
        auto const held = co_await std::move(pending);
        if (!held) co_return held.error();
        if (!*held || (*held)->tag != i.tag) co_return result<void>();
        auto pending_withdraw = tools_.withdraw((*held)->token_id);
        auto const withdrawn = co_await std::move(pending_withdraw);
        if (!withdrawn) co_return withdrawn.error();
        co_return result<void>();
    }

    /// Takes the tag out of the name of the token that is owned.
    task<result<void>> name(intent const& i) {
        auto const* const listed = find_listed(i.token_id);
        bool const is_clean = listed != nullptr && !has_tag(listed->name, i.tag);
        if (tools_.options().keeps_tag() || is_clean) co_return result<void>();
        auto pending = tools_.rename(i.token_id, i.name);
        auto const named = co_await std::move(pending);
        if (!named) co_return named.error();
        co_return result<void>();
    }

    Tools& tools_;
    token_listing const& listing_;
    timestamp now_;
    std::chrono::seconds gone_age_;
    std::string writer_;
    std::optional<presence> readable_{};
};

} // namespace cloudflare::inline v0::access::detail
