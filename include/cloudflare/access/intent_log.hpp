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

/// Where intents are kept. Each function returns `result<T>` or a task of it (`result_or_task`):
///
///     insert(intent const&)  -> std::optional<intent>
///     update(intent const&)  -> void
///     erase(intent const&)   -> void
///     list()                 -> std::vector<intent>
///
/// `insert` writes a new intent, as it is. If the log has one with the same tag, or one that holds
/// the same key, it writes nothing and returns that one. An intent that is not
/// `intent_state::settled` holds its key for its `purpose`, `scope` and `sink`.
///
/// `update` replaces the intent of the same tag and raises its revision by one, if the revision in
/// the log is the one given: compare-and-set. Otherwise it writes nothing and returns
/// `errc::conflict`: another process has written or erased the intent since. Tag, purpose, scope,
/// key and sink do not change.
///
/// `erase` removes the intent of the same tag, if the revision in the log is the one given;
/// otherwise `errc::conflict`.
///
/// `list` returns all intents whose inserts were acknowledged before the call, of all scopes, in
/// the order of their inserts.
///
/// A write is durable when the function returns, and every process sees it from then on. All four
/// functions are atomic: of two writers with the same revision, one gets `errc::conflict`. The
/// promise of `issuer` and `reconciler` depends on that.
///
/// Errors: `errc::conflict` as above. After any other, preferably `errc::intent_log_failed`, the
/// write may have been made or not: the caller tries again, or calls `list`.
///
/// Lifetime: an argument lives until the function's task has ended. Cancellation: a cancelled task
/// ends as usual, or with an error as above. Threads: issuers and reconcilers on several threads
/// call at the same time, so a log documents whether it allows that.
///
/// `testing/log_conformance.hpp` checks a log.
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

/// Keeps intents in memory: for tests, and for programs whose tokens are of no use after their end.
///
/// Threads: may be used from several at once; waits at most while another thread copies.
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
