// Which connections the Beast transport opens, keeps and shares, and through which proxy.
#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <cloudflare/testing/detail/conformance/trial.hpp>
#include <cloudflare/testing/detail/scripted_server.hpp>
#include <cloudflare/transport/detail/beast/connect_operation.hpp>

#include "tunnel.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace cloudflare;
using namespace std::chrono_literals;
using testing::always;
using testing::in_turn;
using testing::reply;
using testing::scripted_server;
using testing::detail::make_response;
using testing::detail::temporary_file;

using responses = std::vector<result<http::response>>;

http::request request_to(http::origin const& origin, bool repeatable = true) {
    http::request r{.origin = origin};
    r.target = "/";
    r.repeatable = repeatable;
    return r;
}

asio::awaitable<void> send_one(beast_transport transport, http::request r, time_point deadline,
                               responses& given) {
    auto pending = transport.send(r, deadline);
    auto one = co_await std::move(pending);
    given.push_back(std::move(one));
}

/// Sends all the requests at once on one thread, and waits for all the responses.
responses send_all(beast_options const& options, std::vector<http::request> const& requests,
                   std::chrono::milliseconds timeout = 10s) {
    responses given;
    asio::io_context context(1);
    beast_transport const transport(context.get_executor(), options);
    for (auto const& r : requests)
        asio::co_spawn(context, send_one(transport, r, time_point::clock::now() + timeout, given),
                       asio::detached);
    context.run();
    return given;
}

/// Sends requests one after the other.
responses send_in_turn(beast_options const& options, std::vector<http::request> const& requests) {
    responses given;
    asio::io_context context(1);
    beast_transport const transport(context.get_executor(), options);
    for (auto const& r : requests) {
        asio::co_spawn(context, send_one(transport, r, time_point::clock::now() + 10s, given),
                       asio::detached);
        context.run();
        context.restart();
    }
    return given;
}

std::size_t count_of(responses const& given, int status) {
    std::size_t count = 0;
    for (auto const& a : given)
        count += a && a->status == status;
    return count;
}

TEST_CASE(
    "no more connections are opened to a host than allowed, and every call gets its response") {
    scripted_server server(always({.bytes = make_response(200), .pause = 5ms}));
    std::vector const requests(40, request_to(server.origin()));
    auto const given = send_all(beast_options().max_connections_per_host(3), requests);
    CHECK(count_of(given, 200) == 40);
    CHECK(server.connection_count() == 3);
}

TEST_CASE("connections that are closed after each response free slots for the waiters") {
    scripted_server server(always({.bytes = make_response(200), .then = reply::end::close}));
    std::vector const requests(20, request_to(server.origin(), false));
    auto const given = send_all(beast_options().max_connections_per_host(2), requests);
    CHECK(given.size() == 20);
    for (auto const& a : given)
        if (!a) CHECK(a.error() == errc::connection_lost); // closed just as it was taken again
    CHECK(count_of(given, 200) >= 10);
}

TEST_CASE("connections that fail free slots for the waiters") {
    scripted_server server(
        always({}), {.tls = true, .first = testing::scripted_server_options::greeting::close});
    std::vector const requests(10, request_to(server.origin()));
    auto const given = send_all(beast_options().max_connections(1), requests);
    CHECK(given.size() == 10);
    for (auto const& a : given)
        CHECK(!a);
}

TEST_CASE(
    "the total limit is shared by the hosts: an idle connection to one is closed for another") {
    scripted_server one(always({make_response(200)})), two(always({make_response(201)}));
    std::vector<http::request> requests;
    for (int i = 0; i != 10; ++i) {
        requests.push_back(request_to(one.origin()));
        requests.push_back(request_to(two.origin()));
    }
    auto const given = send_all(beast_options().max_connections(1), requests);
    CHECK(count_of(given, 200) == 10);
    CHECK(count_of(given, 201) == 10);
}

