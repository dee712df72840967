/// Sinks: where the secret of a new service token is put before anything else happens.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/result_or_task.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/secret.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// What a sink holds under a key: which token's secret, and which of its secrets. Not the secret
/// itself.
struct held_token {
    std::string token_id;     ///< the API's
    std::string client_id;    ///< the public half of what a program sends to Access
    std::int64_t version = 0; ///< `client_secret_version`; 0: not known
    timestamp since{};        ///< when that secret was stored; 1970: not known
    std::string tag{}; ///< of the intent that the token was first stored with; empty: not known
    std::string key{}; ///< under which it is held

    /// Compares every member.
    friend bool operator==(held_token const&, held_token const&) = default;
};

/// Where secrets go. Each function gives `result<T>` or a task of it (`result_or_task`):
///
///     prepare(intent const&)                             -> void
///     store(intent const&, issued_service_token const&)  -> void
///     find(std::string_view key)                         -> std::optional<held_token>
///     forget(std::string_view token_id)                  -> void
///     list()                                             -> std::vector<held_token>
///
/// The last is needed for renewal only: see `listable_sink`.
///
/// `prepare` is asked before anything is sent: can a secret be stored under `intent.key`? An error
/// says why not, and the issue ends with nothing sent. It may leave something behind that the store
/// needs, but nothing that `find` shows. Called again for the same intent it says the same.
///
/// `store` keeps the secret under `intent.key`; it is durable when it returns, and is seen by every
/// process that shares the sink from then on. `token.name` is the name that the user wants, never
/// the tagged one. It replaces an older secret of the same token. It refuses, and leaves what is
/// there: a `client_secret_version` lower than the one it holds of the same token; a key that holds
/// another token. Stored again, the same secret is a success. An error leaves it open whether the
/// secret was kept: who gets one asks `find`.
///
/// `find` gives what is held under the key; nothing where nothing is. The tag that it gives is that
/// of the intent that the token came with: it tells one issue of a key from another. It reads what is durable, not
/// a copy that lags behind. What cannot be read (a volume that is not mounted, a refused permission)
/// is an error, never "nothing": a token that the sink does not hold is deleted.
///
/// `forget` removes the secret of the token, under whatever key, for the token does not exist any
/// more. Where there is none it does nothing and succeeds.
///
/// `list` gives all that is held, in any order. What cannot be read is an error, never left out.
///
/// Lifetime: an argument lives until the function's task has ended. Cancellation: a task that is
/// cancelled ends as usual, or with an error. Threads: issuers and reconcilers on several threads
/// call at once, so a sink says whether it allows that.
///
/// `testing/sink_conformance.hpp` tells whether a sink is right.
template <class S>
concept secret_sink =
    requires(S& sink, intent const& i, issued_service_token const& token, std::string_view text) {
        { sink.prepare(i) } -> result_or_task<void>;
        { sink.store(i, token) } -> result_or_task<void>;
        { sink.find(text) } -> result_or_task<std::optional<held_token>>;
        { sink.forget(text) } -> result_or_task<void>;
    };

/// A sink that tells all that it holds: what `renewer` needs.
template <class S>
concept listable_sink = secret_sink<S> && requires(S& sink) {
    { sink.list() } -> result_or_task<std::vector<held_token>>;
};

/// Gives what is to stand in place of a secret that is held.
using secret_change = std::function<result<secret>(held_token const&, secret const&)>;

/// A sink that can write the same secret anew, e.g. sealed by another key:
///
///     rewrite(std::string_view token_id, secret_change const&) -> void
///
/// Nothing else of the token changes, `held_token::since` neither, and no store or forget comes between
/// reading and writing. A change that gives the same string writes nothing; where it gives an error, or
/// the token is not held, nothing is written, and that error, or a success, is what `rewrite` gives.
template <class S>
concept rewritable_sink =
    secret_sink<S> && requires(S& sink, std::string_view text, secret_change const& change) {
        { sink.list() } -> std::same_as<result<std::vector<held_token>>>;
        { sink.rewrite(text, change) } -> std::same_as<result<void>>;
    };

/// Keeps secrets in memory, by key.
///
/// Threads: may be used from several at once. Never waits for more than another thread's copying.
class memory_sink {
public:
    /// The time, e.g. of a test.
    using clock = std::function<timestamp()>;

