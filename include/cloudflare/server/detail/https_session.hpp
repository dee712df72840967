/// One connection of a client to a server: its requests, one after the other, within the limits.
#pragma once

#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/http/date.hpp>
#include <cloudflare/server/detail/server_state.hpp>
#include <cloudflare/server/routes.hpp>
#include <cloudflare/server/tls.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::server::detail {

/// Awaited operations give their error in a tuple.
inline constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

/// One connection. Each of its functions ends before it is destroyed, but for the handlers, which go
/// on without it.
class https_session {
public:
    https_session(std::shared_ptr<server_state> s, asio::ip::tcp::socket socket)
        : server_(std::move(s)), tls_(server_->tls), stream_(std::move(socket), *tls_) {
        server_->open.insert(this);
    }
    https_session(https_session const&) = delete;
    https_session& operator=(https_session const&) = delete;
    ~https_session() {
        server_->open.erase(this);
        server_->notice_end();
    }

    /// Serves the connection to its end.
    static asio::awaitable<void> run(std::unique_ptr<https_session> self) {
        self->limit(self->options().read_time());
        auto const [failed] =
            co_await self->stream_.async_handshake(ssl::stream_base::server, nothrow);
        if (failed) co_return;
        self->peer_ = certificate_name(self->stream_.native_handle());
        for (bool goes_on = true; goes_on;)
            goes_on = co_await self->serve_one();
        self->limit(std::chrono::seconds(1));
        co_await self->stream_.async_shutdown(nothrow);
    }

    /// Closes the connection if no request is under way.
    void close_idle() {
        if (is_idle_) beast::get_lowest_layer(stream_).close();
    }

private:
    using error_code = boost::system::error_code;
    using request_parser = beast::http::request_parser<beast::http::string_body>;

    [[nodiscard]] https_server_options const& options() const { return server_->options; }

    /// What is read and written from now on ends within this time, or the connection is closed.
    void limit(std::chrono::seconds span) { beast::get_lowest_layer(stream_).expires_after(span); }

    /// One request; false where the connection is to be closed.
    asio::awaitable<bool> serve_one() {
        request_parser parser;
        auto const failed = co_await read(parser);
        bool const is_last = failed || !parser.keep_alive();
        std::optional<response> given;
        if (failed) {
            given = unreadable(failed);
        } else {
            auto pending = respond(parser.release());
            given = co_await std::move(pending);
        }
        if (!given) co_return false;
        auto pending = write(std::move(*given), !is_last && !server_->is_stopping);
        bool const goes_on = co_await std::move(pending);
        co_return goes_on;
    }

    asio::awaitable<error_code> read(request_parser& parser) {
        parser.header_limit(static_cast<std::uint32_t>(options().max_header_bytes()));
        parser.body_limit(std::uint64_t{options().max_body_bytes()});
        if (buffer_.size() == 0) {
            if (server_->is_stopping) co_return asio::error::operation_aborted;
            limit(options().idle_time());
            is_idle_ = true;
            auto const [failed, size] =
                co_await stream_.async_read_some(buffer_.prepare(4096), nothrow);
            is_idle_ = false;
            buffer_.commit(size);
            if (failed) co_return failed;
        }
        limit(options().read_time());
        auto const [no_header, header_size] =
            co_await beast::http::async_read_header(stream_, buffer_, parser, nothrow);
        if (no_header) co_return no_header;
        // Beast bounds neither the extensions of chunks nor their trailers.
        if (parser.get().count(beast::http::field::transfer_encoding) != 0)
            co_return beast::http::error::bad_transfer_encoding;
        auto const [failed, size] =
            co_await beast::http::async_read(stream_, buffer_, parser, nothrow);
        co_return failed;
    }

    /// What is told to a client whose request could not be read; nothing where there is none any
    /// more.
    [[nodiscard]] static std::optional<response> unreadable(error_code const& why) {
        using beast::http::error;
        if (why == error::body_limit)
            return error_response(413, "content_too_large", "the body is too large");
        if (why == error::header_limit)
            return error_response(431, "header_too_large", "the header is too large");
        if (why == error::bad_transfer_encoding)
            return error_response(411, "length_required", "the body must have a Content-Length");
        bool const is_syntax = why.category() == make_error_code(error::bad_method).category();
        if (!is_syntax || why == error::end_of_stream || why == error::partial_message)
            return std::nullopt;
        return error_response(400, "bad_request", why.message());
    }

