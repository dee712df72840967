/// The requests and the calls of sink and log that issuer, reconciler and rotator share.
#pragma once

#include <cloudflare/access/detail/intent_mark.hpp>
#include <cloudflare/access/detail/token_requests.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/issue_options.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail {

/// A store's result as a task of the client's.
template <class Client, class T>
typename Client::template task<result<T>> as_task(result<T> given) {
    co_return given;
}
template <class Client, class Task>
Task as_task(Task pending) {
    return pending;
}

/// The requests and the writes that settle an intent. A call of sink or log that fails for a reason
/// that may pass is made again a few times.
template <class Client, secret_sink Sink, intent_log Log>
class recovery : public token_requests<Client> {
public:
    template <class T>
    using task = typename Client::template task<T>;

    recovery(Client client, any_scope scope, Sink& sink, Log& log, issue_options options)
        : token_requests<Client>(std::move(client), scope, [options] { return options.now(); }),
          sink_(sink),
          log_(log),
          options_(std::move(options)) {}

    [[nodiscard]] issue_options const& options() const noexcept { return options_; }

    /// A copy whose requests and pauses end at `end`; calls of stores are not limited.
    [[nodiscard]] recovery ending_by(time_point end) const {
        auto same = *this;
        same.end_by(end);
        return same;
    }

    [[nodiscard]] task<result<void>> prepare(intent const& i) {
        return as_task<Client>(sink_.prepare(i));
    }
    /// What the sink holds under a key.
    [[nodiscard]] task<result<std::optional<held_token>>> find_held(std::string const& key) {
        auto const finding = [this, &key] { return sink_.find(key); };
        return persist<std::optional<held_token>>(finding);
    }
    /// All that the sink holds.
    [[nodiscard]] task<result<std::vector<held_token>>> held()
        requires listable_sink<Sink>
    {
        auto const listing = [this] { return sink_.list(); };
        return persist<std::vector<held_token>>(listing);
    }
    [[nodiscard]] task<result<void>> forget(std::string const& id) {
        auto const forgetting = [this, &id] { return sink_.forget(id); };
        return persist<void>(forgetting);
    }
    [[nodiscard]] task<result<void>> store(intent const& i, issued_service_token const& token) {
        return as_task<Client>(sink_.store(i, token));
    }
    [[nodiscard]] task<result<std::optional<intent>>> insert(intent const& i) {
        auto const inserting = [this, &i] { return log_.insert(i); };
        return persist<std::optional<intent>>(inserting);
    }
    [[nodiscard]] task<result<std::vector<intent>>> intents() {
        auto const listing = [this] { return log_.list(); };
        return persist<std::vector<intent>>(listing);
    }
    /// Updates the intent in the log, and sets its new revision.
    ///
    /// @return `errc::conflict` if another process has written it since
    [[nodiscard]] task<result<void>> update(intent& changed) {
        auto const updating = [this, &changed] { return log_.update(changed); };
        auto pending = persist<void>(updating);
        auto written = co_await std::move(pending);
        if (!written && written.error() == errc::conflict) {
            // Perhaps by this process: a write that failed may have been made.
            auto pending_look_up = look_up(changed.tag);
            auto const there = co_await std::move(pending_look_up);
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
    /// A single try. After any error but `errc::conflict` it may have been erased or not.
    [[nodiscard]] task<result<void>> try_erase(intent const& i) {
        return as_task<Client>(log_.erase(i));
    }
    /// The intent of this tag as it is in the log; nothing if there is none.
    [[nodiscard]] task<result<std::optional<intent>>> look_up(std::string const& tag) {
        auto pending = intents();
        auto const all = co_await std::move(pending);
        if (!all) co_return all.error();
        std::optional<intent> found;
        for (auto const& i : *all)
            if (i.tag == tag) found = i;
        co_return found;
    }

    /// Deletes a token, and removes it from the sink.
    ///
    /// @return as `remove`; an error also if the sink may still hold it
    [[nodiscard]] task<result<presence>> withdraw(std::string id) {
        auto pending = this->remove(id);
        auto const removed = co_await std::move(pending);
        if (!removed) co_return removed.error();
        auto pending_forget = forget(id);
        auto const forgotten = co_await std::move(pending_forget);
        if (!forgotten) co_return forgotten.error();
        co_return *removed;
    }

private:
    static constexpr int max_tries = 4;

    /// Calls a store until it succeeds, or fails for a reason that does not pass.
    template <class T, class Function>
    task<result<T>> persist(Function call) {
        auto span = std::chrono::milliseconds(100);
        for (int i = 1;; ++i, span *= 2) {
            auto pending = as_task<Client>(call());
            auto given = co_await std::move(pending);
            if (given || given.error() == errc::conflict || given.error() == errc::cancelled ||
                given.error() == condition::invalid_input || i == max_tries)
                co_return given;
            auto pending_pause = this->pause(span);
            co_await std::move(pending_pause);
        }
    }

    Sink& sink_;
    Log& log_;
    issue_options options_;
};

} // namespace cloudflare::inline v0::access::detail