    memory_sink() : clock_([] { return timestamp(std::chrono::system_clock::now()); }) {}
    /// @param now what `held_token::since` is taken from
    explicit memory_sink(clock now) : clock_(std::move(now)) {}

    [[nodiscard]] result<void> prepare(intent const& i) {
        std::lock_guard const lock(mutex_);
        auto const held = held_.find(i.key);
        if (held == held_.end() || held->second.token.id == i.token_id) return {};
        return error(errc::sink_failed, "the key holds the token " + held->second.token.id);
    }
    [[nodiscard]] result<void> store(intent const& i, issued_service_token const& token) {
        return store_as(i.key, token, i.tag);
    }
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key) const {
        std::lock_guard const lock(mutex_);
        auto const held = held_.find(key);
        if (held == held_.end()) return std::optional<held_token>();
        return std::optional<held_token>(shown(held->first, held->second));
    }
    [[nodiscard]] result<std::vector<held_token>> list() const {
        std::lock_guard const lock(mutex_);
        std::vector<held_token> all;
        for (auto const& [key, held] : held_)
            all.push_back(shown(key, held));
        return all;
    }
    [[nodiscard]] result<void> forget(std::string_view token_id) {
        std::lock_guard const lock(mutex_);
        std::erase_if(held_, [&](auto const& held) { return held.second.token.id == token_id; });
        return {};
    }

    [[nodiscard]] result<void> rewrite(std::string_view token_id, secret_change const& change) {
        std::lock_guard const lock(mutex_);
        for (auto& [key, held] : held_) {
            if (held.token.id != token_id) continue;
            auto changed = change(shown(key, held), held.token.client_secret);
            if (!changed) return changed.error();
            held.token.client_secret = std::move(*changed);
        }
        return {};
    }

    /// The token of this id with its secret.
    [[nodiscard]] std::optional<issued_service_token> stored(std::string_view token_id) const {
        std::lock_guard const lock(mutex_);
        for (auto const& [key, held] : held_)
            if (held.token.id == token_id) return held.token;
        return std::nullopt;
    }

    /// Without an intent: under the key that holds the token, else under the token's id.
    [[nodiscard]] result<void> store(issued_service_token const& token) {
        return store_as(key_of(token.id), token, {});
    }
    /// Whether a secret of this token is held.
    [[nodiscard]] result<bool> holds(std::string_view token_id) const {
        return stored(token_id).has_value();
    }

private:
    struct entry {
        issued_service_token token;
        timestamp since;
        std::string tag;
    };

    [[nodiscard]] static held_token shown(std::string const& key, entry const& held) {
        auto const& token = held.token;
        held_token found{token.id, token.client_id, token.client_secret_version.value_or(0)};
        found.since = held.since;
        found.tag = held.tag;
        found.key = key;
        return found;
    }
    [[nodiscard]] std::string key_of(std::string_view token_id) const {
        std::lock_guard const lock(mutex_);
        for (auto const& [key, held] : held_)
            if (held.token.id == token_id) return key;
        return std::string(token_id);
    }
    [[nodiscard]] result<void> store_as(std::string const& key, issued_service_token const& token,
                                        std::string tag) {
        std::lock_guard const lock(mutex_);
        auto const held = held_.find(key);
        if (held != held_.end()) {
            auto const& there = held->second.token;
            if (there.id != token.id)
                return error(errc::sink_failed, "the key holds the token " + there.id);
            if (token.client_secret_version.value_or(0) < there.client_secret_version.value_or(0))
                return error(errc::sink_failed, "a later secret of " + there.id + " is held");
            tag = held->second.tag;
        }
        held_.insert_or_assign(key, entry{token, clock_(), std::move(tag)});
        return {};
    }

    clock clock_;
    mutable std::mutex mutex_;
    std::map<std::string, entry, std::less<>> held_;
};

static_assert(rewritable_sink<memory_sink>);

inline std::ostream& operator<<(std::ostream& out, held_token const& h) {
    using cloudflare::detail::redact_own;
    out << "key " << redact_own(h.key, 200) << ": token " << redact_own(h.token_id, 100)
        << ", client id " << redact_own(h.client_id, 100);
    if (h.version != 0) out << ", version " << h.version;
    if (h.since != timestamp()) out << ", since " << h.since;
    return out;
}

} // namespace cloudflare::inline v0::access
