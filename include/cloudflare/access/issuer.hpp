/// Create, made exactly-once: a token whose secret is in the caller's hands, or no token, or an
/// intent that names it.
#pragma once

#include <cloudflare/access/recovery.hpp>
#include <cloudflare/access/settlement.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What an issue gives: the token, whose secret is in the sink. (A class, not an aggregate: g++ 12.)
class issued {
public:
    issued() {}
    explicit issued(service_token made) : token(std::move(made)) {}

    /// Of a key that the sink held already: no more than the sink knows of it.
    service_token token;
    /// The sink held the key already: nothing was sent.
    bool already_held = false;
    /// The token is good, and the intent is in the log still, settled: the tag could not be taken
    /// out of the name, or was left there by choice. `issuer::finish` or a reconciler sees to it.
    bool intent_open = false;
    /// That intent.
    std::optional<intent> settled;
};

/// Issues service tokens so that each one ends up owned, withdrawn or named by an intent.
///
///     access::issuer issuer(client, account, sink, log);
///     auto token = co_await issuer.issue("machine-17", access::create_params("ci"));
///
/// The states of an issue, and what a crash in each of them leaves to a reconciler:
///
///     | state       | what happens                         | a crash leaves                     |
///     | opening     | the intent is written down, the sink | nothing, or an intent alone        |
///     |             | is asked for the key, and prepared   |                                    |
///     | creating    | the token is created, its tag first  | an intent, and perhaps its token   |
///     |             | in its name                          |                                    |
///     | looking     | outcome unknown: the tag is looked   | an intent, and perhaps its token   |
///     |             | for; the token found is given a      |                                    |
///     |             | fresh secret, or deleted; where it   |                                    |
///     |             | is proven that there is none, it is  |                                    |
///     |             | created again under the same tag     |                                    |
///     | storing     | the secret goes to the sink          | an intent, and a token that the    |
///     |             |                                      | sink may hold                      |
///     | naming      | the tag is taken out of the name     | an intent, and a token that the    |
///     |             |                                      | sink holds                         |
///     | deciding    | the intent is erased, or settled and | the same, or nothing               |
///     |             | watched where a second token may     |                                    |
///     |             | come late, unless a reconciler gave  |                                    |
///     |             | it up first                          |                                    |
///     | withdrawing | the sink failed, or it was given up: | an intent, and perhaps its token   |
///     |             | the token is deleted                 |                                    |
///
/// @tparam Client a `client<...>`; its `now` and `sleep_until` are used for the waits between looks
///
/// Threads: as the client, the sink and the log allow; issues under way share nothing else.
template <class Client, secret_sink Sink, intent_log Log>
class issuer {
public:
    template <class T>
    using task = typename Client::template task<T>;

    /// @param sink, log must outlive the issuer, and the issuer every issue under way
    issuer(Client client, any_scope scope, Sink& sink, Log& log,
           issue_options options = issue_options())
        : tools_(std::move(client), scope, sink, log, std::move(options)) {}

    /// Makes a token of this name, and gives its secret to the sink before it returns.
    [[nodiscard]] task<result<issued>> issue(create_params params) {
        return issue(std::string(), std::move(params));
    }

