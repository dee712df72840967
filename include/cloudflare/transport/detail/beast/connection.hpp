/// A connection to an origin, plain or TLS.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/result.hpp>
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
#include <memory>
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

/// A failure of the transport. `wrote` is whether a byte of the request may have left.
[[nodiscard]] inline error failure(errc code, bool wrote, boost::system::error_code cause = {}) {
    error_details d;
    d.delivery = wrote ? delivery::unknown : delivery::not_sent;
    d.cause = cause;
    return {code, std::move(d)};
}

/// An open connection. The socket does not block.
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
    /// Closes the connection, within a request by a reset: what the system still holds of the
    /// request is not sent any more.
    ~connection() {
        boost::system::error_code ignored;
        if (is_in_use_) {
            socket.set_option(tcp::socket::linger(true, 0), ignored);
        } else if (tls && tls->outgoing().size() == 0) {
            tls->close();
            socket.write_some(tls->outgoing(), ignored);
        }
    }

    /// Whether a parent process opened the connection, and it is the parent's to use.
    [[nodiscard]] bool is_inherited() const noexcept { return forks_->in_child(); }
    /// Lets go of an inherited connection: neither TLS nor Asio is told, who would both touch what
    /// the parent has.
    static void disown([[maybe_unused]] connection* inherited) noexcept {
#if !defined(_WIN32)
        ::close(inherited->socket.native_handle()); // the rest is left as it is, to the end
#endif
    }

    /// Takes what is to be sent.
    void write(asio::const_buffer bytes, boost::system::error_code& ec) {
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
    [[nodiscard]] asio::mutable_buffer prepare() {
        return tls ? tls->prepare() : received.prepare();
    }
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

    /// A request begins to be sent: from now to `end_request` the connection is good for nothing
    /// else.
    void begin_request() noexcept { is_in_use_ = true; }
    /// The request's whole response is there.
    void end_request() noexcept {
        is_in_use_ = false;
        is_new_ = false;
    }
    /// Whether no request has had its response on the connection yet.
    [[nodiscard]] bool is_new() const noexcept { return is_new_; }

    /// Whether bytes have come that belong to no response so far.
    [[nodiscard]] bool has_unread() const noexcept {
        return received.data().size() != 0 || (tls && tls->has_unread());
    }
    /// Whether the server has closed an idle connection, or sent something that nobody asked for,
    /// which would be taken for the response to the next request; or the connection is a parent
    /// process's.
    [[nodiscard]] bool is_stale() noexcept {
        if (is_inherited()) return true;
        char byte = 0;
        boost::system::error_code ec;
        socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
        return ec != asio::error::would_block;
    }

    tcp::socket socket;
    std::optional<tls_session> tls; ///< set where TLS is spoken
    read_buffer received;
    wiped_string wire; ///< the request's bytes; kept for its memory
    /// Of the response under way. It lies here because a coroutine's frame with it would be too
    /// large for Asio to recycle.
    std::optional<response_reader> reader;
    bool has_given_ticket = false;

private:
    [[nodiscard]] asio::const_buffer outgoing() const noexcept {
        return tls ? tls->outgoing() : plain_outgoing_;
    }

    std::shared_ptr<fork_detector const> forks_;
    asio::const_buffer plain_outgoing_;
    bool is_in_use_ = false;
    bool is_new_ = true;
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
/// Owns a connection, and closes it where it is this process's own.
using connection_ptr = std::unique_ptr<connection, close_connection>;

} // namespace cloudflare::inline v0::detail::beast
