/// Idle connections that may be used again.
#pragma once

#include <cloudflare/transport/detail/boot_clock.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail {

/// Idle objects with the time at which they became idle, the oldest first. Removed objects are
/// returned, so that the caller can destroy them without holding a lock.
///
/// @tparam T movable: a connection
template <class T>
class idle_list {
public:
    using time_point = boot_clock::time_point;
    using duration = boot_clock::duration;

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    /// @pre not empty
    [[nodiscard]] time_point oldest_since() const noexcept { return entries_.front().since; }

    void push(T idle, time_point now) { entries_.push_back({std::move(idle), now}); }

    /// Removes the one that became idle last, which is the least likely to have been closed by the
    /// server; empty where even that has been idle for longer than `max_age`.
    [[nodiscard]] std::optional<T> take_newest(time_point now, duration max_age) {
        if (empty() || now - entries_.back().since > max_age) return std::nullopt;
        std::optional<T> newest(std::move(entries_.back().idle));
        entries_.pop_back();
        return newest;
    }
    /// @pre not empty
    [[nodiscard]] T take_oldest() {
        T oldest = std::move(entries_.front().idle);
        entries_.erase(entries_.begin());
        return oldest;
    }
    /// Removes all that have been idle for longer than `max_age`.
    [[nodiscard]] std::vector<T> take_older(time_point now, duration max_age) {
        auto const young = std::find_if(entries_.begin(), entries_.end(),
                                        [&](entry const& e) { return now - e.since <= max_age; });
        std::vector<T> older;
        std::transform(entries_.begin(), young, std::back_inserter(older),
                       [](entry& e) { return std::move(e.idle); });
        entries_.erase(entries_.begin(), young);
        return older;
    }

private:
    struct entry {
        T idle;
        time_point since;
    };
    std::vector<entry> entries_;
};

} // namespace cloudflare::inline v0::detail
