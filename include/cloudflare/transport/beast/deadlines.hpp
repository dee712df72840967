/// The deadlines of all the calls of a transport, by one timer.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// Shuts sockets down whose deadline passes. For any thread.
///
/// A timer of each call's own would cost it two system calls and a handler. This one is set once,
/// looks at all the deadlines when it fires, and goes on until no call is left. Its ticks begin
/// short after a pause, and grow: so the context runs dry after the last call sooner than the calls
/// have taken, and after `longest_tick` at the latest.
///
/// A socket is shut down by one system call, under the lock that `disarm` takes too: unlike a
/// cancellation, that holds for the read that is not begun yet as well.
class deadlines : public std::enable_shared_from_this<deadlines> {
public:
    using tcp = boost::asio::ip::tcp;
    static constexpr std::chrono::microseconds shortest_tick{100}, longest_tick{50'000};

    /// A deadline that may be armed.
    class entry {
    public:
        explicit entry(tcp::socket& s) noexcept : socket_(s) {}
        entry(entry const&) = delete;
        entry& operator=(entry const&) = delete;

    private:
        friend class deadlines;
        tcp::socket& socket_;
        time_point at_{};
        std::size_t position_ = 0;
        bool armed_ = false;
        bool expired_ = false;
    };

    explicit deadlines(boost::asio::any_io_executor const& executor) : timer_(executor) {}

    /// The entry must be disarmed before it dies. Gives whether others are armed.
    bool arm(entry& e, time_point at) {
        std::lock_guard const lock(mutex_);
        e.at_ = at;
        e.position_ = armed_.size();
        armed_.push_back(&e);
        e.armed_ = true;
        if (!is_ticking_) {
            auto const now = time_point::clock::now();
            if (now > next_tick_ + longest_tick) tick_ = shortest_tick;
            tick_at(std::min(at, now + tick_));
        } else if (at < next_tick_) {
            tick_at(at);
        }
        return armed_.size() != 1;
    }

    /// Lets go of the socket; gives whether the deadline had passed.
    bool disarm(entry& e) noexcept {
        std::lock_guard const lock(mutex_);
        if (std::exchange(e.armed_, false)) remove(e);
        return e.expired_;
    }

private:
    void remove(entry const& e) noexcept {
        armed_.back()->position_ = e.position_;
        armed_[e.position_] = armed_.back();
        armed_.pop_back();
    }

    void tick_at(time_point t) {
        is_ticking_ = true;
        next_tick_ = t;
        timer_.expires_at(t); // ends a wait for a later tick
        timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (!ec) self->tick();
        });
    }

    void tick() {
        std::lock_guard const lock(mutex_);
        auto const now = time_point::clock::now();
        tick_ = std::min(2 * tick_, longest_tick);
        auto next = now + tick_;
        for (std::size_t i = armed_.size(); i-- != 0;) {
            auto& e = *armed_[i];
            if (e.at_ <= now) {
                expire(e);
            } else {
                next = std::min(next, e.at_);
            }
        }
        is_ticking_ = false;
        if (!armed_.empty()) tick_at(next);
    }

    void expire(entry& e) noexcept {
        boost::system::error_code ignored;
        e.socket_.shutdown(tcp::socket::shutdown_both, ignored);
        e.expired_ = true;
        e.armed_ = false;
        remove(e);
    }

    std::mutex mutex_;
    boost::asio::steady_timer timer_; ///< used under the lock only
    std::vector<entry*> armed_;
    std::chrono::microseconds tick_ = shortest_tick; ///< how long from one to the next
    time_point next_tick_{};
    bool is_ticking_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
