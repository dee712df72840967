/// An HTTP proxy on loopback that opens tunnels, for tests.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cloudflare::tests {

namespace asio = boost::asio;

/// Sends `response` to every CONNECT, and relays to the named address where that is a 200. An
/// empty one is none: the connection stays open.
class tunnel {
public:
    /// @param on_request called with the header of each request, before the response is sent
    explicit tunnel(
        std::string response = "HTTP/1.1 200 Connection established\r\n\r\n",
        std::function<void(std::string)> on_request = [](auto const&) {})
        : response_(std::move(response)),
          on_request_(std::move(on_request)),
          acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}) {
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }
    tunnel(tunnel const&) = delete;
    tunnel& operator=(tunnel const&) = delete;
    ~tunnel() {
        context_.stop();
        thread_.join();
    }

    [[nodiscard]] std::string address() const {
        return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    /// The headers of the requests so far.
    [[nodiscard]] std::vector<std::string> requests() const {
        std::lock_guard const lock(mutex_);
        return requests_;
    }

private:
    using tcp = asio::ip::tcp;
    static constexpr auto nothrow = asio::as_tuple(asio::deferred);

    asio::awaitable<void> accept() {
        for (;;) {
            auto [ec, socket] = co_await acceptor_.async_accept(nothrow);
            if (!ec) asio::co_spawn(context_, serve(std::move(socket)), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket socket) {
        std::string header;
        auto const [ec, size] = co_await asio::async_read_until(
            socket, asio::dynamic_buffer(header), "\r\n\r\n", nothrow);
        if (ec) co_return;
        {
            std::lock_guard const lock(mutex_);
            requests_.push_back(header);
        }
        on_request_(header);
        auto const client = std::make_shared<tcp::socket>(std::move(socket));
        auto const server = std::make_shared<tcp::socket>(context_);
        if (response_.starts_with("HTTP/1.1 200")) {
            auto const colon = header.find(':');
            auto const port = static_cast<std::uint16_t>(std::stoi(header.substr(colon + 1)));
            tcp::endpoint const target(asio::ip::make_address("127.0.0.1"), port);
            co_await server->async_connect(target, nothrow);
        }
        co_await asio::async_write(*client, asio::buffer(response_), nothrow);
        if (response_.empty()) co_await client->async_wait(tcp::socket::wait_read, nothrow);
        if (!server->is_open()) co_return;
        asio::co_spawn(context_, relay(client, server), asio::detached);
        asio::co_spawn(context_, relay(server, client), asio::detached);
    }

    static asio::awaitable<void> relay(std::shared_ptr<tcp::socket> from,
                                       std::shared_ptr<tcp::socket> to) {
        std::array<char, 8192> buffer{};
        for (;;) {
            auto const [ec, size] = co_await from->async_read_some(asio::buffer(buffer), nothrow);
            co_await asio::async_write(*to, asio::buffer(buffer.data(), size), nothrow);
            if (ec) break;
        }
        boost::system::error_code ignored;
        to->shutdown(tcp::socket::shutdown_send, ignored);
    }

    std::string response_;
    std::function<void(std::string)> on_request_;
    asio::io_context context_{1};
    tcp::acceptor acceptor_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

} // namespace cloudflare::tests
