/// A connection to an origin, plain or TLS.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/detail/beast/read_buffer.hpp>
#include <cloudflare/transport/detail/beast/response_reader.hpp>
#include <cloudflare/transport/detail/beast/tls_session.hpp>
#include <cloudflare/transport/detail/boot_clock.hpp>
#include <cloudflare/transport/detail/fork_detector.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// A completion token: the result is a tuple that begins with the error code; nothing is thrown.
inline constexpr auto nothrow = asio::as_tuple(asio::deferred);

/// Whether the coroutine whose state this is has been asked to stop.
[[nodiscard]] inline bool is_cancelled(asio::cancellation_state const& state) noexcept {
    return state.cancelled() != asio::cancellation_type::none;
}

/// An error of the transport. `wrote`: whether a byte of the request may have been sent.
[[nodiscard]] inline error failure(errc code, bool wrote, boost::system::error_code cause = {}) {
    error_details d;
    d.delivery = wrote ? delivery::unknown : delivery::not_sent;
    d.cause = cause;
    return {code, std::move(d)};
}

/// An open connection. The socket is non-blocking.
class connection {
public:
    /// @param forks made by the process that opened the connection
    connection(tcp::socket connected, std::shared_ptr<fork_detector const> forks)
        : socket(std::move(connected)), forks_(std::move(forks)) {
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        socket.non_blocking(true, ignored);
    }
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    /// Closes the connection; during a request by a reset, so that the system does not send what it
    /// still buffers of the request.
    ~connection() {
        boost::system::error_code ignored;
        if (is_in_use_) {
            socket.set_option(tcp::socket::linger(true, 0), ignored);
        } else if (tls && tls->outgoing().size() == 0) {
            tls->close_notify();
            socket.write_some(tls->outgoing(), ignored);
        }
    }

    /// Whether a parent process opened the connection, so that only the parent may use it.
    [[nodiscard]] bool is_inherited() const noexcept { return forks_->in_child(); }
    /// Abandons an inherited connection, without OpenSSL and Asio, which would affect the parent's
    /// connection.
    static void disown([[maybe_unused]] connection* inherited) noexcept {
#if !defined(_WIN32)
        ::close(inherited->socket.native_handle()); // everything else is deliberately leaked
#endif
    }

    /// Accepts bytes to be sent.
    void write(asio::const_buffer bytes, boost::system::error_code& ec) {
        if (tls) {
            tls->write(bytes, ec);
        } else {
            plain_outgoing_ = bytes;
        }
    }
    /// Sends as much of them as the socket accepts; `would_block` where that is not all.
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

    /// The buffer for the next bytes from the network.
    [[nodiscard]] asio::mutable_buffer prepare() {
        return tls ? tls->prepare() : received.prepare();
    }
    /// `size` bytes were read, and `ec` is how the read ended: decrypts them into `received`.
    void commit(std::size_t size, boost::system::error_code& ec) {
        if (!tls) return received.commit(size);
        tls->feed(size);
        if (ec == asio::error::eof)
            tls->feed_end();
        else if (ec)
            return;
        tls->read(received, ec);
    }

    /// A request begins to be sent: until `end_request` the connection can be used for nothing
    /// else.
    void begin_request() noexcept { is_in_use_ = true; }
    /// The request's complete response has been received.
    void end_request() noexcept {
        is_in_use_ = false;
        ++requests_;
    }
    /// Whether a request has begun and not ended.
    [[nodiscard]] bool is_in_use() const noexcept { return is_in_use_; }
    /// How many requests have been completed on the connection.
    [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
    /// Whether no request has been completed on the connection yet.
    [[nodiscard]] bool is_new() const noexcept { return requests_ == 0; }

    /// Whether there are received bytes that are not part of a response.
    [[nodiscard]] bool has_unread() const noexcept {
        return received.data().size() != 0 || (tls && tls->has_unread());
    }
    /// Whether an idle connection must not be used: the server has closed it, or has sent
    /// unsolicited bytes, which would be taken for the next response; or it belongs to a parent
    /// process.
    [[nodiscard]] bool is_stale() noexcept {
        if (is_inherited()) return true;
        char byte = 0;
        boost::system::error_code ec;
        socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
        return ec != asio::error::would_block;
    }

    tcp::socket socket;
    std::optional<tls_session> tls; ///< for an https origin
    read_buffer received;
    wiped_string wire; ///< the request's bytes; a member so that its memory is reused
    /// Reads the current response. A member, because it would make a coroutine frame too large for
    /// Asio to recycle.
    std::optional<response_reader> reader;
    bool has_given_ticket = false;

    /// What events say of the connection.
    struct identification {
        http::origin origin;
        std::uint64_t number; ///< from 1, in the transport
        time_point opened_at;
    };
    std::optional<identification> identity; ///< only where the user has a hook for events

private:
    [[nodiscard]] asio::const_buffer outgoing() const noexcept {
        return tls ? tls->outgoing() : plain_outgoing_;
    }

    std::shared_ptr<fork_detector const> forks_;
    asio::const_buffer plain_outgoing_;
    bool is_in_use_ = false;
    std::uint64_t requests_ = 0;
};

struct close_connection {
    void operator()(connection* c) const noexcept {
        if (c->is_inherited()) {
            connection::disown(c);
        } else {
            delete c;
        }
    }
};
/// Owns a connection, and closes it unless it is inherited from a parent process.
using connection_ptr = std::unique_ptr<connection, close_connection>;

} // namespace cloudflare::inline v0::detail::beast
