/// A connection to an origin, plain or TLS, and one request and its answer over it.
#pragma once

#include <cloudflare/http/request.hpp>
#include <cloudflare/transport/beast/deadline_guard.hpp>
#include <cloudflare/transport/beast/response_reader.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
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

/// An open connection.
class connection {
public:
    explicit connection(asio::any_io_executor const& executor) : socket(executor) {}

    tcp::socket socket;
    std::optional<asio::ssl::stream<tcp::socket&>> tls; ///< set where TLS is spoken
    time_point idle_since{};

    /// Whether the server has closed an idle connection, or said something that nobody asked for.
    [[nodiscard]] bool is_stale() noexcept {
        char byte = 0;
        boost::system::error_code ec;
        socket.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, ec);
        return ec != asio::error::would_block;
    }

    /// Bytes received and not parsed yet. Wiped: they may hold a secret.
    class inbox {
    public:
        [[nodiscard]] asio::const_buffer unread() const noexcept {
            return asio::buffer(bytes_.data() + begin_, end_ - begin_);
        }
        [[nodiscard]] asio::mutable_buffer room() {
            if (begin_ == end_) clear();
            if (end_ == bytes_.size()) {
                if (begin_ != 0) {
                    std::copy(bytes_.data() + begin_, bytes_.data() + end_, bytes_.data());
                    end_ -= std::exchange(begin_, 0);
                } else {
                    bytes_.resize(bytes_.size() == 0 ? 8192 : bytes_.size() * 2);
                }
            }
            return asio::buffer(bytes_.data() + end_, bytes_.size() - end_);
        }
        void commit(std::size_t size) noexcept {
            end_ += size;
            high_ = std::max(high_, end_);
        }
        void consume(std::size_t size) noexcept { begin_ += size; }
        void clear() noexcept { begin_ = end_ = 0; }
        void wipe() noexcept {
            v0::wipe(bytes_.data(), high_);
            begin_ = end_ = high_ = 0;
        }

    private:
        wiped_string bytes_;
        std::size_t begin_ = 0, end_ = 0, high_ = 0;
    };

    inbox received;
    wiped_string wire; ///< the request's bytes; kept for its memory
};

/// How a request over a connection ended.
struct round_trip_end {
    result<http::response> answer;
    bool keep_alive = false;
};

/// A failure on the way. `wrote` is whether a byte of the request may have left.
[[nodiscard]] inline error failure(errc code, bool wrote, boost::system::error_code cause = {}) {
    error_details d;
    d.delivery = wrote ? delivery::unknown : delivery::not_sent;
    d.cause = cause;
    return {code, std::move(d)};
}

/// Reads the final answer, passing over interim ones.
template <class Stream>
asio::awaitable<round_trip_end> read_answer(Stream& stream, connection& c,
                                            beast_options const& options) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    std::optional<response_reader> reader(std::in_place, options);
    for (;;) {
        boost::beast::error_code failed;
        if (c.received.unread().size() != 0)
            c.received.consume(reader->put(c.received.unread(), failed));
        if (failed == boost::beast::http::error::need_more) failed = {};
        if (failed) co_return round_trip_end{failure(meaning_of(failed), true, failed)};
        if (reader->is_done()) {
            if (!reader->is_interim()) break;
            reader.emplace(options);
            continue;
        }

        if (is_cancelled(cancellation)) co_return round_trip_end{failure(errc::cancelled, true)};
        auto const [ec, size] = co_await stream.async_read_some(c.received.room(), as_result);
        c.received.commit(size);
        if (ec == asio::error::eof && reader->got_some() && reader->need_eof()) {
            reader->put_eof(failed);
            if (!failed && reader->is_done()) break;
        }
        if (ec) co_return round_trip_end{failure(errc::connection_lost, true, ec)};
    }
    bool const keep_alive = reader->keep_alive() && c.received.unread().size() == 0;
    co_return round_trip_end{reader->take(), keep_alive};
}

/// Sends the request in `c.wire` and reads its answer.
template <class Stream>
asio::awaitable<round_trip_end> exchange_over(Stream& stream, connection& c,
                                              beast_options const& options) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation)) co_return round_trip_end{failure(errc::cancelled, false)};
    auto const [ec, written] = co_await asio::async_write(stream, asio::buffer(c.wire), as_result);
    if (ec) {
        // A plain socket that took no byte has sent none; TLS may have sent what it does not
        // report.
        bool const wrote = written != 0 || c.tls.has_value();
        co_return round_trip_end{failure(errc::connection_lost, wrote, ec)};
    }
    auto reading = read_answer(stream, c, options);
    auto end = co_await std::move(reading);
    co_return end;
}

/// Sends a request over an open connection and gives its answer, by the deadline.
inline asio::awaitable<round_trip_end> round_trip(connection& c, http::request const& r,
                                                  time_point deadline,
                                                  beast_options const& options) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    serialize(r, c.wire);
    deadline_guard guard(c.socket, deadline);
    auto sending = c.tls ? exchange_over(*c.tls, c, options) : exchange_over(c.socket, c, options);
    auto end = co_await std::move(sending);
    bool const expired = guard.disarm();
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
