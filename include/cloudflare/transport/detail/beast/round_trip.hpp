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

/// Sends the request and reads the response as far as the socket allows, and says what to wait for.
/// So a single coroutine does the waiting, and needs no nested ones with their memory.
class round_trip {
public:
    enum class action : unsigned char {
        to_send,    ///< call `flush` when the socket takes more
        to_receive, ///< read into `prepare()`, then call `receive`
        nothing,    ///< the round trip has ended
    };

    /// @param c a connection on which nothing is unread
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

    /// Sends more, where `ec` says that the socket takes it.
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

    /// Where the next bytes are to be put.
    ///
    /// Empty at first where other calls are in flight: a read of nothing takes no system call, and
    /// where one thread runs all calls it ends after the others have run. By then the
    /// response may be there; without that the first read never finds anything.
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

    /// The response, once the round trip has ended. `expired` is whether the deadline has passed, and
    /// the connection been shut down for it. A connection that was lost because the deadline
    /// passed, or because the caller cancelled, is reported as that; and so is a body that ended with
    /// the connection, for it is unknown which side ended it.
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
    /// The server does not take the rest of the request. It may have said why before it closed the
    /// connection (RFC 9112, section 9.5), in a response or in an alert of TLS.
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

    /// Whether the server's TLS refused us, so that the server has read nothing of the request.
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
    bool wrote_ = false; ///< a byte of the request may have left
    bool keep_alive_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
