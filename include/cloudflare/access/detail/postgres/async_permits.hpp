/// A limit to how many coroutines go on at once; others wait in line.
#pragma once

#include <cloudflare/access/detail/postgres/async_wait.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace cloudflare::inline v0::access::detail::postgres {

/// Threads: any. Each waiting coroutine runs on a strand of its own.
class async_permits {
public:
    explicit async_permits(std::size_t count) : free_(count) {}

    /// @return false at `end`
    [[nodiscard]] asio::awaitable<bool> take(steady_time end) {
        auto const executor = co_await asio::this_coro::executor;
        auto const waiting = std::make_shared<waiter>(executor, end);
        {
            std::lock_guard const lock(mutex_);
            if (free_ != 0) {
                --free_;
                co_return true;
            }
            line_.push_back(waiting);
        }
        // Nothing else runs on the strand until the wait has begun, so a permit that is given now
        // cancels it.
        boost::system::error_code ignored;
        co_await waiting->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        std::lock_guard const lock(mutex_);
        if (!waiting->has_permit) std::erase(line_, waiting);
        co_return waiting->has_permit;
    }

    void give_back() {
        std::lock_guard const lock(mutex_);
        if (line_.empty()) {
            ++free_;
            return;
        }
        auto const next = line_.front();
        line_.pop_front();
        next->has_permit = true;
        asio::post(next->timer.get_executor(), [next] { next->timer.cancel(); });
    }

private:
    struct waiter {
        waiter(asio::any_io_executor executor, steady_time end) : timer(executor, end) {}
        asio::steady_timer timer;
        bool has_permit = false; // under the mutex
    };

    std::mutex mutex_;
    std::size_t free_;
    std::deque<std::shared_ptr<waiter>> line_{};
};

} // namespace cloudflare::inline v0::access::detail::postgres