    /// The same for a key of the caller's: asked twice, one token. The sink keeps the secret under
    /// the key. Where it holds one already, that token is given, and nothing sent. Where another
    /// issue of the key is under way, in this process or another, its end is awaited; one that has
    /// not ended at `min_age` is settled first.
    ///
    /// @param key empty: none. Else UTF-8, and no secret
    /// @return the token; or an error that says what is left: `delivery` is `not_sent` or
    /// `rejected` where there is no token and never will be, else an intent stays in the log and the
    /// error names its tag.
    /// - `errc::invalid_argument`: name, key or options; also options that contradict each other
    /// - `errc::conflict`: another issue of the key has not ended by the deadline
    /// - `errc::sink_failed`: the sink cannot take the secret; the token, if there was one, has been
    ///   withdrawn where `delivery` is `not_sent` or `rejected`
    /// - `errc::limit_reached`: the error lists the intents that a reconciler could withdraw
    /// - `errc::not_found`: the token was withdrawn by a reconciler, for this process was stopped
    ///   for too long, or deleted by somebody
    ///
    /// Cancellation: an issue of which nothing was sent stops; any other goes on to its end, which
    /// takes a transport that can (`shield`).
    [[nodiscard]] task<result<issued>> issue(std::string key, create_params params) {
        if (auto const ok = check(params); !ok) co_return ok.error();
        flow f(tools_, std::move(key), std::move(params), *witness_is_shown_);

        auto opening = open(f);
        auto opened = co_await std::move(opening);
        if (!opened) co_return opened.error();
        if (*opened) co_return std::move(**opened);

        auto creating = create(f);
        auto created = co_await std::move(creating);
        auto ending = tools_.shielded(end(f, std::move(created)));
        auto ended = co_await std::move(ending);
        co_return ended;
    }

    /// Does what `return_when_stored` has left: takes the tag out of the name, and settles the
    /// intent. May run behind the caller's back, or never: a reconciler does the same.
    [[nodiscard]] task<result<void>> finish(issued done) {
        if (!done.settled) co_return result<void>();
        auto i = std::move(*done.settled);
        auto naming = tools_.rename(i.token_id, i.name);
        auto const named = co_await std::move(naming);
        if (!named) co_return named.error();
        if (i.until != timestamp()) co_return result<void>();
        auto erasing = tools_.erase(i);
        auto const erased = co_await std::move(erasing);
        if (!erased && erased.error() != errc::conflict) co_return erased.error();
        co_return result<void>();
    }

private:
    using tools = recovery<Client, Sink, Log>;

    static constexpr int max_creates = 5;
    static constexpr int max_stores = 3;
    static constexpr int max_short_waits = 10;

    /// One issue under way.
    struct flow {
        flow(tools const& with, std::string callers_key, create_params wanted_params,
             bool witness_is_shown)
            : wanted(with.options().make_tag(), with.scope(), wanted_params.name(), with.now(),
                     with.options().note()),
              params(std::move(wanted_params)),
              end(with.steady_now() + with.options().deadline()),
              wall_end(with.options().now().plus(
                  std::chrono::ceil<std::chrono::seconds>(with.options().deadline()))),
              is_keyed(!callers_key.empty()) {
            wanted.key = is_keyed ? std::move(callers_key) : wanted.tag;
            wanted.sink = with.options().sink_name();
            wanted.writer = wanted.tag;
            if (with.options().takes_version_as_witness()) {
                wanted.version = with.options().make_version();
                params.client_secret_version(wanted.version);
            }
            is_tagged = wanted.version == 0 || !witness_is_shown;
            if (is_tagged) params.name(tagged_name(wanted.name, wanted.tag));
        }

        intent wanted;
        create_params params;
        time_point end;     ///< no create is sent after it, by the steady clock
        timestamp wall_end; ///< the same by the wall clock, for the steady one may stop
        bool is_keyed;
        bool is_tagged = true;
        int creates = 0;
        int blind_creates = 0; ///< after lists that showed nothing at all
        /// Creates that may have made a token, or may yet, which no list has shown.
        int unresolved = 0;
        bool tag_is_cut = false;            ///< by the server: no list shows it
        bool sink_may_hold = false;         ///< the secret of a token that is deleted
        std::vector<std::string> deleted{}; ///< ids of tokens of this issue: a list may lag behind
    };

    /// What looking for an issue's tokens found.
    struct look {
        std::vector<service_token> found{};
        bool is_proven = false; ///< where nothing was found: the list is proof
        bool is_empty = false;  ///< the list shows no token at all
    };

    [[nodiscard]] result<void> check(create_params const& params) const {
        if (auto const ok = tools_.options().check(); !ok) return ok;
        if (auto const ok = params.check(); !ok) return ok;
        if (has_any_tag(params.name()))
            return error(errc::invalid_argument, "name: must not carry the tag of an issue");
        return {};
    }

