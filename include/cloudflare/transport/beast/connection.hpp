/// A connection to an origin, plain or TLS, and one request and its answer over it.
#pragma once

#include <cloudflare/http/request.hpp>
#include <cloudflare/transport/beast/deadline_watch.hpp>
#include <cloudflare/transport/beast/response_reader.hpp>
#include <cloudflare/transport/beast/tls_session.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>

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
    explicit connection(tcp::socket connected) : socket(std::move(connected)), deadline(socket) {
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
    deadline_watch deadline;
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

/// Waits until the socket takes what is still to be sent, and sends it; for the rare case that it
/// did not take all at once.
inline asio::awaitable<boost::system::error_code> finish_flush(connection& c) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    for (;;) {
        if (is_cancelled(cancellation)) co_return asio::error::operation_aborted;
        auto const [failed] = co_await c.socket.async_wait(tcp::socket::wait_write, as_result);
        if (failed) co_return failed;
        boost::system::error_code ec;
        c.flush(ec);
        if (ec != asio::error::would_block) co_return ec;
    }
}

/// How a request over a connection ended.
struct round_trip_end {
    result<http::response> answer;
    bool keep_alive = false;
};

/// Sends the request in `c.wire` and reads its answer, passing over interim ones.
inline asio::awaitable<round_trip_end> exchange_over(connection& c, beast_options const& options) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    boost::system::error_code ec;
    c.write(asio::buffer(c.wire), ec);
    bool wrote = c.flush(ec) != 0;
    if (ec == asio::error::would_block) {
        wrote = true;
        auto flushing = finish_flush(c);
        ec = co_await std::move(flushing);
    }
    if (ec) co_return round_trip_end{failure(errc::connection_lost, wrote, ec)};

    for (std::optional<response_reader> reader(std::in_place, options);;) {
        if (is_cancelled(cancellation)) co_return round_trip_end{failure(errc::cancelled, true)};
        auto [failed, size] = co_await c.socket.async_read_some(c.room(), as_result);
        c.take_in(size, failed);

        auto malformed = reader->put_all(c.received);
        if (!malformed && failed == asio::error::eof) malformed = reader->put_end();
        while (!malformed && reader->is_done() && reader->is_interim()) {
            reader.emplace(options);
            malformed = reader->put_all(c.received);
        }
        if (malformed) co_return round_trip_end{failure(meaning_of(malformed), true, malformed)};
        if (reader->is_done()) {
            bool const clean = !failed && c.received.unread().size() == 0;
            bool const keep_alive = clean && reader->keep_alive();
            co_return round_trip_end{reader->take(), keep_alive};
        }
        if (failed) co_return round_trip_end{failure(errc::connection_lost, true, failed)};
    }
}

/// Sends a request over an open connection and gives its answer, by the deadline.
inline asio::awaitable<round_trip_end> round_trip(connection& c, http::request const& r,
                                                  time_point deadline,
                                                  beast_options const& options) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation)) co_return round_trip_end{failure(errc::cancelled, false)};
    serialize(r, c.wire);
    c.deadline.arm(deadline);
    auto sending = exchange_over(c, options);
    auto end = co_await std::move(sending);
    bool const expired = c.deadline.disarm();
    c.received.wipe();
    wipe(c.wire);
    if (!end.answer && end.answer.error() == errc::connection_lost) {
        auto const lost = end.answer.error();
        if (expired) {
            end.answer = error(errc::deadline_exceeded, lost.details());
        } else if (is_cancelled(cancellation)) {
            end.answer = error(errc::cancelled, lost.details());
        }
    }
    end.keep_alive = end.keep_alive && !expired;
    co_return end;
}

} // namespace cloudflare::inline v0::detail::beast
