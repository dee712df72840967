/// Logs of intents: where intents are kept.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/result_or_task.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0::access {

/// Where intents are kept. Each function gives `result<T>` or a task of it (`result_or_task`):
///
///     insert(intent const&)  -> std::optional<intent>
///     update(intent const&)  -> void
///     erase(intent const&)   -> void
///     list()                 -> std::vector<intent>
///
/// `insert` writes a new intent, as it is given. It writes nothing where the log holds one of the
/// same tag, or one that holds the same key, and then gives that one. A key is held by the intent
/// of the same `purpose`, `scope` and `sink` whose key it is, while that is not
/// `intent_state::settled`.
///
/// `update` replaces the intent of the same tag, and raises its revision by one, if the log holds
/// it with the revision that is given: compare-and-set. Else it writes nothing and gives
/// `errc::conflict`: somebody else has written or erased it since. Tag, purpose, scope, key and sink
/// do not change.
///
/// `erase` takes the intent of the same tag out, if the log holds it with the revision that is
/// given; else `errc::conflict`.
///
/// `list` gives all intents that were acknowledged before it was called, of all scopes, oldest
/// insert first.
///
/// What was written is durable when a function returns, and is seen by every process from then on.
/// The four are atomic: of two writers with one revision, one gets `errc::conflict`. The promise of
/// `issuer` and `reconciler` stands on that.
///
/// Errors: `errc::conflict` as said; any other, best `errc::intent_log_failed`, leaves it open
/// whether the write was made. Who gets one calls again, or looks by `list`.
///
/// Lifetime: an argument lives until the function's task has ended. Cancellation: a task that is
/// cancelled ends as usual, or with an error as above. Threads: issuers and reconcilers on several
/// threads call at once, so a log says whether it allows that.
///
/// `testing/log_conformance.hpp` tells whether a log is right.
template <class L>
concept intent_log = requires(L& log, intent const& i) {
    { log.insert(i) } -> result_or_task<std::optional<intent>>;
    { log.update(i) } -> result_or_task<void>;
    { log.erase(i) } -> result_or_task<void>;
    { log.list() } -> result_or_task<std::vector<intent>>;
};

/// Whether `a` holds the key that `b` asks for: the rule of `intent_log`'s `insert`.
[[nodiscard]] inline bool holds_key_of(intent const& a, intent const& b) noexcept {
    return !b.key.empty() && a.state != intent_state::settled && a.key == b.key &&
           a.purpose == b.purpose && a.scope == b.scope && a.sink == b.sink;
}

/// Keeps intents in memory: enough where a process that dies takes nothing with it, and for tests.
///
/// Threads: may be used from several at once. Never waits for more than another thread's copying.
class memory_intent_log {
public:
    [[nodiscard]] result<std::optional<intent>> insert(intent const& i) {
        std::lock_guard const lock(mutex_);
        for (auto const& held : intents_)
            if (held.tag == i.tag || holds_key_of(held, i)) return std::optional<intent>(held);
        intents_.push_back(i);
        return std::optional<intent>();
    }
    [[nodiscard]] result<void> update(intent const& i) {
        std::lock_guard const lock(mutex_);
        auto const held = find(i);
        if (held == intents_.end()) return written_since(i);
        *held = i;
        ++held->revision;
        return {};
    }
    [[nodiscard]] result<void> erase(intent const& i) {
        std::lock_guard const lock(mutex_);
        auto const held = find(i);
        if (held == intents_.end()) return written_since(i);
        intents_.erase(held);
        return {};
    }
    [[nodiscard]] result<std::vector<intent>> list() const {
        std::lock_guard const lock(mutex_);
        return intents_;
    }

private:
    [[nodiscard]] std::vector<intent>::iterator find(intent const& i) {
        return std::find_if(intents_.begin(), intents_.end(), [&](intent const& held) {
            return held.tag == i.tag && held.revision == i.revision;
        });
    }
    [[nodiscard]] static error written_since(intent const& i) {
        return {errc::conflict, "intent " + i.tag + ": written or erased by somebody else since"};
    }

    mutable std::mutex mutex_;
    std::vector<intent> intents_;
};

static_assert(intent_log<memory_intent_log>);

} // namespace cloudflare::inline v0::access
