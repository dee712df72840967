/// One request over a connection and its response, but for the waiting.
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

/// Sends the request and reads the response, as far as that goes at once, and says what has to be
/// waited for: the one coroutine that does so needs no others, and their memory, below it.
class round_trip {
public:
    enum class wants : unsigned char {
        to_send,    ///< call `flush` when the socket takes more
        to_receive, ///< read into `prepare()`, then call `receive`
        nothing,    ///< the round trip has ended
    };

    /// @param c a connection on which nothing is unread
    /// @param yields whether the first read is to give others their turn: see `prepare`
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

    [[nodiscard]] wants next() const noexcept { return next_; }

    /// Sends more, where `ec` says that the socket takes it.
    void flush(boost::system::error_code ec) {
        if (!ec) wrote_ = connection_.flush(ec) != 0 || wrote_;
        if (ec == asio::error::would_block) {
            next_ = wants::to_send;
        } else if (ec) {
            fail_to_send(ec);
        } else {
            next_ = wants::to_receive;
        }
    }

    /// Where the next bytes are to be put.
    ///
    /// Empty at first where other calls are in flight: to read nothing takes no system call, and
    /// where one thread runs them all it ends once the others have had their turn. By then the
    /// response may be there; without that the first read is always in vain.
    [[nodiscard]] asio::mutable_buffer prepare() {
        return yields_ ? asio::mutable_buffer() : connection_.prepare();
    }

    /// Takes in `size` bytes; `ec` is how the reading ended.
    void receive(boost::system::error_code ec, std::size_t size) {
        if (std::exchange(yields_, false)) return;
        if (connection_.is_inherited()) return fail(errc::connection_lost);
        connection_.take_in(size, ec);
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
    /// passed, or because the caller cancelled, is told as that; and so is a body that ended with
    /// the connection, for who ended it cannot be told.
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
    void fail_to_send(boost::system::error_code why) {
        boost::system::error_code ec;
        while (wrote_ && !ec && !reader_.is_done()) {
            auto const size = connection_.socket.read_some(connection_.prepare(), ec);
            connection_.take_in(size, ec);
            if (reader_.put_all(connection_.received)) return fail(errc::connection_lost, why);
            if (ec == asio::error::eof) reader_.put_end();
        }
        if (reader_.is_done() && reader_.status() >= 400) return end(false);
        lose(is_refusal(ec) ? ec : why);
    }

    /// Whether the server's TLS refused us, so that the server has read nothing of the request.
    [[nodiscard]] bool is_refusal(boost::system::error_code ec) const noexcept {
        return connection_.is_new() && !reader_.has_begun() &&
               tls_session::is_refusal_of_certificate(ec);
    }

    void lose(boost::system::error_code why) {
        if (!is_refusal(why)) return fail(errc::connection_lost, why);
        failure_ = failure(errc::tls_failed, false, why);
        next_ = wants::nothing;
    }
    void end(bool is_open) {
        keep_alive_ = is_open && reader_.keep_alive() && !connection_.has_unread();
        next_ = wants::nothing;
    }
    void fail(errc code, boost::system::error_code cause = {}) {
        failure_ = failure(code, wrote_, cause);
        next_ = wants::nothing;
    }
    connection& connection_;
    response_reader& reader_;
    std::optional<error> failure_;
    wants next_ = wants::nothing;
    bool yields_;
    bool wrote_ = false; ///< a byte of the request may have left
    bool keep_alive_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
