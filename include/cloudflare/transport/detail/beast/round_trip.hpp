/// One request and its response over a connection, without the waiting.
#pragma once

#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/detail/beast/connection.hpp>
#include <cloudflare/transport/detail/beast/response_reader.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// Sends the request and reads the response as far as the socket allows without blocking, and says
/// what to wait for. So one coroutine does all the waiting, without the cost of nested ones.
class round_trip {
public:
    enum class action : unsigned char {
        to_send,    ///< call `flush` when the socket is writable
        to_receive, ///< read into `prepare()`, then call `receive`
        nothing,    ///< the round trip has ended
    };

    /// @param c a connection without unread bytes
    /// @param yields whether the first read lets other calls run first: see `prepare`
    round_trip(connection& c, http::request const& r, beast_options const& options, bool yields)
        : connection_(c), reader_(c.reader.emplace(options)), yields_(yields) {
        serialize(r, c.wire);
        c.begin_request();
        boost::system::error_code ec;
        c.write(asio::buffer(c.wire), ec);
        flush(ec);
    }
    round_trip(round_trip const&) = delete;
    round_trip& operator=(round_trip const&) = delete;

    [[nodiscard]] action next() const noexcept { return next_; }

    /// Sends more, unless `ec` is an error of waiting for the socket.
    void flush(boost::system::error_code ec) {
        if (!ec) wrote_ = connection_.flush(ec) != 0 || wrote_;
        if (ec == asio::error::would_block) {
            next_ = action::to_send;
        } else if (ec) {
            fail_to_send(ec);
        } else {
            next_ = action::to_receive;
        }
    }

    /// The buffer for the next bytes.
    ///
    /// At first it is empty if other calls are in flight. Reading into an empty buffer takes no
    /// system call, and lets the other calls on this thread run first. By then the response may
    /// have arrived; without that, the first read would never find anything.
    [[nodiscard]] asio::mutable_buffer prepare() {
        return yields_ ? asio::mutable_buffer() : connection_.prepare();
    }

    /// Processes `size` bytes; `ec` is how the read ended.
    void receive(boost::system::error_code ec, std::size_t size) {
        if (std::exchange(yields_, false)) return;
        if (connection_.is_inherited()) return fail(errc::connection_lost);
        connection_.commit(size, ec);
        if (auto const malformed = reader_.put_all(connection_.received))
            return fail(meaning_of(malformed), malformed);
        if (ec == asio::error::eof) reader_.put_end();
        if (reader_.is_done()) return end(!ec);
        if (ec) lose(ec);
    }

    void cancel() { fail(errc::cancelled); }
    void expire() { fail(errc::deadline_exceeded); }

    /// The result, after the round trip has ended. `expired`: whether the connection was shut down
    /// because the deadline has passed. If the deadline or a cancellation ended the connection,
    /// that is the error; also for a body that ends with the connection, as it is unknown which
    /// side ended it.
    [[nodiscard]] result<http::response> finish(bool expired, bool cancelled) {
        keep_alive_ = keep_alive_ && !expired;
        if (!failure_) connection_.end_request();
        connection_.received.wipe();
        wipe(connection_.wire);
        if (!failure_ && expired && reader_.is_ended_by_connection())
            return failure(errc::deadline_exceeded, true);
        if (!failure_) return reader_.take();
        if (*failure_ != errc::connection_lost || (!expired && !cancelled)) return *failure_;
        return error(expired ? errc::deadline_exceeded : errc::cancelled, failure_->details());
    }

    /// Whether the connection may carry another request; known once `finish` has been called.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

private:
    /// The server does not accept the rest of the request. Before it closed the connection it may
    /// have sent the reason (RFC 9112, section 9.5), in a response or in a TLS alert.
    void fail_to_send(boost::system::error_code cause) {
        boost::system::error_code ec;
        while (wrote_ && !ec && !reader_.is_done()) {
            auto const size = connection_.socket.read_some(connection_.prepare(), ec);
            connection_.commit(size, ec);
            if (reader_.put_all(connection_.received)) return fail(errc::connection_lost, cause);
            if (ec == asio::error::eof) reader_.put_end();
        }
        if (reader_.is_done() && reader_.status() >= 400) return end(false);
        lose(is_refusal(ec) ? ec : cause);
    }

    /// Whether the server refused this client by a TLS alert, and so has read nothing of the
    /// request.
    [[nodiscard]] bool is_refusal(boost::system::error_code ec) const noexcept {
        return connection_.is_new() && !reader_.has_begun() &&
               tls_session::is_refusal_of_certificate(ec);
    }

    void lose(boost::system::error_code cause) {
        if (!is_refusal(cause)) return fail(errc::connection_lost, cause);
        failure_ = failure(errc::tls_failed, false, cause);
        next_ = action::nothing;
    }
    void end(bool is_open) {
        keep_alive_ = is_open && reader_.keep_alive() && !connection_.has_unread();
        next_ = action::nothing;
    }
    void fail(errc code, boost::system::error_code cause = {}) {
        failure_ = failure(code, wrote_, cause);
        next_ = action::nothing;
    }
    connection& connection_;
    response_reader& reader_;
    std::optional<error> failure_;
    action next_ = action::nothing;
    bool yields_;
    bool wrote_ = false; ///< a byte of the request may have been sent
    bool keep_alive_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