    // Errors.

    [[nodiscard]] static error with_delivery(error const& e, delivery how, std::string more = {}) {
        return e.with([&](error_details& d) {
            d.delivery = how;
            if (more.empty()) return;
            d.explanation += (d.explanation.empty() ? "" : "; ") + more;
        });
    }
    /// The server certainly made no token by this request.
    [[nodiscard]] static bool is_certain(error const& e) noexcept {
        return e.delivery() == delivery::not_sent || e.delivery() == delivery::rejected;
    }
    [[nodiscard]] static std::string stays_open(flow const& f) {
        return "intent " + f.wanted.tag + " stays open: reconcile settles it";
    }

    // Opening.

    /// Writes the intent down and asks the sink. Gives the token where the sink holds the key.
    task<result<std::optional<issued>>> open(flow& f) {
        auto taking = take_key(f);
        auto const taken = co_await std::move(taking);
        if (!taken) co_return taken.error();
        auto asking = ask_sink(f);
        auto asked = co_await std::move(asking);
        if (asked && !*asked) co_return asked;
        auto abandoning = tools_.erase(f.wanted);
        auto const abandoned = co_await std::move(abandoning);
        static_cast<void>(abandoned); // an intent alone is left, which a reconciler settles
        if (!asked) co_return with_delivery(asked.error(), delivery::not_sent);
        co_return asked;
    }

    /// Inserts the intent; waits while another one holds the key.
    task<result<void>> take_key(flow& f) {
        auto span = std::chrono::milliseconds(50);
        int short_waits = 0; // a cancelled wait ends at once
        for (;;) {
            auto inserting = tools_.insert(f.wanted);
            auto inserted = co_await std::move(inserting);
            if (!inserted) {
                auto erasing = tools_.try_erase(f.wanted); // it may have been kept
                auto const erased = co_await std::move(erasing);
                static_cast<void>(erased);
                co_return with_delivery(inserted.error(), delivery::not_sent);
            }
            if (!*inserted || (*inserted)->tag == f.wanted.tag) co_return result<void>();
            auto holder = std::move(**inserted);
            if (is_late(f)) co_return key_is_held(holder);
            auto settling = settle_holder(std::move(holder));
            bool const is_free = co_await std::move(settling);
            if (is_free) continue;
            auto const until = tools_.steady_now() + span;
            co_await tools_.client().transport().sleep_until(until);
            short_waits = tools_.steady_now() < until ? short_waits + 1 : 0;
            if (short_waits == max_short_waits)
                co_return error(errc::cancelled, error_details{.delivery = delivery::not_sent});
            span = (std::min)(span * 2, std::chrono::milliseconds(2000));
        }
    }

    [[nodiscard]] static error key_is_held(intent const& holder) {
        return {errc::conflict,
                error_details{.explanation = "the key is held by intent " + holder.tag +
                                             ", an issue that has not ended: ask again later, or "
                                             "reconcile",
                              .delivery = delivery::not_sent}};
    }

    /// Settles another issue of the same key, if it is old enough to be given up; whether the key is
    /// free now.
    task<bool> settle_holder(intent holder) {
        using settler = settlement<Client, Sink, Log>;
        if (settler::is_young(holder, tools_.now(), tools_.options())) co_return false;
        auto const before = tools_.this_moment();
        auto listing = tools_.list();
        auto const listed = co_await std::move(listing);
        if (!listed) co_return false;
        auto const now = tools_.time_at(before); // by the server's clock now
        if (settler::is_young(holder, now, tools_.options())) co_return false;
        // A token that is not there is not waited for any longer: it is watched for.
        settler settles(tools_, *listed, now, tools_.options().min_age());
        settled_tokens done;
        auto settling = settles.settle(holder, done);
        auto const settled = co_await std::move(settling);
        static_cast<void>(settled);
        co_return holder.state == intent_state::settled;
    }

