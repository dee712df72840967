/// What issuer and reconciler have in common: requests about a token, and calls of sink and log.
#pragma once

#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/access/service_tokens.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What a request found of a token. (Not a `result<bool>`: returned from a coroutine as a constant,
/// that is true whatever it holds, for it converts to bool.)
enum class presence : unsigned char {
    there,
    absent
};

namespace detail {

/// A store's result as a task of the client's.
template <class Client, class T>
typename Client::template task<result<T>> as_task(result<T> given) {
    co_return given;
}
template <class Client, class Task>
Task as_task(Task pending) {
    return pending;
}

/// Whether the intent's issue may have made a token of this name and version.
[[nodiscard]] inline bool is_marked(service_token const& t, intent const& i) {
    bool const by_version =
        i.version != 0 && t.client_secret_version.value_or(0) / 16 == i.version / 16;
    return by_version || has_tag(t.name, i.tag);
}

/// A day is left for clocks that are wrong.
inline constexpr std::chrono::hours clock_tolerance{24};

/// Whether a token was there before the intent: then its name was copied.
[[nodiscard]] inline bool is_older(service_token const& t, intent const& i) {
    return t.created_at && t.created_at->plus(clock_tolerance) < i.opened_at;
}

/// Whether a token was made in the time in which the intent's issue may have made one.
[[nodiscard]] inline bool is_made_in_time(service_token const& t, intent const& i,
                                          std::chrono::seconds watch) {
    auto const end = (std::max)(i.until, i.opened_at.plus(watch)).plus(clock_tolerance);
    return !t.created_at || (!is_older(t, i) && *t.created_at <= end);
}

} // namespace detail

/// The requests and the writes that settle an intent.
///
/// Whatever of sink and log fails for a reason that may pass is called again a few times.
template <class Client, secret_sink Sink, intent_log Log>
class recovery {
public:
    template <class T>
    using task = typename Client::template task<T>;

    recovery(Client client, any_scope scope, Sink& sink, Log& log, issue_options options)
        : client_(std::move(client)),
          scope_(scope),
          sink_(sink),
          log_(log),
          options_(std::move(options)) {}

    [[nodiscard]] Client const& client() const noexcept { return client_; }
    [[nodiscard]] any_scope const& scope() const noexcept { return scope_; }
    [[nodiscard]] issue_options const& options() const noexcept { return options_; }

    /// The server's time where a response has told it, else this machine's.
    [[nodiscard]] timestamp now() const {
        auto const told = client_.server_time();
        return told ? *told : options_.now();
    }

    /// A moment, by each clock that there is.
    struct moment {
        time_point steady;
        timestamp taken_for;
        bool is_told; ///< by the server
    };
    [[nodiscard]] moment this_moment() const {
        return {steady_now(), now(), client_.server_time().has_value()};
    }
    /// The time of day at a moment that has passed, by the server's clock if it has told it since.
    [[nodiscard]] timestamp time_at(moment const& then) const {
        if (then.is_told || !client_.server_time()) return then.taken_for;
        auto const passed = std::chrono::ceil<std::chrono::seconds>(steady_now() - then.steady);
        return now().plus(-passed);
    }

    /// Runs a task to its end though the caller is cancelled, where the transport knows how.
    template <class T>
    [[nodiscard]] task<T> shielded(task<T> pending) const {
        if constexpr (requires { client_.transport().shield(std::move(pending)); })
            return client_.transport().shield(std::move(pending));
        else
            return pending;
    }

    // Requests.

    /// All tokens of the scope. Not filtered by name: how the API compares names is not recorded.
    [[nodiscard]] task<result<token_listing>> list() {
        return service_tokens(client_, scope_).list_whole();
    }

    [[nodiscard]] task<result<service_token>> get(std::string id) {
        return client_.call(get_service_token(scope_, std::move(id)));
    }

    /// A new secret for a token that nobody uses: by raising the version, which does nothing where
    /// it arrives a second time; by rotate where no version is shown.
    ///
    /// Asked for once only: one whose outcome is unknown may still act. Such a token is fit to be
    /// deleted, no more.
    [[nodiscard]] task<result<issued_service_token>> fresh_secret(service_token token) {
        bool const rotates = scope_.is_account() && !token.client_secret_version;
        auto renewing = rotates ? rotate(token.id) : raise_version(token);
        auto renewed = co_await std::move(renewing);
        if (renewed && renewed->client_id.empty()) renewed->client_id = token.client_id;
        co_return renewed;
    }

    /// Deletes a token.
    ///
    /// @return what was found before it was deleted; an error where it is not certain that it does
    /// not exist any more
    [[nodiscard]] task<result<presence>> remove(std::string id) {
        auto deleting = client_.call(delete_service_token(scope_, std::move(id)));
        auto const deleted = co_await std::move(deleting);
        if (!deleted && deleted.error() != errc::not_found) co_return deleted.error();
        co_return deleted ? presence::there : presence::absent;
    }

