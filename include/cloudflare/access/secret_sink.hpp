/// Sinks: where the secret of a new service token is stored before anything else happens.
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

/// What a sink holds under a key: which token, and which version of its secret. Not the secret
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

/// Where secrets are stored. Each function returns `result<T>` or a task of it (`result_or_task`):
///
///     prepare(intent const&)                             -> void
///     store(intent const&, issued_service_token const&)  -> void
///     find(std::string_view key)                         -> std::optional<held_token>
///     forget(std::string_view token_id)                  -> void
///     list()                                             -> std::vector<held_token>
///
/// Only `renewer` needs `list`: see `listable_sink`.
///
/// `prepare` checks, before anything is sent, whether a secret can be stored under `intent.key`; an
/// error says why not, and the issue ends. It may make what the store needs, but nothing that
/// `find` shows. A second call for the same intent has the same result.
///
/// `store` stores the secret under `intent.key`, in place of an older secret of the same token. It
/// is durable when the function returns, and every process that shares the sink sees it from then
/// on. `token.name` is the name that the user wants, never the tagged one. Refused, and nothing
/// changes: a `client_secret_version` lower than the one held of the same token; a key that holds
/// another token. Storing the same secret again succeeds. After an error the secret may have been
/// stored or not: the caller calls `find`.
///
/// `find` returns what the key holds, or nothing. Its tag is that of the intent that the token was
/// first stored with, which tells one issue of a key from another. It reads durable data, never a
/// copy that lags behind. Data that cannot be read (a volume that is not mounted, a missing
/// permission) is an error, never "nothing", because a token that the sink does not hold is
/// deleted.
///
/// `forget` removes the secret of a token that does not exist any more, under whatever key. If
/// there is none it does nothing and succeeds.
///
/// `list` returns all that is held, in any order. An entry that cannot be read is an error, and is
/// never left out.
///
/// Lifetime: an argument lives until the function's task has ended. Cancellation: a cancelled task
/// ends as usual, or with an error. Threads: issuers and reconcilers on several threads call at the
/// same time, so a sink documents whether it allows that.
///
/// `testing/sink_conformance.hpp` checks a sink.
template <class S>
concept secret_sink =
    requires(S& sink, intent const& i, issued_service_token const& token, std::string_view text) {
        { sink.prepare(i) } -> result_or_task<void>;
        { sink.store(i, token) } -> result_or_task<void>;
        { sink.find(text) } -> result_or_task<std::optional<held_token>>;
        { sink.forget(text) } -> result_or_task<void>;
    };

/// A sink that lists what it holds, as `renewer` needs.
template <class S>
concept listable_sink = secret_sink<S> && requires(S& sink) {
    { sink.list() } -> result_or_task<std::vector<held_token>>;
};

/// Returns what is to replace a secret that is held.
using secret_change = std::function<result<secret>(held_token const&, secret const&)>;

/// A sink that can rewrite a secret in another form, e.g. sealed by another key:
///
///     rewrite(std::string_view token_id, secret_change const&) -> void
///
/// Nothing else changes, not even `held_token::since`, and no store or forget comes between reading
/// and writing. If the change returns the same string, or the token is not held, nothing is written
/// and `rewrite` succeeds; if the change returns an error, nothing is written and that is returned.
template <class S>
concept rewritable_sink =
    secret_sink<S> && requires(S& sink, std::string_view text, secret_change const& change) {
        { sink.list() } -> std::same_as<result<std::vector<held_token>>>;
        { sink.rewrite(text, change) } -> std::same_as<result<void>>;
    };

/// Keeps secrets in memory, by key.
///
/// Threads: may be used from several at once; waits at most while another thread copies.
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