    /// Whether the sink holds the key, and else whether it can take a secret.
    task<result<std::optional<issued>>> ask_sink(flow& f) {
        if (f.is_keyed) {
            auto finding = tools_.find_held(f.wanted.key);
            auto held = co_await std::move(finding);
            if (!held) co_return held.error();
            bool is_alive = held->has_value();
            if (is_alive) {
                auto checking = forget_given_up(f, **held);
                auto const given_up = co_await std::move(checking);
                if (!given_up) co_return given_up.error();
                is_alive = *given_up == presence::there;
            }
            if (is_alive) co_return std::optional<issued>(already(f, **held));
        }
        auto preparing = tools_.prepare(f.wanted);
        auto const prepared = co_await std::move(preparing);
        if (!prepared) co_return prepared.error();
        co_return std::optional<issued>();
    }

    [[nodiscard]] static issued already(flow const& f, held_token const& held) {
        service_token token;
        token.id = held.token_id;
        token.client_id = held.client_id;
        token.name = f.wanted.name;
        if (held.version != 0) token.client_secret_version = held.version;
        issued done(std::move(token));
        done.already_held = true;
        return done;
    }

    /// A token that the sink holds of an issue that was given up, whose process was stopped and has
    /// stored it all the same, is withdrawn.
    ///
    /// @return `presence::absent` where it was
    task<result<presence>> forget_given_up(flow& f, held_token held) {
        if (held.tag.empty() || held.tag == f.wanted.tag) co_return presence::there;
        auto reading = tools_.look_up(held.tag);
        auto const i = co_await std::move(reading);
        if (!i) co_return i.error();
        bool const given_up =
            *i && (*i)->state != intent_state::open &&
            ((*i)->state != intent_state::settled || (*i)->token_id != held.token_id);
        if (!given_up) co_return presence::there;
        auto withdrawing = tools_.withdraw(held.token_id);
        auto const withdrawn = co_await std::move(withdrawing);
        if (!withdrawn) co_return withdrawn.error();
        co_return presence::absent;
    }

    // Creating.

    [[nodiscard]] bool is_late(flow const& f) const {
        return tools_.steady_now() >= f.end || tools_.options().now() >= f.wall_end;
    }

    task<result<issued_service_token>> create(flow& f) {
        ++f.creates;
        auto const left =
            std::chrono::floor<std::chrono::milliseconds>(f.end - tools_.steady_now());
        auto const& client = tools_.client();
        return client.call(create_service_token(f.wanted.scope, f.params),
                           call_options().deadline(std::min(left, client.options().deadline())));
    }

    /// From the first create's outcome to the end.
    task<result<issued>> end(flow& f, result<issued_service_token> created) {
        auto obtaining = obtain(f, std::move(created));
        auto token = co_await std::move(obtaining);
        if (!token) {
            auto failing = fail(f, token.error());
            auto const failed = co_await std::move(failing);
            co_return failed;
        }
        token->name = f.wanted.name;
        auto storing = store(f, *token);
        auto const stored = co_await std::move(storing);
        if (!stored) {
            auto withdrawing = withdraw(f, token->id, stored.error());
            auto const failed = co_await std::move(withdrawing);
            co_return failed;
        }
        auto settling = settle(f, std::move(*token));
        auto done = co_await std::move(settling);
        co_return done;
    }

    /// No token is in hand. Where there is none and never will be, the intent is erased.
    task<error> fail(flow& f, error why) {
        bool const nothing_left = is_certain(why) && f.unresolved == 0;
        if (!nothing_left) {
            auto naming = stay_named(f);
            co_await std::move(naming);
            co_return with_delivery(why, delivery::unknown, stays_open(f));
        }
        auto erasing = tools_.erase(f.wanted);
        auto const erased = co_await std::move(erasing);
        static_cast<void>(erased);
        if (why != errc::limit_reached) co_return why;
        auto naming = with_intents(std::move(why));
        auto const named = co_await std::move(naming);
        co_return named;
    }