    /// The response to a request; nothing where the client has hung up.
    asio::awaitable<std::optional<response>> respond(request::message_type message) {
        auto const begun = std::chrono::steady_clock::now();
        auto const r = std::make_shared<request>(std::move(message));
        auto const login = r->message[beast::http::field::authorization];
        r->identity = login.empty() ? peer_ : options().identity_of(login);
        auto const* const respond = server_->all.find(*r);
        std::optional<response> given;
        if (server_->is_stopping) {
            given = error_response(503, "stopping", "ask another server, or later");
            given->set(beast::http::field::retry_after, "1");
        } else if (respond == nullptr) {
            given = server_->all.refusal(*r);
        } else {
            auto pending = wait_for(*respond, r);
            given = co_await std::move(pending);
        }
        if (options().trace())
            options().trace()({*r, given ? given->result_int() : client_has_hung_up,
                               std::chrono::steady_clock::now() - begun});
        co_return given;
    }
    static constexpr unsigned client_has_hung_up = 499;

    /// What a handler gives in time; nothing where the client hangs up. Either way the handler is
    /// cancelled then, and ends as it must, though nobody waits for it any more.
    asio::awaitable<std::optional<response>> wait_for(handler const& respond,
                                                      std::shared_ptr<request const> r) {
        using namespace asio::experimental::awaitable_operators;
        using outcome = asio::experimental::channel<void(error_code, response)>;
        auto const executor = stream_.get_executor();
        auto const done = std::make_shared<outcome>(executor, 1);
        auto const cancellation = std::make_shared<asio::cancellation_signal>();
        auto const end = [done, cancellation, executor, r, s = server_](std::exception_ptr thrown,
                                                                        response given) {
            if (thrown) given = error_response(500, "internal_error", "the server has failed");
            done->try_send(error_code(), std::move(given));
            --s->under_way;
            s->notice_end();
            asio::post(executor, [cancellation] {}); // it must outlive the coroutine
        };
        ++server_->under_way;
        asio::co_spawn(executor, handle(respond, *r),
                       asio::bind_cancellation_slot(cancellation->slot(), end));
        asio::steady_timer late(executor, options().handler_time());
        limit(options().handler_time() * 2);
        auto pending = done->async_receive(asio::use_awaitable) ||
                       late.async_wait(asio::use_awaitable) || hung_up();
        auto first = co_await std::move(pending);
        if (first.index() == 0) co_return std::get<0>(std::move(first));
        cancellation->emit(asio::cancellation_type::terminal);
        if (first.index() == 2) co_return std::nullopt;
        co_return error_response(504, "deadline_exceeded", "it goes on: ask again");
    }

    static asio::awaitable<response> handle(handler const& respond, request const& r) {
        co_await asio::this_coro::throw_if_cancelled(false);
        auto pending = respond(r);
        auto given = co_await std::move(pending);
        co_return given;
    }

    /// Ends when the client hangs up. What it sends meanwhile is kept, but no more than a request.
    asio::awaitable<void> hung_up() {
        auto const most = std::uint64_t{options().max_header_bytes()} + options().max_body_bytes();
        while (buffer_.size() < most) {
            auto const [failed, size] =
                co_await stream_.async_read_some(buffer_.prepare(1024), nothrow);
            buffer_.commit(size);
            if (failed) co_return;
        }
    }

    asio::awaitable<bool> write(response given, bool keeps) {
        using beast::http::field;
        given.set(field::date, http::format_date(std::chrono::system_clock::now()));
        given.set(field::cache_control, "no-store");
        given.set("X-Content-Type-Options", "nosniff");
        given.set("Content-Security-Policy", "frame-ancestors 'none'"); // a page has the rest of it
        if (given.result() == beast::http::status::unauthorized)
            given.set(field::www_authenticate, "Bearer");
        given.keep_alive(keeps);
        given.prepare_payload();
        limit(std::chrono::seconds(10));
        auto const [failed, size] = co_await beast::http::async_write(stream_, given, nothrow);
        co_return !failed && keeps;
    }

    std::shared_ptr<server_state> server_;
    std::shared_ptr<ssl::context> tls_; ///< as it was when the connection was accepted
    ssl::stream<beast::tcp_stream> stream_;
    std::optional<std::string> peer_{}; ///< by its certificate
    beast::flat_buffer buffer_{};
    bool is_idle_ = false;
};

} // namespace cloudflare::inline v0::server::detail
