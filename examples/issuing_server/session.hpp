// One connection of a client: its requests, one after the other, within the limits.
#pragma once

#include "routes.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <cstddef>
#include <functional>
#include <memory>

// Awaited operations give their error in a tuple.
inline constexpr auto nothrow = boost::asio::as_tuple(boost::asio::use_awaitable);

// What the sessions of a server share.
struct service {
    configuration const& settings;
    routes& site;
    metrics& numbers;
    std::shared_ptr<reloadable const> now{};
    bool is_stopping = false;
    std::size_t under_way = 0; // pieces of work
};

struct connection {
    connection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& tls)
        : stream(std::move(socket), tls), timer(stream.get_executor()) {}

    boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream;
    boost::asio::steady_timer timer; // closes the socket
    boost::beast::flat_buffer buffer{};
    bool is_idle = false;

    void close() {
        boost::system::error_code ignored;
        stream.next_layer().close(ignored);
    }
};

// Serves the connection to its end.
boost::asio::awaitable<void> serve(std::shared_ptr<connection> c, service& s);
