/// Exactly-once create: in the end there is a token whose secret is stored, or no token, or an
/// intent that names it.
#pragma once

#include <cloudflare/access/detail/held_key.hpp>
#include <cloudflare/access/detail/issue_decision.hpp>
#include <cloudflare/access/detail/issue_withdrawal.hpp>
#include <cloudflare/access/detail/secret_storing.hpp>
#include <cloudflare/access/detail/single_flight.hpp>
#include <cloudflare/access/detail/token_creation.hpp>
#include <cloudflare/access/issued.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

/// Issues service tokens so that each one ends up owned, withdrawn or named by an intent.
///
///     access::issuer issuer(client, account, sink, log);
///     auto token = co_await issuer.issue("machine-17", access::create_params("ci"));
///
/// The states of an issue, and what a crash in each of them leaves to a reconciler:
///
///     | state       | what happens                         | a crash leaves                     |
///     | opening     | the intent is logged, the sink is    | nothing, or an intent alone        |
///     |             | asked for the key, and prepared      |                                    |
///     | creating    | the token is created, with the tag   | an intent, and perhaps its token   |
///     |             | first in its name                    |                                    |
///     | looking     | outcome unknown: lists are searched  | an intent, and perhaps its token   |
///     |             | for the tag; a token found gets a    |                                    |
///     |             | fresh secret, or is deleted; with    |                                    |
///     |             | proof of none, it is created again   |                                    |
///     |             | under the same tag                   |                                    |
///     | storing     | the secret goes to the sink          | an intent, and a token that the    |
///     |             |                                      | sink may hold                      |
///     | naming      | the tag is removed from the name     | an intent, and a token that the    |
///     |             |                                      | sink holds                         |
///     | deciding    | the intent is erased; or settled and | the same, or nothing               |
///     |             | watched, if a late request may make  |                                    |
///     |             | a second token; unless a reconciler  |                                    |
///     |             | has given it up before               |                                    |
///     | withdrawing | the sink failed, or the intent was   | an intent, and perhaps its token   |
///     |             | given up: the token is deleted       |                                    |
///
/// @tparam Client a `client<...>`; the waits between lists use its transport's `sleep_until`
///
/// Threads: as the client, the sink and the log allow; concurrent issues share nothing else.
template <class Client, secret_sink Sink, intent_log Log>
class issuer {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink must outlive the issuer, and the issuer every issue under way
    /// @param log the same
    issuer(Client client, any_scope scope, Sink& sink, Log& log,
           issue_options options = issue_options())
        : tools_(std::move(client), scope, sink, log, std::move(options)) {}

    /// Makes a token of this name, and stores its secret in the sink before it returns.
    [[nodiscard]] task<result<issued>> issue(create_params params) {
        return issue(std::string(), std::move(params));
    }

    /// Makes one token for the caller's key, however often it is called. The sink stores the secret
    /// under the key. If it holds one already, that token is returned and nothing is sent. If
    /// another issue of the key is under way, in this process or another, this one waits for its
    /// end; one that has not ended at `min_age` is settled first.
    ///
    /// @param key UTF-8, and no secret; empty: none
    /// @return the token; or an error that says what is left: if its `delivery` is `not_sent` or
    /// `rejected` there is no token and never will be, otherwise an intent stays in the log and the
    /// error names its tag.
    /// - `errc::invalid_argument`: name, key or options; also options that contradict each other
    /// - `errc::conflict`: another issue of the key has not ended by the deadline
    /// - `errc::sink_failed`: the sink cannot store the secret; the token, if there was one, was
    ///   withdrawn if `delivery` is `not_sent` or `rejected`
    /// - `errc::limit_reached`: the error lists the intents that a reconciler could withdraw
    /// - `errc::not_found`: a reconciler withdrew the token, because this process was stopped for
    ///   too long, or somebody deleted it
    ///
    /// Cancellation: before anything is sent the issue stops; after that it goes on to its end, if
    /// the transport can shield it (`shield`).
    [[nodiscard]] task<result<issued>> issue(std::string key, create_params params) {
        if (auto const ok = check(params); !ok) co_return ok.error();
        flow f(tools_, std::move(key), std::move(params), witness_is_shown_);

        auto pending = open(f);
        auto opened = co_await std::move(pending);
        if (!opened) co_return opened.error();
        if (*opened) co_return std::move(**opened);

        auto pending_send_create = detail::send_create(tools_, f);
        auto created = co_await std::move(pending_send_create);
        auto pending_shielded = tools_.shielded(end(f, std::move(created)));
        auto ended = co_await std::move(pending_shielded);
        co_return ended;
    }

