/// Ends what a socket is doing when a deadline passes.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>

namespace cloudflare::inline v0::detail::beast {

/// Shuts a connected socket down when the deadline passes before `disarm`.
///
/// The timer's handler may run on another thread than the coroutine that uses the socket. So it
/// makes one system call, `shutdown`, under a lock that `disarm` takes too: unlike a cancellation,
/// that holds for the read that is not begun yet as well.
class deadline_guard {
public:
    using tcp = boost::asio::ip::tcp;

    deadline_guard(tcp::socket& socket, time_point deadline)
        : timer_(socket.get_executor(), deadline), shared_(std::make_shared<shared>(socket)) {
        timer_.async_wait([s = shared_](boost::system::error_code ec) {
            if (!ec) s->expire();
        });
    }
    deadline_guard(deadline_guard const&) = delete;
    deadline_guard& operator=(deadline_guard const&) = delete;
    ~deadline_guard() { disarm(); }

    /// Lets go of the socket; gives whether the deadline had passed.
    bool disarm() noexcept {
        bool const expired = shared_->release();
        boost::system::error_code ignored;
        timer_.cancel(ignored);
        return expired;
    }

private:
    struct shared {
        explicit shared(tcp::socket& s) noexcept : socket(&s) {}
        void expire() noexcept {
            std::lock_guard const lock(mutex);
            if (socket == nullptr) return;
            expired = true;
            boost::system::error_code ignored;
            socket->shutdown(tcp::socket::shutdown_both, ignored);
        }
        bool release() noexcept {
            std::lock_guard const lock(mutex);
            socket = nullptr;
            return expired;
        }

        std::mutex mutex;
        tcp::socket* socket;
        bool expired = false;
    };

    boost::asio::steady_timer timer_;
    std::shared_ptr<shared> shared_;
};

} // namespace cloudflare::inline v0::detail::beast
