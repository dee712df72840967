/// One request over a connection and its answer, but for the waiting.
#pragma once

#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/beast/connection.hpp>
#include <cloudflare/transport/beast/deadlines.hpp>
#include <cloudflare/transport/beast/response_reader.hpp>
#include <cloudflare/transport/beast_options.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// Sends the request and reads the answer, as far as that goes at once, and says what has to be
/// waited for: the one coroutine that does so needs no others, and their memory, below it.
class round_trip {
public:
    enum class wants : unsigned char {
        to_send,    ///< call `flush` when the socket takes more
        to_receive, ///< read into `room()`, then call `receive`
        nothing,    ///< the round trip has ended
    };

    /// @param timers where the deadline is watched; must outlive this
    round_trip(connection& c, http::request const& r, deadlines& timers, time_point deadline,
               beast_options const& options)
        : connection_(c),
          options_(options),
          reader_(std::in_place, options),
          deadline_(timers, c.socket) {
        serialize(r, c.wire);
        gives_way_ = deadline_.arm(deadline);
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
            fail(errc::connection_lost, ec);
        } else {
            next_ = wants::to_receive;
        }
    }

    /// Where the next bytes are to be put.
    ///
    /// Empty at first where other calls are in flight: to read nothing takes no system call, and
    /// where one thread runs them all it ends once the others have had their turn. By then the
    /// answer may be there; without that the first read is always in vain.
    [[nodiscard]] asio::mutable_buffer room() {
        return gives_way_ ? asio::mutable_buffer() : connection_.room();
    }

    /// Takes in `size` bytes; `ec` is how the reading ended. Interim answers are passed over.
    void receive(boost::system::error_code ec, std::size_t size) {
        if (std::exchange(gives_way_, false)) return;
        connection_.take_in(size, ec);
        auto malformed = reader_->put_all(connection_.received);
        if (!malformed && ec == asio::error::eof) malformed = reader_->put_end();
        while (!malformed && reader_->is_done() && reader_->is_interim()) {
            reader_.emplace(options_);
            malformed = reader_->put_all(connection_.received);
        }
        if (malformed) return fail(meaning_of(malformed), malformed);
        if (reader_->is_done()) return end(ec);
        if (ec) fail(errc::connection_lost, ec);
    }

    void cancel() { fail(errc::cancelled); }

    /// The answer, once the round trip has ended. A connection that was lost because the deadline
    /// passed, or because the caller cancelled, is told as that.
    [[nodiscard]] result<http::response> finish(bool cancelled) {
        bool const expired = deadline_.disarm();
        keep_alive_ = keep_alive_ && !expired;
        connection_.received.wipe();
        wipe(connection_.wire);
        if (!failure_) return reader_->take();
        if (*failure_ != errc::connection_lost || (!expired && !cancelled)) return *failure_;
        return error(expired ? errc::deadline_exceeded : errc::cancelled, failure_->details());
    }

    /// Whether the connection may carry another request; known once `finish` has been called.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

private:
    void end(boost::system::error_code ec) {
        keep_alive_ = !ec && connection_.received.unread().size() == 0 && reader_->keep_alive();
        next_ = wants::nothing;
    }
    void fail(errc code, boost::system::error_code cause = {}) {
        failure_ = failure(code, wrote_, cause);
        next_ = wants::nothing;
    }

    connection& connection_;
    beast_options const& options_;
    std::optional<response_reader> reader_;
    deadlines::entry deadline_;
    std::optional<error> failure_;
    wants next_ = wants::nothing;
    bool gives_way_;
    bool wrote_ = false; ///< a byte of the request may have left
    bool keep_alive_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
