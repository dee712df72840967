/// Waiting by Asio: for libpq's socket, for a name's addresses, and for some time.
#pragma once

#include <cloudflare/access/detail/postgres/connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>

namespace cloudflare::inline v0::access::detail::postgres {

namespace asio = boost::asio;

[[nodiscard]] inline asio::awaitable<void> sleep_until(steady_time t) {
    asio::steady_timer timer(co_await asio::this_coro::executor, t);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

/// A duplicate of a socket, because libpq may close its own while Asio waits. For coroutines on one
/// strand.
class async_socket {
public:
    async_socket(asio::any_io_executor executor, int socket) : descriptor_(executor) {
        int const duplicate = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
        boost::system::error_code failed;
        if (duplicate >= 0) descriptor_.assign(duplicate, failed);
        if (failed) ::close(duplicate);
    }

    /// @return false at `end`, or if the socket cannot be waited for
    [[nodiscard]] asio::awaitable<bool> wait_for(interest wants, steady_time end) {
        if (!descriptor_.is_open()) co_return false;
        auto const is_over = std::make_shared<bool>(false);
        asio::steady_timer timer(co_await asio::this_coro::executor, end);
        timer.async_wait([this, is_over](boost::system::error_code) {
            if (!*is_over) descriptor_.cancel();
        });
        boost::system::error_code failed;
        auto const what = wants == interest::read ? asio::posix::descriptor_base::wait_read
                                                  : asio::posix::descriptor_base::wait_write;
        co_await descriptor_.async_wait(what, asio::redirect_error(asio::use_awaitable, failed));
        *is_over = true;
        co_return !failed;
    }

private:
    asio::posix::stream_descriptor descriptor_;
};

/// The addresses of a name; none if it has none, or at `end`.
[[nodiscard]] inline asio::awaitable<std::vector<std::string>> look_up(std::string name,
                                                                       steady_time end) {
    struct look {
        explicit look(asio::any_io_executor executor) : resolver(executor), ended(executor) {}
        asio::ip::tcp::resolver resolver;
        asio::steady_timer ended;
        std::vector<std::string> addresses{};
    };
    boost::system::error_code not_an_address;
    static_cast<void>(asio::ip::make_address(name, not_an_address));
    if (!not_an_address) co_return std::vector<std::string>(1, name);
    // Asio's thread cannot be interrupted, and may end when this no longer waits for it.
    auto const shared = std::make_shared<look>(co_await asio::this_coro::executor);
    shared->ended.expires_at(end);
    shared->resolver.async_resolve(
        name, "",
        [shared](boost::system::error_code failed, asio::ip::tcp::resolver::results_type found) {
            if (!failed)
                for (auto const& entry : found)
                    shared->addresses.push_back(entry.endpoint().address().to_string());
            shared->ended.cancel();
        });
    boost::system::error_code ignored;
    co_await shared->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return std::move(shared->addresses);
}

} // namespace cloudflare::inline v0::access::detail::postgres
