/// The connections of a transport: how many may be open, and those that are idle, by origin.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/beast/connection.hpp>
#include <cloudflare/transport/beast_options.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// Gives out places for connections. Who finds none waits in a queue.
///
/// For any thread. What is idle is a stack for each origin: the connection used last is the one
/// least likely to be closed.
class pool {
    struct host {
        explicit host(http::origin o) : origin(std::move(o)) {}
        http::origin origin;
        std::vector<std::unique_ptr<connection>> idle{};
        std::size_t open = 0; ///< places given out, and idle connections
        ticket latest_ticket{};
    };

public:
    /// A place for a connection, perhaps with an idle one in it. Its end closes the connection,
    /// unless that was given back before.
    class place {
    public:
        /// None.
        place() noexcept = default;
        place(pool& owner, host& where, std::unique_ptr<connection> idle) noexcept
            : connection(std::move(idle)), owner_(&owner), host_(&where) {}
        place(place&& other) noexcept
            : connection(std::move(other.connection)),
              owner_(std::exchange(other.owner_, nullptr)),
              host_(other.host_) {}
        place& operator=(place&& other) noexcept {
            std::swap(connection, other.connection);
            std::swap(owner_, other.owner_);
            std::swap(host_, other.host_);
            return *this;
        }
        ~place() {
            connection.reset();
            if (owner_ != nullptr) owner_->release(*host_, nullptr);
        }

        [[nodiscard]] explicit operator bool() const noexcept { return owner_ != nullptr; }

        /// Keeps the connection for the next request to its origin.
        void give_back(time_point now) {
            connection->idle_since = now;
            std::exchange(owner_, nullptr)->release(*host_, std::move(connection));
        }
        /// What a new TLS connection may resume, or null.
        [[nodiscard]] ticket find_ticket() const { return owner_->find_ticket(*host_); }

        std::unique_ptr<beast::connection> connection;

    private:
        pool* owner_ = nullptr;
        host* host_ = nullptr;
    };

    explicit pool(beast_options const& options) : options_(options) {}

    /// A place for a request to `where`, or none where all are taken or the pool is shut down.
    ///
    /// @param max_idle how long a connection in it may have been idle
    [[nodiscard]] place try_take(http::origin const& where, time_point now,
                                 std::chrono::milliseconds max_idle) {
        std::lock_guard const lock(mutex_);
        if (is_shut_down_) return {};
        drop_old(now);
        return take(find(where), now, max_idle);
    }

    /// A place for a request to `where`, when there is one; or `errc::deadline_exceeded` or
    /// `errc::cancelled`.
    [[nodiscard]] asio::awaitable<result<place>> take_by(asio::any_io_executor const& executor,
                                                         http::origin const& where,
                                                         std::chrono::milliseconds max_idle,
                                                         time_point deadline);

    /// Closes the idle connections.
    void clear() noexcept {
        std::lock_guard const lock(mutex_);
        close_idle();
        serve_waiters();
    }

    /// Closes the idle connections, now and from now on, and turns away who waits.
    void shut_down() noexcept {
        std::lock_guard const lock(mutex_);
        is_shut_down_ = true;
        close_idle();
        for (auto* w : waiters_)
            wake(*w).turned_away = true;
    }

private:
    struct waiter;
    using waiters = std::list<waiter*>;
    using idle_connections = std::vector<std::unique_ptr<connection>>;

    /// Leaves the queue when it dies at the latest: its coroutine may never be resumed.
    struct waiter {
        waiter(pool& p, asio::any_io_executor const& executor, http::origin const& o,
               std::chrono::milliseconds idle)
            : owner(p), origin(o), max_idle(idle), timer(executor) {}
        waiter(waiter const&) = delete;
        waiter& operator=(waiter const&) = delete;
        ~waiter() { owner.leave(*this); }

        pool& owner;
        std::optional<waiters::iterator> position{}; ///< in the queue
        http::origin const& origin;
        std::chrono::milliseconds max_idle;
        asio::steady_timer timer; ///< used under the lock only, for two threads may meet there
        place given{};
        bool turned_away = false;
    };
    void enqueue(waiter& w, time_point deadline) {
        std::lock_guard const lock(mutex_);
        w.timer.expires_at(deadline);
        w.turned_away = is_shut_down_;
        w.position = waiters_.insert(waiters_.end(), &w);
        serve_waiters();
    }
    void leave(waiter& w) noexcept {
        std::lock_guard const lock(mutex_);
        if (auto const position = std::exchange(w.position, std::nullopt))
            waiters_.erase(*position);
    }
    [[nodiscard]] bool is_waiting(waiter const& w) const {
        std::lock_guard const lock(mutex_);
        return !w.given && !w.turned_away;
    }
    /// Ends with the waiter's timer, which whoever serves it cancels.
    [[nodiscard]] auto wait(waiter& w) {
        return asio::async_initiate<decltype(as_result) const, void(boost::system::error_code)>(
            [this, &w](auto handler) {
                std::lock_guard const lock(mutex_);
                if (w.given || w.turned_away) w.timer.expires_at(time_point::min());
                w.timer.async_wait(std::move(handler));
            },
            as_result);
    }
    static waiter& wake(waiter& w) noexcept {
        w.timer.cancel();
        return w;
    }

