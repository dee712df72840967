/// A bad network in front of a server on loopback: below TLS, it delays or cuts what the server
/// sends, or resets the connection.
#pragma once

#include <cloudflare/core/config.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <utility>

namespace cloudflare::inline v0::testing {

/// What a relay does to the bytes of the server. Those of the client are forwarded unchanged.
struct relay_options {
    std::size_t piece_size = 0;        ///< forwarded in pieces of this size; 0: unchanged
    std::chrono::milliseconds pause{}; ///< before each piece
    /// After this many bytes the connection ends. With 0 it ends as soon as the server responds,
    /// and the client gets no byte.
    std::size_t end_after = (std::numeric_limits<std::size_t>::max)();
    bool reset = false; ///< the connection ends by a reset
};

/// Relays connections from a port of 127.0.0.1 to another, on a thread of its own.
class relay {
public:
    relay(std::uint16_t server_port, relay_options how)
        : options_(how), server_(loopback(server_port)), acceptor_(context_, loopback(0)) {
        boost::asio::co_spawn(context_, accept(), boost::asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }
    relay(relay const&) = delete;
    relay& operator=(relay const&) = delete;
    ~relay() {
        context_.stop();
        thread_.join();
    }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    using tcp = boost::asio::ip::tcp;
    static constexpr auto nothrow = boost::asio::as_tuple(boost::asio::deferred);

    struct link {
        tcp::socket client, server;

        void end(bool reset) {
            boost::system::error_code ignored;
            if (reset) client.set_option(tcp::socket::linger(true, 0), ignored);
            client.close(ignored);
            server.close(ignored);
        }
    };

    [[nodiscard]] static tcp::endpoint loopback(std::uint16_t port) {
        return {boost::asio::ip::make_address("127.0.0.1"), port};
    }

    boost::asio::awaitable<void> accept() {
        for (;;) {
            auto [ec, client] = co_await acceptor_.async_accept(nothrow);
            if (ec) co_return;
            auto const made =
                std::make_shared<link>(link{std::move(client), tcp::socket(context_)});
            auto const [failed] = co_await made->server.async_connect(server_, nothrow);
            if (failed) continue;
            boost::asio::co_spawn(context_, send_on(made), boost::asio::detached);
            boost::asio::co_spawn(context_, give_back(made), boost::asio::detached);
        }
    }

    /// From the client to the server.
    boost::asio::awaitable<void> send_on(std::shared_ptr<link> between) {
        std::array<char, 8192> bytes{};
        for (;;) {
            auto const [ec, size] =
                co_await between->client.async_read_some(boost::asio::buffer(bytes), nothrow);
            if (ec) break;
            auto const [failed, sent] = co_await boost::asio::async_write(
                between->server, boost::asio::buffer(bytes.data(), size), nothrow);
            if (failed) break;
        }
        between->end(false);
    }

    /// From the server to the client.
    boost::asio::awaitable<void> give_back(std::shared_ptr<link> between) {
        boost::asio::steady_timer timer(context_);
        std::array<char, 8192> bytes{};
        auto const piece_size = options_.piece_size != 0 ? options_.piece_size : bytes.size();
        for (auto left = options_.end_after;;) {
            auto const [ec, size] = co_await between->server.async_read_some(
                boost::asio::buffer(bytes.data(), piece_size), nothrow);
            if (ec) break;
            if (options_.pause.count() != 0) {
                timer.expires_after(options_.pause);
                co_await timer.async_wait(nothrow);
            }
            auto const passed = (std::min)(left, size);
            auto const [failed, sent] = co_await boost::asio::async_write(
                between->client, boost::asio::buffer(bytes.data(), passed), nothrow);
            if (failed) break;
            left -= passed;
            if (left == 0) co_return between->end(options_.reset);
        }
        between->end(false);
    }

    relay_options options_;
    boost::asio::io_context context_{1};
    tcp::endpoint server_;
    tcp::acceptor acceptor_;
    std::uint16_t port_ = acceptor_.local_endpoint().port();
    std::thread thread_;
};

} // namespace cloudflare::inline v0::testing
