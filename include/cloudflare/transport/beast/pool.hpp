/// Idle connections, kept by origin.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/beast/connection.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// A stack for each origin: the connection used last is the one least likely to be closed.
class pool {
public:
    explicit pool(beast_options const& options) : options_(options) {}

    /// An idle connection that is still open, or null.
    ///
    /// @param max_idle how long it may have been idle
    [[nodiscard]] std::unique_ptr<connection> take(http::origin const& where, time_point now,
                                                   std::chrono::milliseconds max_idle) {
        std::lock_guard const lock(mutex_);
        drop_old(now);
        auto const stack = find(where);
        if (stack == stacks_.end()) return nullptr;
        auto& idle = stack->second;
        while (!idle.empty() && idle.back()->idle_since + max_idle >= now) {
            auto newest = std::move(idle.back());
            idle.pop_back();
            if (!newest->is_stale()) return newest;
        }
        return nullptr;
    }

    void give_back(http::origin const& where, std::unique_ptr<connection> c, time_point now) {
        std::lock_guard const lock(mutex_);
        if (options_.max_idle_connections() == 0) return;
        auto stack = find(where);
        if (stack == stacks_.end()) {
            stacks_.emplace_back(where, std::vector<std::unique_ptr<connection>>());
            stack = stacks_.end() - 1;
        }
        auto& idle = stack->second;
        c->idle_since = now;
        if (idle.size() >= options_.max_idle_connections()) idle.erase(idle.begin());
        idle.push_back(std::move(c));
    }

    void clear() noexcept {
        std::lock_guard const lock(mutex_);
        stacks_.clear();
    }

private:
    using stack_of = std::pair<http::origin, std::vector<std::unique_ptr<connection>>>;

    [[nodiscard]] std::vector<stack_of>::iterator find(http::origin const& where) {
        return std::find_if(stacks_.begin(), stacks_.end(),
                            [&](stack_of const& s) { return s.first == where; });
    }

    void drop_old(time_point now) {
        for (auto& [where, idle] : stacks_)
            std::erase_if(
                idle, [&](auto const& c) { return c->idle_since + options_.idle_timeout() < now; });
    }

    beast_options options_;
    std::mutex mutex_;
    std::vector<stack_of> stacks_;
};

} // namespace cloudflare::inline v0::detail::beast
