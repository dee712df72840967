/// A port that neither accepts nor refuses connections.
#pragma once

#include <cloudflare/core/config.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <list>

namespace cloudflare::inline v0::testing {

/// A port of 127.0.0.1 whose queue of connections is full, so that connecting to it never ends.
class full_listener {
public:
    full_listener() : acceptor_(context_) {
        tcp::endpoint const loopback(boost::asio::ip::make_address("127.0.0.1"), 0);
        acceptor_.open(tcp::v4());
        acceptor_.bind(loopback);
        acceptor_.listen(0);
        for (int i = 0; i != 8; ++i)
            waiting_.emplace_back(context_).async_connect(acceptor_.local_endpoint(),
                                                          [](boost::system::error_code) {});
        context_.run_for(std::chrono::milliseconds(20));
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    using tcp = boost::asio::ip::tcp;
    boost::asio::io_context context_;
    tcp::acceptor acceptor_;
    std::list<tcp::socket> waiting_;
};

} // namespace cloudflare::inline v0::testing
