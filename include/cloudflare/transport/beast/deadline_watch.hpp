/// Ends what a socket is doing when a deadline passes.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <memory>
#include <mutex>

namespace cloudflare::inline v0::detail::beast {

/// Shuts a connected socket down when the deadline passes between `arm` and `disarm`.
///
/// The timer's handler may run on another thread than the coroutine that uses the socket. So it
/// makes one system call, `shutdown`, under a lock that `disarm` takes too: unlike a cancellation,
/// that holds for the read that is not begun yet as well. A handler that comes late finds another
/// round, and leaves it alone.
class deadline_watch {
public:
    using tcp = boost::asio::ip::tcp;

    explicit deadline_watch(tcp::socket& socket)
        : timer_(socket.get_executor()), shared_(std::make_shared<shared>(socket)) {}
    deadline_watch(deadline_watch const&) = delete;
    deadline_watch& operator=(deadline_watch const&) = delete;
    ~deadline_watch() { disarm(); }

    void arm(time_point deadline) {
        auto const round = shared_->begin();
        timer_.expires_at(deadline);
        timer_.async_wait([s = shared_, round](boost::system::error_code ec) {
            if (!ec) s->expire(round);
        });
    }

    /// Lets go of the socket; gives whether the deadline had passed.
    bool disarm() noexcept {
        bool const expired = shared_->end();
        boost::system::error_code ignored;
        timer_.cancel(ignored);
        return expired;
    }

private:
    class shared {
    public:
        explicit shared(tcp::socket& s) noexcept : socket_(s) {}

        std::uint64_t begin() noexcept {
            std::lock_guard const lock(mutex_);
            armed_ = true;
            expired_ = false;
            return ++round_;
        }
        void expire(std::uint64_t round) noexcept {
            std::lock_guard const lock(mutex_);
            if (!armed_ || round != round_) return;
            expired_ = true;
            boost::system::error_code ignored;
            socket_.shutdown(tcp::socket::shutdown_both, ignored);
        }
        bool end() noexcept {
            std::lock_guard const lock(mutex_);
            armed_ = false;
            return expired_;
        }

    private:
        std::mutex mutex_;
        tcp::socket& socket_; ///< touched while armed only: it may be gone otherwise
        std::uint64_t round_ = 0;
        bool armed_ = false;
        bool expired_ = false;
    };

    boost::asio::steady_timer timer_;
    std::shared_ptr<shared> shared_;
};

} // namespace cloudflare::inline v0::detail::beast
