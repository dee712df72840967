/// The rest of a settled intent's life, until its watch is over.
#pragma once

#include <cloudflare/access/detail/token_evidence.hpp>

#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// What was done for one or more intents.
struct settled_tokens {
    std::vector<std::string> kept;      ///< ids of tokens that the sink holds
    std::vector<std::string> withdrawn; ///< ids of tokens that no sink held: deleted
};

/// The state of an intent after `settlement::settle`.
enum class settling : unsigned char {
    closed,  ///< settled, and erased from the log
    watched, ///< settled, and watched for what late requests make
    open     ///< not settled yet
};

/// Deletes a token of an intent, and removes it from the sink.
template <class Tools>
typename Tools::template task<result<void>> withdraw_token(Tools& tools, std::string id,
                                                           settled_tokens& done) {
    auto pending = tools.withdraw(id);
    auto const withdrawn = co_await std::move(pending);
    if (!withdrawn) co_return withdrawn.error();
    if (*withdrawn == presence::there) done.withdrawn.push_back(std::move(id));
    co_return result<void>();
}

/// Looks after settled intents.
///
/// @tparam Tools a `recovery`
template <class Tools>
class settled_intents {
public:
    template <class T>
    using task = typename Tools::template task<T>;

    /// @param shared must outlive it
    /// @param known the same
    /// @param now the server's time before the list was asked for
    settled_intents(Tools& shared, token_evidence<Tools>& known, timestamp now)
        : tools_(shared), known_(known), now_(now) {}

    /// Gives the intent's token its name, withdraws what late requests made, and erases the intent
    /// when the watch is over.
    [[nodiscard]] task<result<settling>> look_after(intent& i, settled_tokens& done) {
        bool const is_watched = i.until != timestamp();
        for (auto const& id : known_.marked_by(i)) {
            if (id != i.token_id && !is_watched) continue;
            auto pending = id == i.token_id ? name(i) : withdraw_token(tools_, id, done);
            auto const ended = co_await std::move(pending);
            if (!ended) co_return ended.error();
        }
        bool const is_unseen = !i.token_id.empty() && known_.find_listed(i.token_id) == nullptr;
        if (is_unseen && !is_watched) { // the list lags behind, or the token was deleted
            auto pending = name(i);
            auto const named = co_await std::move(pending);
            if (!named) co_return named.error();
        }
        if (i.token_id.empty()) {
            auto pending = forget_late(i);
            auto const forgotten = co_await std::move(pending);
            if (!forgotten) co_return forgotten.error();
        }
        if (is_watched && (now_ < i.until || !known_.is_proof())) co_return settling::watched;
        auto pending_erase = tools_.erase(i);
        auto const erased = co_await std::move(pending_erase);
        if (!erased && erased.error() != errc::conflict) co_return erased.error();
        co_return settling::closed;
    }

private:
    /// A process that was stopped may have stored the secret of a token that was withdrawn
    /// meanwhile.
    task<result<void>> forget_late(intent const& i) {
        auto pending = known_.find_held(i);
        auto const held = co_await std::move(pending);
        if (!held) co_return held.error();
        if (!*held || (*held)->tag != i.tag) co_return result<void>();
        auto pending_withdraw = tools_.withdraw((*held)->token_id);
        auto const withdrawn = co_await std::move(pending_withdraw);
        if (!withdrawn) co_return withdrawn.error();
        co_return result<void>();
    }

    /// Removes the tag from the name of the token that is owned.
    task<result<void>> name(intent const& i) {
        auto const* const listed = known_.find_listed(i.token_id);
        bool const is_clean = listed != nullptr && !has_tag(listed->name, i.tag);
        if (tools_.options().keeps_tag() || is_clean) co_return result<void>();
        auto pending = tools_.rename(i.token_id, i.name);
        auto const named = co_await std::move(pending);
        if (!named) co_return named.error();
        co_return result<void>();
    }

    Tools& tools_;
    token_evidence<Tools>& known_;
    timestamp now_;
};

} // namespace cloudflare::inline v0::access::detail
