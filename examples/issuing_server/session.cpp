#include "session.hpp"

#include "tls.hpp"

#include <algorithm>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <ctime>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::seconds;
using clock_type = std::chrono::steady_clock;

namespace {

using wiped_body =
    http::basic_string_body<char, std::char_traits<char>, cloudflare::wiping_allocator<char>>;
using parser = http::request_parser<http::string_body>;

void close_after(std::shared_ptr<connection> c, std::int64_t span) {
    c->timer.expires_after(seconds(span));
    c->timer.async_wait([c](error_code cancelled) {
        if (!cancelled && c->timer.expiry() <= clock_type::now()) c->close();
    });
}

// Work that goes on when nobody waits for it any more.
struct work {
    explicit work(asio::any_io_executor const& e, seconds limit) : wait(e, limit) {}

    asio::cancellation_signal cancellation{};
    asio::steady_timer wait; // for it
    std::optional<reply> given{};
};

asio::awaitable<void> ended(std::shared_ptr<work> w) {
    co_await w->wait.async_wait(nothrow);
}

// Ends when the client hangs up. What it sends meanwhile is kept, but no more than a request.
asio::awaitable<void> hung_up(std::shared_ptr<connection> c, std::int64_t most) {
    while (c->buffer.size() < static_cast<std::size_t>(most)) {
        auto const [failed, size] =
            co_await c->stream.async_read_some(c->buffer.prepare(1024), nothrow);
        c->buffer.commit(size);
        if (failed) co_return;
    }
}

// What becomes of the task in time; nothing where the client hangs up. Either way the task is
// cancelled then, and ends as it must.
asio::awaitable<std::optional<reply>> wait_for(asio::awaitable<reply> task,
                                               std::shared_ptr<connection> c, service& s) {
    using namespace asio::experimental::awaitable_operators;
    auto const executor = c->stream.get_executor();
    auto const w = std::make_shared<work>(executor, seconds(s.settings.request_seconds + 1));
    auto const take = [w, executor, &s](std::exception_ptr thrown, reply r) {
        w->given = thrown ? refused(500, "internal_error", "the server has failed") : std::move(r);
        w->wait.cancel();
        --s.under_way;
        asio::post(executor, [w] {}); // the signal must outlive the coroutine
    };
    ++s.under_way;
    asio::co_spawn(executor, std::move(task),
                   asio::bind_cancellation_slot(w->cancellation.slot(), take));
    if (w->given) co_return std::move(w->given);
    auto pending = ended(w) || hung_up(c, s.settings.max_header_bytes + s.settings.max_body_bytes);
    auto const first = co_await std::move(pending);
    if (w->given) co_return std::move(w->given);
    w->cancellation.emit(asio::cancellation_type::terminal);
    if (first.index() == 0) co_return refused(504, "deadline_exceeded", "it goes on: ask again");
    co_return std::nullopt;
}

// Reads a request.
asio::awaitable<error_code> read(std::shared_ptr<connection> c, parser& p, service const& s) {
    p.header_limit(static_cast<std::uint32_t>(s.settings.max_header_bytes));
    p.body_limit(static_cast<std::uint64_t>(s.settings.max_body_bytes));
    if (c->buffer.size() == 0) {
        c->is_idle = true;
        close_after(c, s.settings.idle_seconds);
        auto const [failed, size] =
            co_await c->stream.async_read_some(c->buffer.prepare(4096), nothrow);
        c->buffer.commit(size);
        c->is_idle = false;
        if (failed) co_return failed;
    }
    close_after(c, s.settings.request_seconds);
    auto const [failed, size] = co_await http::async_read(c->stream, c->buffer, p, nothrow);
    co_return failed;
}

// What is told to a client whose request could not be read; nothing where there is none any more.
std::optional<reply> unreadable(error_code const& why) {
    if (why == http::error::body_limit)
        return refused(413, "content_too_large", "the body is too large");
    if (why == http::error::header_limit)
        return refused(431, "header_too_large", "the header is too large");
    bool const is_syntax = why.category() == make_error_code(http::error::bad_method).category();
    if (!is_syntax || why == http::error::end_of_stream || why == http::error::partial_message)
        return std::nullopt;
    return refused(400, "bad_request", why.message());
}

// This machine's time, as HTTP writes it.
std::string date_now() {
    std::time_t const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char date[32];
    return {date, std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

asio::awaitable<bool> write(std::shared_ptr<connection> c, reply r, bool keeps) {
    http::response<wiped_body> m(static_cast<http::status>(r.status), 11);
    m.set(http::field::cache_control, "no-store");
    m.set("X-Content-Type-Options", "nosniff");
    m.set("Content-Security-Policy", "frame-ancestors 'none'"); // the page has the rest of it
    m.set(http::field::date, date_now());
    if (r.status != 204) m.set(http::field::content_type, r.content_type);
    if (r.allow != nullptr) m.set(http::field::allow, r.allow);
    if (r.status == 401) m.set(http::field::www_authenticate, "Bearer");
    if (r.retry_after) m.set(http::field::retry_after, std::to_string(r.retry_after->count()));
    m.keep_alive(keeps);
    m.body() = std::move(r.body);
    m.prepare_payload();
    auto const [failed, size] = co_await http::async_write(c->stream, m, nothrow);
    co_return !failed && keeps;
}

// What is responded to a request; nothing where the client has hung up.
asio::awaitable<std::optional<reply>> respond(std::shared_ptr<connection> c, asked r, service& s) {
    auto const begun = clock_type::now();
    auto const route = routes::name_of(r);
    bool const is_work = routes::is_work(r);
    auto shown = r.target;
    std::replace_if(
        shown.begin(), shown.end(), [](char ch) { return ch < 0x20 || ch > 0x7e; }, '?');
    boost::json::object line{{"route", route}, {"target", shown}};
    if (r.identity) line["identity"] = *r.identity;
    std::optional<reply> given;
    if (is_work && s.is_stopping) {
        given = refused(503, "stopping", "ask another server, or later");
        given->retry_after = seconds(1);
    } else {
        if (is_work) close_after(c, 2 * s.settings.request_seconds + 2);
        auto task = s.site.respond(std::move(r), s.now);
        if (is_work) {
            auto pending = wait_for(std::move(task), c, s);
            given = co_await std::move(pending);
        } else {
            given = co_await std::move(task);
        }
    }
    std::chrono::duration<double> const span = clock_type::now() - begun;
    s.numbers.observe("request_duration_seconds", "route=\"" + route + '"', span.count());
    line["status"] = given ? given->status : 499;
    line["seconds"] = span.count();
    if (is_work) log_line("request", line);
    co_return given;
}

// One request; false where the connection is to be closed.
asio::awaitable<bool> serve_one(std::shared_ptr<connection> c,
                                std::optional<std::string> const& peer, service& s) {
    parser p;
    auto pending_read = read(c, p, s);
    auto const failed = co_await std::move(pending_read);
    std::optional<reply> given;
    if (failed) {
        given = unreadable(failed);
    } else {
        auto const& m = p.get();
        auto const login = m[http::field::authorization];
        asked r{std::string(m.method_string()), std::string(m.target()), peer};
        if (!login.empty()) r.identity = s.now->who.identity_of(login);
        auto pending_respond = respond(c, std::move(r), s);
        given = co_await std::move(pending_respond);
    }
    if (!given) co_return false;
    bool const keeps = !failed && p.get().keep_alive() && !s.is_stopping;
    auto pending_write = write(c, std::move(*given), keeps);
    bool const goes_on = co_await std::move(pending_write);
    co_return goes_on;
}

} // namespace

asio::awaitable<void> serve(std::shared_ptr<connection> c, service& s) {
    close_after(c, s.settings.request_seconds);
    auto const [failed] =
        co_await c->stream.async_handshake(asio::ssl::stream_base::server, nothrow);
    if (!failed) {
        auto const peer = identity_of_peer(c->stream.native_handle());
        for (bool goes_on = true; goes_on;) {
            auto pending = serve_one(c, peer, s);
            goes_on = co_await std::move(pending);
        }
        close_after(c, 1);
        co_await c->stream.async_shutdown(nothrow);
    }
    c->timer.cancel();
    c->close();
}
