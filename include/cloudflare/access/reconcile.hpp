/// Settling what dead processes left: open intents, and the tokens that carry their tags.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/recovery.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/access/service_token_operations.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What `reconcile` did.
struct reconciled {
    std::vector<std::string>
        kept; ///< ids of tokens that the sink holds: renamed, their intents closed
    std::vector<std::string> withdrawn; ///< ids of tokens that nobody held: deleted
    std::vector<intent> left_open;      ///< what could not be settled yet
};

/// Settles open intents. Safe to kill at any moment and to run again.
///
///     access::reconciler reconciler(client, account, sink, intents);
///     auto done = co_await reconciler.run();
///
/// For each intent of the scope that is at least `min_age` old: a token with its tag which the sink
/// holds is kept, and one that the sink does not hold is withdrawn. A token that has no tag when the
/// run lists them is never touched. Where no token has the tag, the intent is closed only if it is
/// `gone_age` old and the list shows some token at all: an empty list may mean that the credentials
/// may not see, and a young create may still arrive.
template <class Client, secret_sink Sink, intent_log Log>
class reconciler {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink, intents must outlive the reconciler, and the reconciler every run
    reconciler(Client through, any_scope where, Sink& sink, Log& intents,
               issue_options options = issue_options())
        : recovery_(std::move(through), where, std::move(options)),
          sink_(sink),
          intents_(intents) {}

    /// Settles what can be settled, by one list of the scope's tokens; an error where the log, the
    /// sink or the list cannot be read.
    [[nodiscard]] task<result<reconciled>> run() {
        // Taken before the list, so that no intent counts as older than it was then.
        auto const now = recovery_.options().now();
        auto const open = intents_.list();
        if (!open) co_return open.error();
        reconciled done;
        std::optional<std::vector<service_token>> tokens;
        for (auto const& wanted : *open) {
            if (wanted.scope != recovery_.scope()) continue;
            auto const age = now.seconds() - wanted.opened_at.seconds();
            if (age < recovery_.options().min_age()) {
                done.left_open.push_back(wanted);
                continue;
            }
            if (!tokens) {
                auto listing = recovery_.list();
                auto listed = co_await std::move(listing);
                if (!listed) co_return listed.error();
                tokens = std::move(*listed);
            }
            auto settling = settle(wanted, age, *tokens, done);
            auto const settled = co_await std::move(settling);
            if (!settled) co_return settled.error();
            if (!*settled) done.left_open.push_back(wanted);
        }
        co_return done;
    }

private:
    /// Settles one intent; gives whether it is closed.
    ///
    /// @param age how old it was at least when the tokens were listed
    task<result<bool>> settle(intent const& wanted, std::chrono::seconds age,
                              std::vector<service_token> const& tokens, reconciled& done) {
        bool found = false, settled = true;
        for (auto const& token : tokens) {
            if (!has_tag(token.name, wanted.tag)) continue;
            auto const found_held = sink_.find(wanted.key);
            if (!found_held) co_return found_held.error();
            bool const held = *found_held && (*found_held)->token_id == token.id;
            auto ending = held ? keep(wanted, token.id, done) : withdraw(wanted, token.id, done);
            auto const ended = co_await std::move(ending);
            settled = settled && ended.has_value();
            found = found || (ended && *ended == presence::there);
        }
        if (!found && (tokens.empty() || age < recovery_.options().gone_age())) co_return false;
        co_return settled&& intents_.erase(wanted).has_value();
    }

    // A list that lags may show a token that is long deleted, which says nothing of another with
    // the same tag: both tell what they found. An error: it is not settled.

    task<result<presence>> keep(intent const& wanted, std::string id, reconciled& done) {
        if (!recovery_.options().keeps_tag()) {
            auto naming = recovery_.rename(wanted, id);
            bool const named = co_await std::move(naming);
            if (!named) co_return error(errc::conflict);
        }
        done.kept.push_back(std::move(id));
        co_return presence::there;
    }

    task<result<presence>> withdraw(intent const& wanted, std::string id, reconciled& done) {
        auto removing = recovery_.remove(wanted, id);
        auto const found = co_await std::move(removing);
        if (found && *found == presence::there) done.withdrawn.push_back(std::move(id));
        co_return found;
    }

    recovery<Client> recovery_;
    Sink& sink_;
    Log& intents_;
};

} // namespace cloudflare::inline v0::access