    /// Does what `return_when_stored` has left out: removes the tag from the name, and settles the
    /// intent. May run at any time, or never: a reconciler does the same.
    [[nodiscard]] task<result<void>> finish(issued done) {
        if (!done.settled) co_return result<void>();
        auto i = std::move(*done.settled);
        auto pending = tools_.rename(i.token_id, i.name);
        auto const named = co_await std::move(pending);
        if (!named) co_return named.error();
        if (i.until != timestamp()) co_return result<void>();
        auto pending_erase = tools_.erase(i);
        auto const erased = co_await std::move(pending_erase);
        if (!erased && erased.error() != errc::conflict) co_return erased.error();
        co_return result<void>();
    }

private:
    using tools = detail::recovery<Client, Sink, Log>;
    using flow = detail::issue_flow;

    [[nodiscard]] result<void> check(create_params const& params) const {
        if (auto const ok = tools_.options().check(); !ok) return ok;
        if (auto const ok = params.check(); !ok) return ok;
        if (has_any_tag(params.name()))
            return error(errc::invalid_argument, "name: must not carry the tag of an issue");
        return {};
    }

    /// Logs the intent and asks the sink. Returns the token if the sink holds the key.
    task<result<std::optional<issued>>> open(flow& f) {
        auto bounded = tools_.ending_by(f.end);
        auto pending = detail::take_key(bounded, f);
        auto const taken = co_await std::move(pending);
        if (!taken) co_return taken.error();
        auto pending_ask_sink = detail::ask_sink(bounded, f);
        auto asked = co_await std::move(pending_ask_sink);
        if (asked && !*asked) co_return asked;
        auto pending_erase = tools_.erase(f.wanted);
        auto const abandoned = co_await std::move(pending_erase);
        static_cast<void>(abandoned); // an intent alone is left, which a reconciler settles
        if (!asked) co_return detail::with_delivery(asked.error(), delivery::not_sent);
        co_return asked;
    }

    /// From the first create's outcome to the end.
    task<result<issued>> end(flow& f, result<issued_service_token> created) {
        auto pending = detail::obtain_token(tools_, f, std::move(created));
        auto token = co_await std::move(pending);
        if (!token) {
            auto pending_fail = fail(f, token.error());
            auto const failed = co_await std::move(pending_fail);
            co_return failed;
        }
        token->name = f.wanted.name;
        auto pending_store_secret = detail::store_secret(tools_, f, *token);
        auto const stored = co_await std::move(pending_store_secret);
        if (!stored) {
            auto pending_withdraw_token =
                detail::withdraw_token(tools_, f, token->id, stored.error());
            auto const failed = co_await std::move(pending_withdraw_token);
            co_return failed;
        }
        auto pending_settle_issue = detail::settle_issue(tools_, f, std::move(*token));
        auto done = co_await std::move(pending_settle_issue);
        co_return done;
    }

    /// There is no secret to store. If there is no token and never will be, the intent is erased.
    task<error> fail(flow& f, error why) {
        bool const nothing_left = detail::is_certain(why) && f.unresolved == 0;
        if (!nothing_left) {
            auto pending = detail::stay_named(tools_, f);
            co_await std::move(pending);
            co_return detail::with_delivery(why, delivery::unknown, detail::stays_open(f));
        }
        auto pending_erase = tools_.erase(f.wanted);
        auto const erased = co_await std::move(pending_erase);
        static_cast<void>(erased);
        if (why != errc::limit_reached) co_return why;
        auto pending_with_intents = detail::with_intents(tools_, std::move(why));
        auto const named = co_await std::move(pending_with_intents);
        co_return named;
    }

    tools tools_;
    detail::shared_flag witness_is_shown_ = std::make_shared<std::atomic<bool>>(false);
};

} // namespace cloudflare::inline v0::access