    // What follows is called under the lock.

    [[nodiscard]] host& find(http::origin const& where) {
        auto const found = std::find_if(hosts_.begin(), hosts_.end(),
                                        [&](host const& h) { return h.origin == where; });
        return found != hosts_.end() ? *found : hosts_.emplace_back(where);
    }

    [[nodiscard]] place take(host& h, time_point now, std::chrono::milliseconds max_idle) {
        while (!h.idle.empty() && h.idle.back()->idle_since + max_idle >= now) {
            auto newest = std::move(h.idle.back());
            h.idle.pop_back();
            bool const used_just_now = now - newest->idle_since < unsuspected_idle_time;
            if (used_just_now || !newest->is_stale()) return place(*this, h, std::move(newest));
            forget(h, 1);
        }
        if (h.open >= options_.max_connections_per_host() && !h.idle.empty())
            close(h, h.idle.begin(), h.idle.begin() + 1);
        if (open_ >= options_.max_connections()) close_oldest();
        if (h.open >= options_.max_connections_per_host() || open_ >= options_.max_connections())
            return {};
        ++h.open;
        ++open_;
        return place(*this, h, nullptr);
    }

    void forget(host& h, std::size_t count) noexcept {
        h.open -= count;
        open_ -= count;
    }
    void close(host& h, idle_connections::iterator first,
               idle_connections::iterator last) noexcept {
        forget(h, static_cast<std::size_t>(last - first));
        h.idle.erase(first, last);
    }
    void close_idle() noexcept {
        for (auto& h : hosts_)
            close(h, h.idle.begin(), h.idle.end());
    }
    void close_oldest() noexcept {
        host* oldest = nullptr;
        for (auto& h : hosts_) {
            if (h.idle.empty()) continue;
            if (oldest == nullptr || h.idle.front()->idle_since < oldest->idle.front()->idle_since)
                oldest = &h;
        }
        if (oldest != nullptr) close(*oldest, oldest->idle.begin(), oldest->idle.begin() + 1);
    }
    void drop_old(time_point now) noexcept {
        for (auto& h : hosts_) {
            auto const young = std::find_if(h.idle.begin(), h.idle.end(), [&](auto const& c) {
                return c->idle_since + options_.idle_timeout() >= now;
            });
            close(h, h.idle.begin(), young);
        }
    }

    /// Takes a place back, with the connection in it where that is to be kept.
    void release(host& h, std::unique_ptr<connection> kept) {
        std::lock_guard const lock(mutex_);
        if (kept) keep_ticket(h, *kept);
        if (kept && !is_shut_down_ && options_.max_idle_connections() != 0) {
            if (h.idle.size() >= options_.max_idle_connections())
                close(h, h.idle.begin(), h.idle.begin() + 1);
            h.idle.push_back(std::move(kept));
        } else {
            kept.reset();
            forget(h, 1);
        }
        serve_waiters();
    }
    /// Gives places to those who wait, the longest waiting first.
    void serve_waiters() {
        if (waiters_.empty()) return; // as a rule, and the clock costs time
        auto const now = time_point::clock::now();
        for (auto* w : waiters_) {
            if (w->given || w->turned_away) continue;
            auto found = take(find(w->origin), now, w->max_idle);
            if (found) wake(*w).given = std::move(found);
        }
    }

    static void keep_ticket(host& h, connection& c) {
        if (!c.tls || std::exchange(c.has_given_ticket, true)) return;
        if (auto made = c.tls->make_ticket()) h.latest_ticket = std::move(made);
    }
    [[nodiscard]] ticket find_ticket(host& h) {
        std::lock_guard const lock(mutex_);
        if (h.latest_ticket) SSL_SESSION_up_ref(h.latest_ticket.get());
        return ticket(h.latest_ticket.get());
    }

    /// A close that comes sooner behind an answer is hardly there yet, and looking costs a call.
    static constexpr auto unsuspected_idle_time = std::chrono::milliseconds(1);

    beast_options options_;
    mutable std::mutex mutex_;
    std::list<host> hosts_; ///< places point into it
    waiters waiters_;
    std::size_t open_ = 0;
    bool is_shut_down_ = false;
};

inline asio::awaitable<result<pool::place>> pool::take_by(asio::any_io_executor const& executor,
                                                          http::origin const& where,
                                                          std::chrono::milliseconds max_idle,
                                                          time_point deadline) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    waiter self(*this, executor, where, max_idle);
    enqueue(self, deadline);
    while (is_waiting(self) && !is_cancelled(cancellation) && time_point::clock::now() < deadline) {
        auto waiting = wait(self);
        co_await std::move(waiting);
    }
    leave(self); // nobody gives it anything any more
    if (self.given) co_return std::move(self.given);
    bool const cancelled = is_cancelled(cancellation) || self.turned_away;
    co_return failure(cancelled ? errc::cancelled : errc::deadline_exceeded, false);
}

} // namespace cloudflare::inline v0::detail::beast
