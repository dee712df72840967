/// Create, made exactly-once: a token whose secret is in the caller's hands, or no token, or an
/// open intent.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/recovery.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/access/service_tokens.hpp>

#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What an issue gives: the token, whose secret is in the sink.
struct issued {
    service_token token;
    /// The intent is open still, for its tag could not be taken out of the token's name or the log
    /// not be written: `reconcile` will see to it. The token is good.
    bool intent_open = false;
};

/// Issues service tokens so that each one ends up owned, withdrawn or named by an open intent.
///
///     access::issuer issuer(client, account, sink, intents);
///     auto token = co_await issuer.issue(access::create_params("ci"));
///
/// The states of an issue, and what a crash in each of them leaves to `reconcile`:
///
///     | state       | what happens                       | a crash leaves                     |
///     | opening     | the intent is written down         | nothing, or an intent alone        |
///     | creating    | the token is created, its tag in   | an intent, and perhaps its token   |
///     |             | its name                           |                                    |
///     | settling    | outcome unknown: the tag is looked | an intent, and perhaps its token   |
///     |             | for; the token found is given a    |                                    |
///     |             | fresh secret, or deleted and made  |                                    |
///     |             | again                              |                                    |
///     | storing     | the secret goes to the sink        | an intent, and a token that the    |
///     |             |                                    | sink may hold                      |
///     | naming      | the tag is taken out of the name   | an intent, and a token that the    |
///     |             |                                    | sink holds                         |
///     | closing     | the intent is closed               | the same                           |
///     | withdrawing | the sink failed: the token is      | an intent, and perhaps its token   |
///     |             | deleted                            |                                    |
///
/// @tparam Client a `client<...>`; its `now` and `sleep_until` are used for the waits between looks
template <class Client, secret_sink Sink, intent_log Log>
class issuer {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink, intents must outlive the issuer, and the issuer every issue under way
    issuer(Client through, any_scope where, Sink& sink, Log& intents,
           issue_options options = issue_options())
        : recovery_(std::move(through), where, std::move(options)),
          sink_(sink),
          intents_(intents) {}

    /// Makes a token of this name, and gives its secret to the sink before it returns.
    ///
    /// @return the token; or an error that says what is left: `delivery` is `not_sent` or
    /// `rejected` where there is no token, else an intent stays open and the error names its tag. A
    /// failing sink gives `errc::sink_failed`, and the token has been withdrawn.
    /// `errc::limit_reached` lists the open intents that `reconcile` could withdraw.
    ///
    /// Cancellation: an issue that has its token in hand stores it; one that has not leaves its
    /// intent open.
    [[nodiscard]] task<result<issued>> issue(create_params params) {
        auto const name = params.name();
        auto const tag = recovery_.options().make_tag();
        intent wanted(tag, recovery_.scope(), name, recovery_.options().now(),
                      recovery_.options().note());
        wanted.key = tag;
        if (auto const ok = params.check(); !ok) co_return ok.error();
        if (auto const ok = intents_.insert(wanted); !ok) co_return nothing_sent(ok.error());

        params.name(tagged_name(name, tag));
        auto obtaining = obtain(wanted, std::move(params));
        auto token = co_await std::move(obtaining);
        if (!token && is_settled(token.error())) {
            static_cast<void>(intents_.erase(wanted));
            co_return with_open_intents(token.error());
        }
        if (!token) co_return left_open(token.error(), wanted);

        if (auto const stored = sink_.store(wanted, *token); !stored) {
            auto withdrawing = withdraw(wanted, token->id, stored.error());
            auto const failed = co_await std::move(withdrawing);
            co_return failed;
        }
        auto finishing = finish(wanted, std::move(*token));
        auto done = co_await std::move(finishing);
        co_return done;
    }

private:
    [[nodiscard]] static error nothing_sent(error const& e) {
        return e.with([](error_details& d) { d.delivery = delivery::not_sent; });
    }

    /// The server certainly made no token.
    [[nodiscard]] static bool is_settled(error const& e) noexcept {
        return e.delivery() == delivery::not_sent || e.delivery() == delivery::rejected;
    }

    [[nodiscard]] static error left_open(error const& e, intent const& i) {
        return e.with([&](error_details& d) {
            d.explanation += (d.explanation.empty() ? "" : "; ");
            d.explanation += "intent " + i.tag + " stays open: reconcile settles it";
        });
    }

    [[nodiscard]] error with_open_intents(error const& e) const {
        if (e != errc::limit_reached) return e;
        auto const open = intents_.list();
        if (!open || open->empty()) return e;
        return e.with([&](error_details& d) {
            d.explanation = "open intents that reconcile may withdraw:";
            for (auto const& i : *open)
                d.explanation += ' ' + i.tag;
        });
    }

    static constexpr int max_creates = 3;

    /// The token and its secret. Never are two creates open at once: before the next one the token
    /// of the last one is known, and deleted.
    task<result<issued_service_token>> obtain(intent const& wanted, create_params params) {
        std::vector<std::string> deleted;
        error last;
        for (int i = 0; i != max_creates; ++i) {
            auto creating = recovery_.client().call(create_service_token(wanted.scope, params));
            auto created = co_await std::move(creating);
            if (created || is_settled(created.error())) co_return created;

            last = created.error();
            auto looking = recovery_.find(wanted, deleted);
            auto const found = co_await std::move(looking);
            if (!found || !*found) break;
            auto renewing = recovery_.fresh_secret(wanted.scope, **found);
            auto renewed = co_await std::move(renewing);
            if (renewed) co_return renewed;

            last = renewed.error();
            auto removing = recovery_.remove(wanted, (*found)->id);
            auto const removed = co_await std::move(removing);
            if (!removed) break;
            deleted.push_back((*found)->id);
        }
        // Whatever the later requests met with, a token may be there.
        co_return last.with([](error_details& d) { d.delivery = delivery::unknown; });
    }

    /// The sink failed: deletes the token that nobody owns.
    task<error> withdraw(intent const& wanted, std::string id, error why) {
        auto failed = error(errc::sink_failed, why.details());
        auto removing = recovery_.remove(wanted, std::move(id));
        auto const removed = co_await std::move(removing);
        bool const gone = removed.has_value();
        if (gone) static_cast<void>(intents_.erase(wanted));
        failed = failed.with([&](error_details& d) {
            d.operation = "issue";
            d.delivery = gone ? delivery::rejected : delivery::accepted;
            d.explanation += gone ? "; the token was withdrawn" : "; the token was not withdrawn";
        });
        if (!gone) failed = left_open(failed, wanted);
        co_return failed;
    }

    /// The secret is stored: takes the tag out of the name and closes the intent.
    task<result<issued>> finish(intent const& wanted, issued_service_token token) {
        issued done{.token = static_cast<service_token const&>(token)};
        if (!recovery_.options().keeps_tag()) {
            auto naming = recovery_.rename(wanted, token.id);
            bool const named = co_await std::move(naming);
            if (named) done.token.name = wanted.name;
            done.intent_open = !named;
        }
        if (!done.intent_open) done.intent_open = !intents_.erase(wanted);
        co_return done;
    }

    recovery<Client> recovery_;
    Sink& sink_;
    Log& intents_;
};

} // namespace cloudflare::inline v0::access