    /// A process that was stopped for long finds its intent settled, or erased: it is written down
    /// again, for a token may come.
    task<void> stay_named(flow& f) {
        auto reading = tools_.look_up(f.wanted.tag);
        auto const there = co_await std::move(reading);
        if (!there || (*there && (*there)->state != intent_state::settled)) co_return;
        auto renamed = *there ? **there : f.wanted;
        renamed.until = tools_.now().plus(tools_.options().watch());
        if (*there) {
            auto updating = tools_.update(renamed);
            auto const updated = co_await std::move(updating);
            static_cast<void>(updated); // who has written it since watches it
        } else {
            renamed.state = intent_state::settled;
            renamed.token_id.clear();
            renamed.revision = 1;
            auto inserting = tools_.insert(renamed);
            auto const inserted = co_await std::move(inserting);
            static_cast<void>(inserted);
        }
    }

    /// The account is full: names the intents whose tokens could be withdrawn.
    task<error> with_intents(error why) {
        auto listing = tools_.intents();
        auto const all = co_await std::move(listing);
        std::string tags;
        if (all)
            for (auto const& i : *all)
                if (i.scope == tools_.scope() && i.state != intent_state::settled)
                    tags += ' ' + i.tag;
        if (tags.empty()) co_return why;
        co_return why.with([&](error_details& d) {
            d.explanation = "open intents that reconcile may withdraw:" + tags;
        });
    }

    /// The token and its secret. While the outcome of a create is unknown no other is sent, unless
    /// it is proven that no token is there; and then the intent is watched.
    task<result<issued_service_token>> obtain(flow& f, result<issued_service_token> created) {
        for (;;) {
            auto judging = judge(f, std::move(created));
            auto token = co_await std::move(judging);
            if (token) co_return token;
            auto const why = token.error();
            auto waiting = wait_for_rate(f, why);
            bool const waited = co_await std::move(waiting);
            if (!waited && (is_certain(why) || f.tag_is_cut)) co_return why;
            if (!waited) {
                auto resolving = resolve(f, why);
                auto resolved = co_await std::move(resolving);
                if (resolved && *resolved) co_return std::move(**resolved);
                if (!resolved) co_return resolved.error();
            }
            if (f.creates >= max_creates || is_late(f))
                co_return with_delivery(why,
                                        f.unresolved == 0 ? delivery::rejected : delivery::unknown);
            auto creating = create(f);
            created = co_await std::move(creating);
        }
    }

    /// A create's response: it must show the mark, or the token could not be found again.
    task<result<issued_service_token>> judge(flow& f, result<issued_service_token> created) {
        if (!created) co_return created;
        auto& token = *created;
        if (token.client_id.empty() || token.name.empty()) {
            auto getting = tools_.get(token.id);
            auto const shown = co_await std::move(getting);
            if (!shown)
                co_return shown.error().with(
                    [](error_details& d) { d.delivery = delivery::accepted; });
            static_cast<service_token&>(token) = *shown;
        }
        bool const by_version =
            f.wanted.version != 0 && token.client_secret_version == f.wanted.version;
        if (!by_version) witness_is_shown_->store(false);
        if (by_version && f.is_tagged) {
            auto trying = try_witness(token);
            co_await std::move(trying);
        }
        if (!f.is_tagged || has_tag(token.name, f.wanted.tag)) co_return created;
        auto removing = tools_.remove(token.id);
        auto const removed = co_await std::move(removing);
        if (removed) f.deleted.push_back(token.id);
        f.tag_is_cut = true;
        co_return error(
            errc::unexpected_response,
            error_details{.explanation = "the server does not keep the tag in the "
                                         "token's name; the token was " +
                                         std::string(removed ? "" : "not ") + "withdrawn",
                          .delivery = removed ? delivery::rejected : delivery::accepted});
    }

    /// Whether lists show the version, too: then it will do without the tag.
    task<void> try_witness(service_token const& token) {
        auto listing = tools_.list();
        auto const listed = co_await std::move(listing);
        if (!listed) co_return;
        for (auto const& t : listed->tokens)
            if (t.id == token.id && t.client_secret_version == token.client_secret_version)
                witness_is_shown_->store(true);
    }