    /// Deletes a token, and what the sink may hold of it.
    ///
    /// @return as `remove`; an error also where the sink may hold it still
    [[nodiscard]] task<result<presence>> withdraw(std::string id) {
        auto removing = remove(id);
        auto const removed = co_await std::move(removing);
        if (!removed) co_return removed.error();
        auto forgetting = forget(id);
        auto const forgotten = co_await std::move(forgetting);
        if (!forgotten) co_return forgotten.error();
        co_return *removed;
    }

    /// Gives the token the name that is wanted, without the tag.
    ///
    /// @return `presence::absent` where there is no such token any more; an error where it is not
    /// certain that it has the name
    [[nodiscard]] task<result<presence>> rename(std::string id, std::string name) {
        auto naming = client_.call(
            update_service_token(scope_, std::move(id), update_params().name(std::move(name))));
        auto const named = co_await std::move(naming);
        if (!named && named.error() != errc::not_found) co_return named.error();
        co_return named ? presence::there : presence::absent;
    }

    // Sink and log.

    [[nodiscard]] task<result<void>> prepare(intent const& i) {
        return detail::as_task<Client>(sink_.prepare(i));
    }
    /// What the sink holds under a key.
    [[nodiscard]] task<result<std::optional<held_token>>> find_held(std::string const& key) {
        auto const finding = [this, &key] { return sink_.find(key); };
        return persist<std::optional<held_token>>(finding);
    }
    [[nodiscard]] task<result<void>> forget(std::string const& id) {
        auto const forgetting = [this, &id] { return sink_.forget(id); };
        return persist<void>(forgetting);
    }
    [[nodiscard]] task<result<void>> store(intent const& i, issued_service_token const& token) {
        return detail::as_task<Client>(sink_.store(i, token));
    }
    [[nodiscard]] task<result<std::optional<intent>>> insert(intent const& i) {
        auto const inserting = [this, &i] { return log_.insert(i); };
        return persist<std::optional<intent>>(inserting);
    }
    [[nodiscard]] task<result<std::vector<intent>>> intents() {
        auto const listing = [this] { return log_.list(); };
        return persist<std::vector<intent>>(listing);
    }
    /// Writes `changed` over the intent that it was made of, and gives it its new revision.
    ///
    /// @return `errc::conflict` where somebody else has written it since
    [[nodiscard]] task<result<void>> update(intent& changed) {
        auto const updating = [this, &changed] { return log_.update(changed); };
        auto writing = persist<void>(updating);
        auto written = co_await std::move(writing);
        if (!written && written.error() == errc::conflict) {
            // Perhaps by ourselves: a write that failed may have been kept.
            auto looking = look_up(changed.tag);
            auto const there = co_await std::move(looking);
            if (there && *there && (*there)->writer == changed.writer &&
                (*there)->revision == changed.revision + 1)
                written = result<void>();
        }
        if (written) ++changed.revision;
        co_return written;
    }
    [[nodiscard]] task<result<void>> erase(intent const& i) {
        auto const erasing = [this, &i] { return log_.erase(i); };
        return persist<void>(erasing);
    }
    /// One try of the same: any error but `errc::conflict` leaves it open whether it was erased.
    [[nodiscard]] task<result<void>> try_erase(intent const& i) {
        return detail::as_task<Client>(log_.erase(i));
    }
    /// The intent of this tag as it stands in the log; nothing where there is none.
    [[nodiscard]] task<result<std::optional<intent>>> look_up(std::string const& tag) {
        auto listing = intents();
        auto const all = co_await std::move(listing);
        if (!all) co_return all.error();
        std::optional<intent> found;
        for (auto const& i : *all)
            if (i.tag == tag) found = i;
        co_return found;
    }

    [[nodiscard]] time_point steady_now() const { return client_.transport().now(); }
    [[nodiscard]] task<void> pause(std::chrono::milliseconds span) {
        return client_.transport().sleep_until(steady_now() + span);
    }

private:
    static constexpr int max_tries = 4;

    /// Calls a store until it does not fail, or fails for good.
    template <class T, class Function>
    task<result<T>> persist(Function call) {
        auto span = std::chrono::milliseconds(100);
        for (int i = 1;; ++i, span *= 2) {
            auto calling = detail::as_task<Client>(call());
            auto given = co_await std::move(calling);
            if (given || given.error() == errc::conflict || given.error() == errc::cancelled ||
                given.error() == condition::invalid_input || i == max_tries)
                co_return given;
            auto pausing = pause(span);
            co_await std::move(pausing);
        }
    }

    task<result<issued_service_token>> rotate(std::string id) {
        return client_.call(rotate_service_token(scope_, std::move(id)));
    }

    task<result<issued_service_token>> raise_version(service_token const& token) {
        auto const version = token.client_secret_version.value_or(1) + 1;
        auto updating = client_.call(
            update_service_token(scope_, token.id, update_params().client_secret_version(version)));
        auto updated = co_await std::move(updating);
        if (!updated) co_return updated.error();
        co_return as_issued(std::move(*updated));
    }

    Client client_;
    any_scope scope_;
    Sink& sink_;
    Log& log_;
    issue_options options_;
};

} // namespace cloudflare::inline v0::access
