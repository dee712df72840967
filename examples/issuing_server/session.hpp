// One connection of a client: its requests, one after the other, within the limits.
#pragma once

#include "routes.hpp"

#include <cloudflare/http/date.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/beast/core.hpp>

namespace beast = boost::beast;

// Awaited operations give their error in a tuple.
inline constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

struct connection {
    connection(asio::ip::tcp::socket socket, ssl::context& tls) : stream(std::move(socket), tls) {}

    // What is read and written from now on ends within this time, or the connection is closed.
    void limit(seconds span) { beast::get_lowest_layer(stream).expires_after(span); }
    void close() { beast::get_lowest_layer(stream).close(); }

    ssl::stream<beast::tcp_stream> stream;
    beast::flat_buffer buffer{};
    bool is_idle = false;
};
using connection_ptr = std::shared_ptr<connection>;

// Ends when the client hangs up. What it sends meanwhile is kept, but no more than a request.
inline asio::awaitable<void> hung_up(connection_ptr c, std::size_t most) {
    while (c->buffer.size() < most) {
        auto const [failed, size] =
            co_await c->stream.async_read_some(c->buffer.prepare(1024), nothrow);
        c->buffer.commit(size);
        if (failed) co_return;
    }
}

// What becomes of the work in time; nothing where the client hangs up. Either way the work is
// cancelled then, and ends as it must, though nobody waits for it any more.
inline asio::awaitable<std::optional<response>> wait_for(response_task work, connection_ptr c,
                                                         service& s) {
    using namespace asio::experimental::awaitable_operators;
    using outcome = asio::experimental::channel<void(boost::system::error_code, response)>;
    auto const executor = c->stream.get_executor();
    auto const done = std::make_shared<outcome>(executor, 1);
    auto const cancellation = std::make_shared<asio::cancellation_signal>();
    auto const end = [done, cancellation, executor, &s](std::exception_ptr thrown, response r) {
        if (thrown) r = refused(500, "internal_error", "the server has failed");
        done->try_send(boost::system::error_code(), std::move(r));
        --s.under_way;
        asio::post(executor, [cancellation] {}); // it must outlive the coroutine
    };
    ++s.under_way;
    asio::co_spawn(executor, std::move(work),
                   asio::bind_cancellation_slot(cancellation->slot(), end));
    seconds const longest(s.settings.request_seconds + 1);
    asio::steady_timer late(executor, longest);
    c->limit(longest * 2);
    auto pending =
        done->async_receive(asio::use_awaitable) || late.async_wait(asio::use_awaitable) ||
        hung_up(c,
                static_cast<std::size_t>(s.settings.max_header_bytes + s.settings.max_body_bytes));
    auto first = co_await std::move(pending);
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    cancellation->emit(asio::cancellation_type::terminal);
    if (first.index() == 1) co_return refused(504, "deadline_exceeded", "it goes on: ask again");
    co_return std::nullopt;
}

// What is responded to a request; nothing where the client has hung up.
inline asio::awaitable<std::optional<response>> respond(connection_ptr c, request r) {
    auto& s = r.server;
    auto const begun = std::chrono::steady_clock::now();
    auto const* const row = find_route(r);
    bool const is_work = row != nullptr && row->who == caller::machines;
    auto const route = row != nullptr ? std::string(to_string(r.method)) + ' ' + r.path : "other";
    json::object line{{"route", route}, {"machine", r.machine}};
    line["identity"] = r.identity ? json::value(*r.identity) : json::value();
    std::optional<response> given;
    if (!is_work) {
        given = co_await respond_to(std::move(r));
    } else if (s.is_stopping) {
        given = refused(503, "stopping", "ask another server, or later");
        given->set(http::field::retry_after, "1");
    } else {
        given = co_await wait_for(respond_to(std::move(r)), c, s);
    }
    std::chrono::duration<double> const span = std::chrono::steady_clock::now() - begun;
    s.numbers.observe("request_duration_seconds", "route", route, span);
    line["status"] = given ? given->result_int() : 499;
    line["seconds"] = span.count();
    if (is_work) log_line("request", line);
    co_return given;
}

using request_parser = http::request_parser<http::string_body>;

inline asio::awaitable<boost::system::error_code> read(connection_ptr c, request_parser& p,
                                                       configuration const& limits) {
    p.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    p.body_limit(static_cast<std::uint64_t>(limits.max_body_bytes));
    if (c->buffer.size() == 0) {
        c->is_idle = true;
        c->limit(seconds(limits.idle_seconds));
        auto const [failed, size] =
            co_await c->stream.async_read_some(c->buffer.prepare(4096), nothrow);
        c->buffer.commit(size);
        c->is_idle = false;
        if (failed) co_return failed;
    }
    c->limit(seconds(limits.request_seconds));
    auto const [failed, size] = co_await http::async_read(c->stream, c->buffer, p, nothrow);
    co_return failed;
}

// What is told to a client whose request could not be read; nothing where there is none any more.
inline std::optional<response> unreadable(boost::system::error_code const& why) {
    if (why == http::error::body_limit)
        return refused(413, "content_too_large", "the body is too large");
    if (why == http::error::header_limit)
        return refused(431, "header_too_large", "the header is too large");
    bool const is_syntax = why.category() == make_error_code(http::error::bad_method).category();
    if (!is_syntax || why == http::error::end_of_stream || why == http::error::partial_message)
        return std::nullopt;
    return refused(400, "bad_request", why.message());
}

inline asio::awaitable<bool> write(connection_ptr c, response r, bool keeps) {
    r.set(http::field::date, cf::http::format_date(std::chrono::system_clock::now()));
    r.set(http::field::cache_control, "no-store");
    r.set("X-Content-Type-Options", "nosniff");
    if (r.result() == http::status::unauthorized) r.set(http::field::www_authenticate, "Bearer");
    r.set("Content-Security-Policy", "frame-ancestors 'none'"); // the page has the rest of it
    r.keep_alive(keeps);
    r.prepare_payload();
    c->limit(seconds(10));
    auto const [failed, size] = co_await http::async_write(c->stream, r, nothrow);
    co_return !failed && keeps;
}

// One request; false where the connection is to be closed.
inline asio::awaitable<bool> serve_one(connection_ptr c, std::optional<std::string> const& peer,
                                       service& s) {
    request_parser p;
    auto const failed = co_await read(c, p, s.settings);
    std::optional<response> given = failed ? unreadable(failed) : std::nullopt;
    if (!failed) {
        request r(s, p.get().method(), p.get().target());
        auto const login = p.get()[http::field::authorization];
        r.identity = login.empty() ? peer : r.now->who.identity_of(login);
        given = co_await respond(c, std::move(r));
    }
    if (!given) co_return false;
    bool const keeps = !failed && p.get().keep_alive() && !s.is_stopping;
    bool const goes_on = co_await write(c, std::move(*given), keeps);
    co_return goes_on;
}

// Serves the connection to its end.
inline asio::awaitable<void> serve(connection_ptr c, service& s) {
    c->limit(seconds(s.settings.request_seconds));
    auto const [failed] = co_await c->stream.async_handshake(ssl::stream_base::server, nothrow);
    if (failed) co_return;
    auto const peer = identity_of_peer(c->stream.native_handle());
    for (bool goes_on = true; goes_on;)
        goes_on = co_await serve_one(c, peer, s);
    c->limit(seconds(1));
    co_await c->stream.async_shutdown(nothrow);
}