    /// Waits where a create was refused for the rate only, and the wait fits the deadline.
    task<bool> wait_for_rate(flow& f, error const& why) {
        auto const span = why.details().retry_after;
        if (why != errc::rate_limited || !is_certain(why) || !span ||
            tools_.steady_now() + *span >= f.end)
            co_return false;
        auto pausing = tools_.pause(*span);
        co_await std::move(pausing);
        co_return true;
    }

    /// After a create with an unknown outcome: the token that is found, with a fresh secret; or
    /// nothing, where another create may be sent.
    task<result<std::optional<issued_service_token>>> resolve(flow& f, error why) {
        ++f.unresolved;
        if (tools_.options().settle_window() == std::chrono::milliseconds(0))
            co_return with_delivery(why, delivery::unknown);
        auto looking = look_for(f);
        auto const seen = co_await std::move(looking);
        if (!seen) co_return with_delivery(seen.error(), delivery::unknown);
        if (seen->found.empty()) {
            bool const may_create = seen->is_proven && (!seen->is_empty || f.blind_creates++ == 0);
            if (!may_create) co_return with_delivery(why, delivery::unknown);
            co_return std::optional<issued_service_token>();
        }
        f.unresolved = (std::max)(0, f.unresolved - static_cast<int>(seen->found.size()));
        auto renewing = tools_.fresh_secret(seen->found.front());
        auto renewed = co_await std::move(renewing);
        // Where the secret is lost again the token is deleted, and so is any other.
        for (std::size_t n = renewed ? 1 : 0; n != seen->found.size(); ++n) {
            auto removing = tools_.remove(seen->found[n].id);
            auto const removed = co_await std::move(removing);
            if (removed) f.deleted.push_back(seen->found[n].id);
            if (!removed) ++f.unresolved;
            if (!removed && !renewed) co_return with_delivery(removed.error(), delivery::unknown);
        }
        if (!renewed) co_return std::optional<issued_service_token>();
        co_return std::optional<issued_service_token>(std::move(*renewed));
    }

    /// Looks for the issue's tokens until the settle window ends.
    ///
    /// @return an error only when cancelled
    task<result<look>> look_for(flow& f) {
        auto const end = tools_.steady_now() + tools_.options().settle_window();
        auto span = std::chrono::milliseconds(500);
        std::vector<std::string> before;
        for (;;) {
            look seen;
            auto listing = tools_.list();
            auto const listed = co_await std::move(listing);
            if (!listed && listed.error() == errc::cancelled) co_return listed.error();
            if (listed) {
                std::vector<std::string> ids;
                for (auto const& t : listed->tokens) {
                    ids.push_back(t.id);
                    if (is_ours(f, t)) seen.found.push_back(t);
                }
                seen.is_empty = ids.empty();
                seen.is_proven = listed->complete && (listed->pages == 1 || ids == before);
                before = std::move(ids);
            }
            auto const now = tools_.steady_now();
            if (!seen.found.empty() || now >= end) co_return seen;
            auto const next = (std::min)(end, now + span);
            co_await tools_.client().transport().sleep_until(next);
            span = (std::min)(span * 2, std::chrono::milliseconds(8000));
        }
    }

    [[nodiscard]] static bool is_ours(flow const& f, service_token const& t) {
        return detail::is_marked(t, f.wanted) && !detail::is_older(t, f.wanted) &&
               std::count(f.deleted.begin(), f.deleted.end(), t.id) == 0;
    }

    // Storing.

