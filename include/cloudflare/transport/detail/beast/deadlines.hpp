/// The deadlines of all requests under way on a transport's open connections, with one timer.
///
/// Connecting and waiting for a connection have timers of their own: see `connect_operation` and
/// `pool`.
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

/// Shuts down the sockets whose deadline passes. Thread-safe.
///
/// A timer for each call would cost two system calls and a handler. This one timer checks all
/// deadlines whenever it fires, and is restarted while there are calls. Its intervals ("ticks")
/// begin short and double up to `max_tick`; each time it stops, the next first tick is halved. So
/// the context runs out of work soon after short calls, and within `max_tick` after any call.
///
/// A socket is shut down by one system call, under the lock that `disarm` takes too: unlike a
/// cancellation, that also ends a read which has not begun yet.
class deadlines : public std::enable_shared_from_this<deadlines> {
public:
    using tcp = boost::asio::ip::tcp;
    using tick = std::chrono::microseconds;
    static constexpr tick min_tick{100}, max_tick{50'000};

    /// A call's deadline. Its destructor disarms it.
    class entry {
    public:
        entry(deadlines& owner, tcp::socket& s) noexcept : owner_(owner), socket_(s) {}
        entry(entry const&) = delete;
        entry& operator=(entry const&) = delete;
        ~entry() {
            if (in_use_) disarm();
        }

        /// @return whether other calls are in flight
        bool arm(time_point at) {
            at_ = at;
            in_use_ = true;
            return owner_.add(*this);
        }
        /// Releases the socket.
        ///
        /// @return whether the deadline had passed
        bool disarm() noexcept {
            in_use_ = false;
            return owner_.take_out(*this);
        }

    private:
        friend class deadlines;
        deadlines& owner_;
        tcp::socket& socket_;
        time_point at_{};
        std::size_t position_ = 0;
        bool armed_ = false;
        bool expired_ = false;
        bool in_use_ = false; ///< the call's own: a tick may have disarmed it
    };

    /// @param first_tick how long the first tick is, and the shortest
    deadlines(boost::asio::any_io_executor const& executor, tick first_tick)
        : timer_(executor), first_tick_(first_tick), tick_(first_tick) {}

private:
    bool add(entry& e) {
        std::lock_guard const lock(mutex_);
        e.position_ = armed_.size();
        armed_.push_back(&e);
        e.armed_ = true;
        if (!is_ticking_) {
            tick_at((std::min)(e.at_, time_point::clock::now() + tick_));
        } else if (e.at_ < next_tick_) {
            tick_at(e.at_);
        }
        return armed_.size() != 1;
    }
    bool take_out(entry& e) noexcept {
        std::lock_guard const lock(mutex_);
        if (e.armed_) remove(e);
        return e.expired_;
    }

    // All functions below but `check` are called under the lock.

    void remove(entry& e) noexcept {
        e.armed_ = false;
        armed_.back()->position_ = e.position_;
        armed_[e.position_] = armed_.back();
        armed_.pop_back();
    }

    void tick_at(time_point t) {
        is_ticking_ = true;
        next_tick_ = t;
        timer_.expires_at(t); // ends a wait for a later tick
        timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (!ec) self->check();
        });
    }

    void check() {
        std::lock_guard const lock(mutex_);
        auto const now = time_point::clock::now();
        for (std::size_t i = armed_.size(); i-- != 0;)
            if (armed_[i]->at_ <= now) expire(*armed_[i]);
        is_ticking_ = false;
        if (armed_.empty()) {
            tick_ = (std::max)(tick_ / 2, first_tick_);
            return;
        }
        tick_ = (std::min)(2 * tick_, max_tick);
        auto next = now + tick_;
        for (auto const* e : armed_)
            next = (std::min)(next, e->at_);
        tick_at(next);
    }

    void expire(entry& e) noexcept {
        boost::system::error_code ignored;
        e.socket_.shutdown(tcp::socket::shutdown_both, ignored);
        e.expired_ = true;
        remove(e);
    }

    std::mutex mutex_;
    boost::asio::steady_timer timer_; ///< used under the lock only
    std::vector<entry*> armed_;
    tick first_tick_;
    tick tick_; ///< how long from one check to the next
    time_point next_tick_{};
    bool is_ticking_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
