/// A connection to an origin, plain or TLS.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/transport/beast/inbox.hpp>
#include <cloudflare/transport/beast/tls_session.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Completion by a tuple that begins with the error code: nothing throws.
inline constexpr auto as_result = asio::as_tuple(asio::deferred);

/// Whether the coroutine whose state this is has been asked to stop.
[[nodiscard]] inline bool is_cancelled(asio::cancellation_state const& state) noexcept {
    return state.cancelled() != asio::cancellation_type::none;
}

/// A failure on the way. `wrote` is whether a byte of the request may have left.
[[nodiscard]] inline error failure(errc code, bool wrote, boost::system::error_code cause = {}) {
    error_details d;
    d.delivery = wrote ? delivery::unknown : delivery::not_sent;
    d.cause = cause;
    return {code, std::move(d)};
}

/// An open connection. The socket does not block.
class connection {
public:
    explicit connection(tcp::socket connected) : socket(std::move(connected)) {
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        socket.non_blocking(true, ignored);
    }
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() {
        if (!tls) return;
        tls->close();
        boost::system::error_code ignored;
        socket.write_some(tls->outgoing(), ignored);
    }

    /// Takes what is to be sent.
    void write(asio::const_buffer bytes, boost::system::error_code& ec) noexcept {
        if (tls) {
            tls->write(bytes, ec);
        } else {
            plain_outgoing_ = bytes;
        }
    }
    /// Sends what is to be sent, as far as the socket takes it at once: `would_block` where it does
    /// not take all.
    std::size_t flush(boost::system::error_code& ec) noexcept {
        std::size_t flushed = 0;
        for (auto rest = outgoing(); rest.size() != 0 && !ec; rest = outgoing()) {
            auto const size = socket.write_some(rest, ec);
            flushed += size;
            if (tls) {
                tls->sent(size);
            } else {
                plain_outgoing_ += size;
            }
        }
        return flushed;
    }

    /// Where the network's next bytes are to be put.
    [[nodiscard]] asio::mutable_buffer room() { return tls ? tls->room() : received.room(); }
    /// `size` bytes are there, and `ec` is how the reading ended: makes them `received`.
    void take_in(std::size_t size, boost::system::error_code& ec) {
        if (!tls) return received.commit(size);
        tls->feed(size);
        if (ec == asio::error::eof)
            tls->feed_end();
        else if (ec)
            return;
        tls->read(received, ec);
    }

    /// Whether the server has closed an idle connection, or said something that nobody asked for.
    [[nodiscard]] bool is_stale() noexcept {
        char byte = 0;
        boost::system::error_code ec;
        socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
        return ec != asio::error::would_block;
    }

    tcp::socket socket;
    std::optional<tls_session> tls; ///< set where TLS is spoken
    inbox received;
    wiped_string wire; ///< the request's bytes; kept for its memory
    time_point idle_since{};
    bool has_given_ticket = false;

private:
    [[nodiscard]] asio::const_buffer outgoing() const noexcept {
        return tls ? tls->outgoing() : plain_outgoing_;
    }
    asio::const_buffer plain_outgoing_;
};

} // namespace cloudflare::inline v0::detail::beast