    /// Stores the secret. A store that failed may have kept it: the sink is asked.
    ///
    /// @return an error: it is not held, or (`delivery::accepted`) that is not known
    task<result<void>> store(flow& f, issued_service_token const& token) {
        auto span = std::chrono::milliseconds(100);
        for (int i = 1;; ++i, span *= 2) {
            auto storing = tools_.store(f.wanted, token);
            auto const stored = co_await std::move(storing);
            if (stored) co_return result<void>();
            auto finding = tools_.find_held(f.wanted.key);
            auto const held = co_await std::move(finding);
            if (!held)
                co_return with_delivery(error(errc::sink_failed, stored.error().details()),
                                        delivery::accepted,
                                        "whether the sink holds the secret is not known");
            if (*held && (*held)->token_id == token.id &&
                (*held)->version >= token.client_secret_version.value_or(0))
                co_return result<void>();
            if (i == max_stores)
                co_return with_delivery(error(errc::sink_failed, stored.error().details()),
                                        delivery::rejected);
            if (*held) {
                auto checking = forget_given_up(f, **held);
                auto const given_up = co_await std::move(checking);
                static_cast<void>(given_up); // the next store tells
            }
            auto pausing = tools_.pause(span);
            co_await std::move(pausing);
        }
    }

    /// The sink did not take the secret: deletes the token that nobody owns.
    task<error> withdraw(flow& f, std::string id, error why) {
        auto failed = why.with([&](error_details& d) { d.operation = "issue"; });
        if (why.delivery() == delivery::accepted) {
            auto naming = stay_named(f);
            co_await std::move(naming);
            co_return with_delivery(failed, delivery::accepted, stays_open(f));
        }
        auto removing = remove_and_forget(f, id);
        auto const removed = co_await std::move(removing);
        if (!removed) {
            auto naming = stay_named(f);
            co_await std::move(naming);
        }
        if (!removed)
            co_return with_delivery(failed, delivery::accepted,
                                    "the token was not withdrawn; " + stays_open(f));
        auto closing = close_without_token(f);
        co_await std::move(closing);
        co_return with_delivery(failed, f.unresolved == 0 ? delivery::rejected : delivery::unknown,
                                "the token was withdrawn");
    }

    /// Deletes the token. Where the sink fails to forget it, the intent is watched, and a reconciler
    /// has it forgotten.
    task<result<presence>> remove_and_forget(flow& f, std::string id) {
        auto removing = tools_.remove(id);
        auto const removed = co_await std::move(removing);
        if (!removed) co_return removed.error();
        auto forgetting = tools_.forget(id);
        auto const forgotten = co_await std::move(forgetting);
        if (!forgotten) f.sink_may_hold = true;
        co_return *removed;
    }

    /// The token is deleted: the intent is erased, or watched where another may come late.
    task<void> close_without_token(flow& f) {
        auto closing =
            f.unresolved == 0 && !f.sink_may_hold ? tools_.erase(f.wanted) : settle_in_log(f, {});
        auto const closed = co_await std::move(closing);
        static_cast<void>(closed); // who has written it since sees to it
    }

    // Naming and deciding.

    /// The secret is stored: takes the tag out of the name, and decides.
    task<result<issued>> settle(flow& f, issued_service_token token) {
        issued done(static_cast<service_token const&>(token));
        bool const names = f.is_tagged && !tools_.options().keeps_tag();
        bool is_named = !names;
        if (names && !tools_.options().returns_when_stored()) {
            auto naming = tools_.rename(token.id, f.wanted.name);
            auto const named = co_await std::move(naming);
            if (named && *named == presence::absent) {
                auto losing = lose(f, token.id);
                auto const lost = co_await std::move(losing);
                co_return lost;
            }
            is_named = named.has_value();
        }
        if (!is_named || tools_.options().keeps_tag()) done.token.name = f.params.name();
        auto deciding = decide(f, token.id, is_named && f.unresolved == 0);
        auto const decided = co_await std::move(deciding);
        if (!decided && decided.error() == errc::conflict) {
            auto losing = lose(f, token.id);
            auto const lost = co_await std::move(losing);
            co_return lost;
        }
        if (!decided)
            co_return with_delivery(decided.error(), delivery::accepted,
                                    "the secret is stored, and whether the token is good is not "
                                    "known; " +
                                        stays_open(f));
        // What is not in the log any more was named by whoever erased it, or just now.
        if (!is_named && f.wanted.token_id.empty()) done.token.name = f.wanted.name;
        if (!is_named && !f.wanted.token_id.empty()) {
            done.intent_open = true;
            done.settled = f.wanted;
        }
        co_return done;
    }