TEST_CASE("a call waiting for a connection ends at the deadline, and nothing was sent") {
    scripted_server server(always({.then = reply::end::hang}));
    std::vector const requests(3, request_to(server.origin()));
    auto const given = send_all(beast_options().max_connections(1), requests, 100ms);
    REQUIRE(given.size() == 3);
    int not_sent = 0;
    for (auto const& a : given) {
        REQUIRE(!a);
        CHECK(a.error() == errc::deadline_exceeded);
        not_sent += a.error().delivery() == delivery::not_sent;
    }
    CHECK(not_sent == 2);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("a call waiting for a connection can be cancelled, and is rejected by a shutdown") {
    scripted_server server(always({.then = reply::end::hang}));
    for (bool const by_shutdown : {false, true}) {
        CAPTURE(by_shutdown);
        asio::io_context context(1);
        beast_transport const transport(context.get_executor(), beast_options().max_connections(1));
        auto const r = request_to(server.origin());
        responses first;
        asio::co_spawn(context, send_one(transport, r, time_point::clock::now() + 500ms, first),
                       asio::detached);
        asio::cancellation_signal cancel;
        std::optional<result<http::response>> second;
        asio::co_spawn(context, transport.send(r, time_point::clock::now() + 10s),
                       asio::bind_cancellation_slot(
                           cancel.slot(), [&](std::exception_ptr thrown, result<http::response> a) {
                               CHECK_FALSE(thrown);
                               second = std::move(a);
                           }));
        context.run_for(100ms);
        if (by_shutdown) transport.shutdown();
        if (!by_shutdown) cancel.emit(asio::cancellation_type::terminal);
        context.run_for(100ms);
        REQUIRE(second);
        REQUIRE_FALSE(*second);
        CHECK(second->error() == errc::cancelled);
        CHECK(second->error().delivery() == delivery::not_sent);
        CHECK(first.empty()); // goes on
        context.run();
        CHECK(first.size() == 1);
    }
}

TEST_CASE("a context may be destroyed while calls wait for a connection") {
    scripted_server silent(always({.then = reply::end::hang}));
    auto const options = beast_options().max_connections_per_host(1);
    responses given;
    {
        asio::io_context context(1);
        beast_transport const transport(context.get_executor(), options);
        for (int i = 0; i != 4; ++i)
            asio::co_spawn(context,
                           send_one(transport, request_to(silent.origin()),
                                    time_point::clock::now() + 10s, given),
                           asio::detached);
        context.run_for(50ms);
    }
    CHECK(given.empty());
}

TEST_CASE("after a shutdown nothing is sent any more, and what is under way gets its response") {
    scripted_server server(always({.bytes = make_response(200), .pause = 100ms}));
    asio::io_context context(1);
    beast_transport const transport(context.get_executor());
    responses given;
    auto const deadline = time_point::clock::now() + 10s;
    asio::co_spawn(context, send_one(transport, request_to(server.origin()), deadline, given),
                   asio::detached);
    context.run_for(50ms);
    transport.shutdown();
    asio::co_spawn(context, send_one(transport, request_to(server.origin()), deadline, given),
                   asio::detached);
    context.run();
    REQUIRE(given.size() == 2);
    REQUIRE(!given[0]);
    CHECK(given[0].error() == errc::cancelled);
    CHECK(given[0].error().delivery() == delivery::not_sent);
    CHECK(given[1]);
}

TEST_CASE("a new connection resumes the TLS session of an earlier one") {
    for (int const version : {TLS1_2_VERSION, 0}) {
        scripted_server server(always({.bytes = make_response(200), .then = reply::end::close}),
                               {.tls = true, .max_tls_version = version});
        temporary_file const ca(server.ca_pem());
        scripted_server kept(always({make_response(200)}),
                             {.tls = true, .max_tls_version = version});
        temporary_file const kept_ca(kept.ca_pem());
        auto const r = request_to(kept.origin());
        auto const options =
            beast_options().ca_file(kept_ca.path()).idle_timeout(0ms); // never used again
        auto given = send_in_turn(options, {r, r, r});
        CHECK(count_of(given, 200) == 3);
        CHECK(kept.connection_count() == 3);
        CHECK(kept.resumed_count() == 2);
    }
}

TEST_CASE("the client shows its certificate where the server asks for it") {
    auto const mine = testing::make_certificate("DNS:client.example");
    scripted_server server(always({make_response(200)}), {.tls = true, .client_ca_pem = mine.pem});
    temporary_file const ca(server.ca_pem()), certificate(mine.pem), key(mine.key_pem);
    auto const r = request_to(server.origin());
    auto options = beast_options().ca_file(ca.path());
    CHECK(count_of(send_all(options, {r}), 200) == 0);
    options.client_certificate(certificate.path(), key.path());
    CHECK(count_of(send_all(options, {r}), 200) == 1);

    options.client_certificate(certificate.path(), "no-such-key.pem");
    auto const given = send_all(options, {r});
    REQUIRE(!given.at(0));
    CHECK(given[0].error() == errc::tls_failed);
    CHECK(given[0].error().to_string().find("no-such-key.pem") != std::string::npos);
}

TEST_CASE("the addresses of a name are tried by turns of IPv6 and IPv4") {
    using detail::beast::tcp;
    auto const at = [](char const* address) {
        return tcp::endpoint(asio::ip::make_address(address), 443);
    };
    auto const six = {at("::1"), at("::2"), at("::3")};
    std::vector<tcp::endpoint> addresses(six);
    addresses.push_back(at("10.0.0.1"));
    CHECK(detail::beast::in_turn(addresses) ==
          std::vector{at("::1"), at("10.0.0.1"), at("::2"), at("::3")});
    CHECK(detail::beast::in_turn({}).empty());
    CHECK(detail::beast::in_turn({at("10.0.0.1"), at("10.0.0.2"), at("::1")}) ==
          std::vector{at("10.0.0.1"), at("::1"), at("10.0.0.2")});
}

TEST_CASE("an address that refuses is skipped at once") {
    scripted_server server(always({make_response(200)})); // on 127.0.0.1 only
    auto const options = beast_options().connection_attempt_delay(10s);
    auto const given = send_all(options, {request_to(server.origin("localhost"))}, 5s);
    CHECK(count_of(given, 200) == 1);
}

/// Connects to the first of these that responds; gives its port, or 0.
std::uint16_t connect_to_any(std::vector<asio::ip::tcp::endpoint> const& addresses,
                             std::chrono::milliseconds delay) {
    asio::io_context context(1);
    auto const racing = std::make_shared<detail::beast::happy_eyeballs>(
        context.get_executor(), asio::make_strand(asio::any_io_executor(context.get_executor())),
        addresses, delay);
    std::uint16_t port = 0;
    asio::co_spawn(context, racing->run(), [&](std::exception_ptr, boost::system::error_code ec) {
        if (!ec) port = racing->socket().remote_endpoint().port();
        racing->stop();
    });
    context.run_for(5s);
    return port;
}

TEST_CASE("an address that does not respond is abandoned, and the first to respond wins") {
    scripted_server one(always({})), two(always({}));
    testing::full_listener const silent;
    auto const loopback = asio::ip::make_address("127.0.0.1");
    asio::ip::tcp::endpoint const first(loopback, one.port()), second(loopback, two.port()),
        never(loopback, silent.port()), refused(loopback, 1);
    CHECK(connect_to_any({first, second}, 10s) == one.port());
    CHECK(connect_to_any({never, first, second}, 20ms) == one.port());
    CHECK(connect_to_any({refused, never, never, second}, 20ms) == two.port());
    CHECK(connect_to_any({refused, refused}, 10s) == 0);
    CHECK(connect_to_any({never, refused, first}, 20ms) == one.port());
    CHECK(connect_to_any({}, 10s) == 0);
}

TEST_CASE("a secure origin is reached through a proxy, with its credentials, and TLS inside") {
    tests::tunnel const proxy_server;
    scripted_server server(always({make_response(200, "{}")}), {.tls = true});
    temporary_file const ca(server.ca_pem());
    auto const options = beast_options().ca_file(ca.path()).proxy(
        proxy::parse("http://user:p%40ss@" + proxy_server.address()).value());
    auto const r = request_to(server.origin());
    auto const given = send_in_turn(options, {r, r});
    CHECK(count_of(given, 200) == 2);
    auto const target = "127.0.0.1:" + std::to_string(server.port());
    REQUIRE(proxy_server.requests().size() == 1);
    CHECK(proxy_server.requests()[0] == "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
                                            "\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n");
    CHECK(server.requests()[0].bytes.find("Proxy") == std::string::npos);
}

TEST_CASE("a proxy that refuses is named, its credentials are not, and nothing was sent") {
    tests::tunnel const proxy_server(
        "HTTP/1.1 407 Who are you\r\nContent-Length: 9\r\n\r\nuser:pass");
    scripted_server server(always({make_response(200)}), {.tls = true});
    auto const options =
        beast_options().proxy(proxy::parse("http://user:pass@" + proxy_server.address()).value());
    auto const given = send_all(options, {request_to(server.origin())});
    REQUIRE(!given.at(0));
    CHECK(given[0].error() == errc::proxy_refused);
    CHECK(given[0].error().delivery() == delivery::not_sent);
    auto const string = given[0].error().to_string();
    CHECK(string.find("through the proxy 127.0.0.1: its response to CONNECT is 407") !=
          std::string::npos);
    CHECK(string.find("pass") == std::string::npos);
    CHECK(server.connection_count() == 0);
}

TEST_CASE(
    "a proxy that says nothing, closes, or talks nonsense is given up, and nothing was sent") {
    for (std::string const said : {"", "HTTP/1.1 200", "nonsense\r\n\r\n"}) {
        CAPTURE(said);
        scripted_server silent(
            always({.bytes = said, .then = said.empty() ? reply::end::hang : reply::end::close}));
        auto const options = beast_options().proxy(
            proxy::parse("http://127.0.0.1:" + std::to_string(silent.port())).value());
        auto const origin = http::origin::parse("https://127.0.0.1:9").value();
        auto const given = send_all(options, {request_to(origin)}, 300ms);
        REQUIRE(!given.at(0));
        CHECK(given[0].error().delivery() == delivery::not_sent);
        CHECK(given[0].error() == (said.empty() ? errc::deadline_exceeded : errc::connect_failed));
    }
}

TEST_CASE("an origin that the proxy does not serve, and a plain one, is reached directly") {
    tests::tunnel const proxy_server;
    scripted_server secure(always({make_response(200)}), {.tls = true}),
        plain(always({make_response(200)}));
    temporary_file const ca(secure.ca_pem());
    auto const options = beast_options().ca_file(ca.path()).proxy(
        proxy::parse("http://" + proxy_server.address(), "127.0.0.1").value());
    CHECK(count_of(send_all(options, {request_to(secure.origin()), request_to(plain.origin())}),
                   200) == 2);
    CHECK(proxy_server.requests().empty());
}

/// Sends one request after the other by a transport whose connections it notes.
struct noted_transport {
    std::string lines{}; ///< `CHANGE NUMBER` and why
    std::vector<connection_counts> counts{};
    asio::io_context context{1};
    std::optional<beast_transport> transport{};
    responses given{};

    explicit noted_transport(beast_options options) {
        options.connection_trace([this](connection_event const& e) { note(e); });
        transport.emplace(context.get_executor(), options);
    }
    ~noted_transport() { transport.reset(); }

    void note(connection_event const& e) {
        auto line = std::string(to_string(e.change)) + ' ' + std::to_string(e.connection);
        if (e.session_resumed) line += " resumed";
        if (e.why != close_reason::none) line.append(": ").append(to_string(e.why));
        if (e.failure != nullptr) line.append(": ").append(e.failure->code().message());
        CHECK(e.elapsed >= 0ns);
        lines += line + '\n';
        if (transport) counts.push_back(transport->connections()); // the lock is not held
    }
    void send(http::origin const& to, std::chrono::milliseconds timeout = 10s) {
        begin(to, timeout);
        context.run();
        context.restart();
    }
    void begin(http::origin const& to, std::chrono::milliseconds timeout) {
        asio::co_spawn(
            context,
            send_one(*transport, request_to(to), time_point::clock::now() + timeout, given),
            asio::detached);
    }
    /// What was noted since the last time.
    std::string take() { return std::exchange(lines, {}); }
};

TEST_CASE("a hook is told of each connection: opened, resumed, reused, closed and why") {
    auto const last =
        std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    scripted_server server(in_turn({{make_response(200)},
                                    {make_response(200)},
                                    {.bytes = last, .then = reply::end::close},
                                    {make_response(200)},
                                    {.bytes = "HTTP/1.1 200", .then = reply::end::cut},
                                    {make_response(200)},
                                    {make_response(200)},
                                    {.then = reply::end::hang}}),
                           {.tls = true});
    temporary_file const ca(server.ca_pem());
    noted_transport t(beast_options().ca_file(ca.path()));
    t.send(server.origin());
    CHECK(t.take() == "opened 1\n");
    CHECK(t.transport->connections() == connection_counts{.open = 1, .idle = 1});
    t.send(server.origin());
    CHECK(t.take() == "reused 1\n");
    CHECK(t.counts.back() == connection_counts{.open = 1});
    t.send(server.origin());
    CHECK(t.take() == "reused 1\n"
                      "closed 1: it cannot carry another request\n");
    CHECK(t.counts.back() == connection_counts{});
    t.send(server.origin());
    CHECK(t.take() == "opened 2 resumed\n");
    t.transport->close_idle();
    CHECK(t.take() == "closed 2 resumed: close_idle()\n");
    t.send(server.origin());
    CHECK(t.take() == "opened 3 resumed\n"
                      "closed 3 resumed: the request failed: connection lost\n");
    t.send(server.origin());
    CHECK(t.take() == "opened 4 resumed\n");

    scripted_server closing(always({.bytes = make_response(200), .then = reply::end::close}));
    t.send(closing.origin());
    std::this_thread::sleep_for(200ms); // the server's close arrives
    t.send(closing.origin());
    CHECK(t.take() == "opened 5\n"
                      "closed 5: the server had closed it, or sent unsolicited bytes\n"
                      "opened 6\n");
    t.transport->close_idle();
    t.take();
    t.send(server.origin());
    CHECK(t.take() == "opened 7 resumed\n");
    t.send(http::origin::parse("http://127.0.0.1:1").value());
    CHECK(t.take() == "not opened 0: connection refused or unreachable\n");
    t.begin(server.origin(), 200ms);
    t.context.run();
    CHECK(t.take() == "reused 7 resumed\n"
                      "closed 7 resumed: the request failed: deadline exceeded\n");
    CHECK(t.given.size() == 11);
    CHECK(t.transport->connections() == connection_counts{});
}

TEST_CASE("a hook is told of connections that end with the transport, and of calls that wait") {
    scripted_server server(
        in_turn({{make_response(200)}, {make_response(200)}, {.then = reply::end::hang}}));
    std::string lines;
    {
        noted_transport t(beast_options().max_connections(1).idle_timeout(20ms));
        t.send(server.origin());
        std::this_thread::sleep_for(30ms);
        t.send(server.origin());
        CHECK(t.take() == "opened 1\n"
                          "closed 1: idle for too long\n"
                          "opened 2\n");
        t.begin(server.origin(), 10s);
        t.begin(server.origin(), 10s);
        t.context.run_for(50ms);
        CHECK(t.transport->connections() == connection_counts{.open = 1, .idle = 0, .waiting = 1});
        t.transport->shutdown();
        CHECK(t.transport->connections() == connection_counts{.open = 1});
    }
    auto const options = beast_options().connection_trace(
        [&](connection_event const& e) { lines.append(to_string(e.why)) += '\n'; });
    {
        asio::io_context context(1); // is destroyed under a call
        beast_transport const transport(context.get_executor(), options);
        responses given;
        auto const never = time_point::clock::now() + 10s;
        asio::co_spawn(context, send_one(transport, request_to(server.origin()), never, given),
                       asio::detached);
        while (lines.empty())
            context.run_one();
    }
    CHECK(lines == "\n"
                   "the transport or the call was destroyed\n");
    lines.clear();
    scripted_server kept(always({make_response(200)}));
    CHECK(count_of(send_all(options, {request_to(kept.origin())}), 200) == 1);
    CHECK(lines == "\n"
                   "the transport or the call was destroyed\n");
}

TEST_CASE("a transport that blocks tells of its connections, too") {
    scripted_server server(always({make_response(200)}));
    std::string lines;
    {
        blocking_beast_transport const transport(
            beast_options().connection_trace([&](connection_event const& e) {
                lines.append(to_string(e.change)).append(' ' + std::to_string(e.requests) + '\n');
            }));
        for (int i = 0; i != 2; ++i)
            CHECK(
                transport.send(request_to(server.origin()), time_point::clock::now() + 10s).get());
        CHECK(transport.connections() == connection_counts{.open = 1, .idle = 1});
    }
    CHECK(lines == "opened 0\n"
                   "reused 1\n"
                   "closed 2\n");
}

/// Sends `count` requests, one after the other.
asio::awaitable<void> send_many(beast_transport transport, http::request r, int count,
                                std::atomic<int>& responded) {
    for (int i = 0; i != count; ++i) {
        auto pending = transport.send(r, time_point::clock::now() + 30s);
        auto const given = co_await std::move(pending);
        if (given && given->status == 200) ++responded;
    }
}

TEST_CASE("several threads run one context, and nobody needs a strand") {
    for (bool const tls : {false, true}) {
        for (std::size_t const bound : {3U, 1000U}) {
            scripted_server server(always({make_response(200, "{}")}), {.tls = tls});
            temporary_file const ca(server.ca_pem());
            asio::thread_pool threads(4);
            beast_transport const transport(
                threads.get_executor(),
                beast_options().ca_file(ca.path()).max_connections_per_host(bound));
            std::atomic<int> responded = 0;
            for (int i = 0; i != 16; ++i)
                asio::co_spawn(threads,
                               send_many(transport, request_to(server.origin()), 25, responded),
                               asio::detached);
            threads.join();
            CHECK(responded == 16 * 25);
        }
    }
}

TEST_CASE("deadlines pass on other threads than the calls run on") {
    scripted_server server(always({.bytes = make_response(200, "{}"), .pause = 3ms}));
    asio::thread_pool threads(4);
    beast_transport const transport(threads.get_executor(),
                                    beast_options().max_connections_per_host(8));
    std::atomic<int> ended = 0;
    auto const r = request_to(server.origin());
    for (int i = 0; i != 200; ++i)
        asio::co_spawn(threads, transport.send(r, time_point::clock::now() + i % 10 * 1ms),
                       [&](std::exception_ptr thrown, result<http::response> const& given) {
                           if (!thrown && (given || given.error() == errc::deadline_exceeded))
                               ++ended;
                       });
    threads.join();
    CHECK(ended == 200);
}

TEST_CASE("a call runs on the executor that it is spawned on, whatever the transport's") {
    scripted_server server(always({make_response(200)}));
    asio::thread_pool sockets(1), mine(1);
    beast_transport const transport(sockets.get_executor());
    auto const strand = asio::make_strand(mine);
    auto const job = [&]() -> asio::awaitable<bool> {
        auto const before = std::this_thread::get_id();
        auto const r = request_to(server.origin());
        auto pending = transport.send(r, time_point::clock::now() + 10s);
        auto const given = co_await std::move(pending);
        co_return given.has_value() && std::this_thread::get_id() == before;
    };
    CHECK(asio::co_spawn(strand, job, asio::use_future).get());
    sockets.join();
}

TEST_CASE("a call that was not cancelled leaves the coroutine able to throw when it is") {
    scripted_server server(always({make_response(200)}));
    asio::io_context context(1);
    beast_transport const transport(context.get_executor());
    int checked = 0;
    auto const job = [&]() -> asio::awaitable<void> {
        auto const r = request_to(server.origin());
        auto bad_target = r, nobody = r;
        bad_target.target = "a b";
        nobody.origin = http::origin::parse("http://127.0.0.1:1").value();
        auto const now = time_point::clock::now();
        auto bad = transport.send(bad_target, now + 10s);
        auto refused = transport.send(nobody, now + 10s);
        auto late = transport.send(r, now - 1s);
        for (auto* call : {&bad, &refused, &late}) {
            auto const given = co_await std::move(*call);
            CHECK_FALSE(given);
            CHECK(co_await asio::this_coro::throw_if_cancelled());
            ++checked;
        }
        auto pending = transport.send(r, now + 10s);
        auto const given = co_await std::move(pending);
        CHECK(given);
        CHECK(co_await asio::this_coro::throw_if_cancelled());
        ++checked;
    };
    asio::co_spawn(context, job, [](std::exception_ptr thrown) { CHECK_FALSE(thrown); });
    context.run();
    CHECK(checked == 4);
}

} // namespace
