/// Connects to the first of several addresses that accepts ("happy eyeballs", RFC 8305).
#pragma once

#include <cloudflare/transport/detail/beast/connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <memory>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// The addresses in the order in which they are tried: as given, but IPv6 and IPv4 alternating
/// (section 4).
[[nodiscard]] inline std::vector<tcp::endpoint>
in_turn(std::vector<tcp::endpoint> const& addresses) {
    std::vector<tcp::endpoint> first, second, ordered;
    std::partition_copy(addresses.begin(), addresses.end(), std::back_inserter(first),
                        std::back_inserter(second), [&](tcp::endpoint const& e) {
                            return e.address().is_v6() == addresses.front().address().is_v6();
                        });
    for (std::size_t i = 0; i != (std::max)(first.size(), second.size()); ++i) {
        if (i < first.size()) ordered.push_back(first[i]);
        if (i < second.size()) ordered.push_back(second[i]);
    }
    return ordered;
}

/// Tries the addresses in order. The next attempt begins when the one before has failed, or has
/// taken longer than `delay`; the first that succeeds wins (section 5). Everything runs on one
/// strand.
class happy_eyeballs : public std::enable_shared_from_this<happy_eyeballs> {
public:
    /// @param executor runs the sockets
    /// @param strand a strand of `executor`, on which everything runs
    /// @param delay how long an attempt may take before the next one begins in parallel
    happy_eyeballs(asio::any_io_executor executor, asio::any_io_executor strand,
                   std::vector<tcp::endpoint> const& addresses, std::chrono::milliseconds delay)
        : executor_(std::move(executor)),
          strand_(std::move(strand)),
          addresses_(in_turn(addresses)),
          delay_(delay),
          event_(strand_) {}

    /// Ends when `socket()` is connected, all addresses have failed, or it is stopped.
    asio::awaitable<boost::system::error_code> run() {
        while (winner_ == nullptr && !stopped_ && !all_failed()) {
            if (begun_ != addresses_.size()) begin_attempt(addresses_[begun_++]);
            if (begun_ != addresses_.size()) {
                event_.expires_after(delay_);
            } else {
                event_.expires_at((time_point::max)());
            }
            co_await event_.async_wait(nothrow);
        }
        if (winner_ != nullptr) co_return boost::system::error_code();
        co_return last_failure_ ? last_failure_ : asio::error::operation_aborted;
    }

    void stop() {
        stopped_ = true;
        attempts_.clear();
        event_.cancel();
    }

    /// The connected socket, for the caller to move from.
    [[nodiscard]] tcp::socket& socket() noexcept { return *winner_; }

private:
    [[nodiscard]] bool all_failed() const noexcept {
        return begun_ == addresses_.size() && pending_ == 0;
    }

    void begin_attempt(tcp::endpoint const& address) {
        ++pending_;
        auto& socket = attempts_.emplace_back(executor_);
        socket.async_connect(
            address, asio::bind_executor(strand_, [self = shared_from_this(), &socket](auto ec) {
                self->end_attempt(socket, ec);
            }));
    }

    /// `socket` may be destroyed where this has been stopped.
    void end_attempt(tcp::socket& socket, boost::system::error_code ec) {
        --pending_;
        if (ec) last_failure_ = ec;
        if (!ec && !stopped_ && winner_ == nullptr) winner_ = &socket;
        event_.cancel();
    }

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    std::vector<tcp::endpoint> addresses_;
    std::chrono::milliseconds delay_;
    asio::steady_timer event_; ///< cancelled when an attempt has ended
    std::list<tcp::socket> attempts_;
    std::size_t begun_ = 0, pending_ = 0;
    tcp::socket* winner_ = nullptr;
    bool stopped_ = false;
    boost::system::error_code last_failure_;
};

} // namespace cloudflare::inline v0::detail::beast