    /// Writes down that the token is owned: erases the intent, or settles it.
    ///
    /// @return `errc::conflict` where it was given up meanwhile; any other error: not known
    task<result<void>> decide(flow& f, std::string id, bool erases) {
        auto span = std::chrono::milliseconds(100);
        for (int i = 1;; ++i, span *= 2) {
            auto writing = erases ? tools_.try_erase(f.wanted) : settle_in_log(f, id);
            auto const written = co_await std::move(writing);
            if (written) co_return result<void>();
            auto reading = tools_.look_up(f.wanted.tag);
            auto const there = co_await std::move(reading);
            if (there && *there) {
                auto const& now = **there;
                if (now.state == intent_state::settled && now.token_id == id) {
                    f.wanted = now; // by a reconciler, who found the secret in the sink
                    co_return result<void>();
                }
                if (now.state == intent_state::settled) co_return error(errc::conflict);
                f.wanted.revision = now.revision;
                f.wanted.opened_at = now.opened_at;
                if (now.state == intent_state::withdrawing) {
                    // Who withdraws may find the secret in the sink, and take it back: not any more.
                    f.wanted.state = now.state;
                    f.wanted.token_id = now.token_id;
                    auto yielding = tools_.update(f.wanted);
                    auto const yielded = co_await std::move(yielding);
                    if (yielded) co_return error(errc::conflict);
                    f.wanted.state = intent_state::open;
                    f.wanted.token_id.clear();
                }
            } else if (there) {
                // Erased: by ourselves, for a try that failed was kept, or when the watch over what
                // was given up has ended. Nobody deletes the token any more; is it there still? A
                // write tells, for reads may lag behind.
                auto touching = tools_.rename(id, tools_.options().keeps_tag() ? f.params.name()
                                                                               : f.wanted.name);
                auto const alive = co_await std::move(touching);
                if (alive && *alive == presence::absent) co_return error(errc::conflict);
                if (alive) co_return result<void>();
            }
            if (i == 2 * max_stores)
                co_return error(errc::intent_log_failed, written.error().details());
            auto pausing = tools_.pause(span);
            co_await std::move(pausing);
        }
    }

    /// Settles the intent for this token, or for none; watched where a second one may come late.
    task<result<void>> settle_in_log(flow& f, std::string id) {
        auto changed = f.wanted;
        changed.state = intent_state::settled;
        changed.token_id = std::move(id);
        if (f.unresolved != 0 || f.sink_may_hold)
            changed.until = tools_.now().plus(tools_.options().watch());
        auto updating = tools_.update(changed);
        auto const updated = co_await std::move(updating);
        if (updated) f.wanted = changed;
        co_return updated;
    }

    /// The token was withdrawn by somebody else, or is about to be.
    task<error> lose(flow& f, std::string id) {
        auto removing = remove_and_forget(f, id);
        auto const removed = co_await std::move(removing);
        auto closing = removed ? close_without_token(f) : stay_named(f);
        co_await std::move(closing);
        bool const nothing_left = removed.has_value() && f.unresolved == 0;
        error_details details;
        details.operation = "issue";
        details.delivery = nothing_left ? delivery::rejected : delivery::unknown;
        details.explanation = "the token " + id +
                              " was withdrawn by a reconciler, for this process was stopped for "
                              "too long, or it was deleted by somebody";
        if (!nothing_left) details.explanation += "; " + stays_open(f);
        co_return error(errc::not_found, std::move(details));
    }

    tools tools_;
    std::shared_ptr<std::atomic<bool>> witness_is_shown_ =
        std::make_shared<std::atomic<bool>>(false);
};

} // namespace cloudflare::inline v0::access
