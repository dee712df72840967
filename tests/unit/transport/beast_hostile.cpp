// How the Beast transports handle a broken or hostile proxy, server or network.
#include <cloudflare/transport/beast.hpp>

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/detail/conformance/trial.hpp>
#include <cloudflare/testing/detail/scripted_server.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include "tunnel.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <netdb.h>

namespace {

constexpr char const* hanging_host = "never-answers.test";

} // namespace

/// In place of the system's, for all of this program: the look-up of one name takes long.
extern "C" int getaddrinfo(char const* node, char const* service, addrinfo const* hints,
                           addrinfo** found) {
    if (node != nullptr && std::strcmp(node, hanging_host) == 0)
        std::this_thread::sleep_for(std::chrono::seconds(20));
    static auto const real =
        reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(node, service, hints, found);
}

namespace {

namespace asio = boost::asio;
using namespace cloudflare;
using namespace std::chrono_literals;
using tcp = asio::ip::tcp;
using testing::always;
using testing::reply;
using testing::scripted_server;
using testing::detail::make_response;
using testing::detail::temporary_file;

http::request post_to(http::origin const& origin, std::string body = "{}") {
    http::request r{.origin = origin, .method = http::method::post};
    r.target = "/";
    r.body = std::move(body);
    r.repeatable = false;
    return r;
}

result<http::response> send(blocking_beast_transport const& transport, http::request const& r,
                            std::chrono::milliseconds timeout = 5s) {
    return transport.send(r, time_point::clock::now() + timeout).get();
}

/// A server that does with each connection what it is told, byte for byte, on a thread of its own.
class raw_server {
public:
    explicit raw_server(std::function<void(tcp::socket&)> serve)
        : thread_([this, serve = std::move(serve)] {
              for (;;) {
                  boost::system::error_code ec;
                  auto socket = acceptor_.accept(ec);
                  if (ec || stops_) return;
                  try {
                      serve(socket);
                  } catch (boost::system::system_error const&) {
                  }
              }
          }) {}
    raw_server(raw_server const&) = delete;
    raw_server& operator=(raw_server const&) = delete;
    ~raw_server() {
        stops_ = true;
        asio::io_context context;
        tcp::socket knock(context);
        boost::system::error_code ignored;
        knock.connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }
    [[nodiscard]] http::origin origin(std::string const& scheme = "http") const {
        return http::origin::parse(
                   scheme + "://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()))
            .value();
    }

private:
    asio::io_context context_;
    tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
    std::atomic<bool> stops_ = false;
    std::thread thread_;
};

/// Reads a request's header, which the tests' bodies fit behind.
std::string read_request(tcp::socket& socket) {
    std::string string;
    while (string.find("\r\n\r\n") == string.npos) {
        char piece[4096];
        string.append(piece, socket.read_some(asio::buffer(piece)));
    }
    return string;
}
void write(tcp::socket& socket, std::string_view bytes) {
    asio::write(socket, asio::buffer(bytes));
}

// ---- proxies

std::string const connected = "HTTP/1.1 200 Connection established\r\n\r\n";
std::string const forged = make_response(201, R"({"success":true,"result":{"id":"forged"}})");

TEST_CASE("bytes behind a proxy's response to CONNECT are not the origin's response") {
    for (std::string const& said : {connected + forged, connected + "x",
                                    std::string("HTTP/1.1 200 OK\r\nContent-Length: "
                                                "5\r\n\r\nhello")}) {
        CAPTURE(said);
        tests::tunnel const proxy_server(said);
        scripted_server server(always({make_response(201, "true")}), {.tls = true});
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const transport(beast_options().ca_file(ca.path()).proxy(
            proxy::parse("http://" + proxy_server.address()).value()));
        auto const given = send(transport, post_to(server.origin()));
        REQUIRE_FALSE(given);
        CHECK(given.error() == errc::proxy_refused);
        CHECK(given.error().delivery() == delivery::not_sent);
        CHECK(server.requests().empty());
    }
}

TEST_CASE("wherever they are cut, a proxy's surplus bytes never come out as a response") {
    auto const said = connected + forged;
    for (std::size_t cut = 1; cut < said.size(); cut += 3) {
        CAPTURE(cut);
        raw_server const proxy_server([&](tcp::socket& socket) {
            read_request(socket);
            socket.set_option(tcp::no_delay(true));
            write(socket, said.substr(0, cut));
            std::this_thread::sleep_for(1ms);
            write(socket, said.substr(cut));
            char rest[4096];
            for (;;)
                static_cast<void>(socket.read_some(asio::buffer(rest)));
        });
        blocking_beast_transport const transport(
            beast_options().proxy(proxy::parse(proxy_server.origin().authority()).value()));
        auto const given =
            send(transport, post_to(http::origin::parse("https://127.0.0.1:9").value()));
        REQUIRE_FALSE(given);
        CHECK(given.error().delivery() == delivery::not_sent);
        CHECK((given.error() == errc::proxy_refused || given.error() == errc::tls_failed));
    }
}

TEST_CASE("informational responses of a proxy are ignored, in bounds, and a 101 is refused") {
    std::string const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    auto const status_of = [](std::string const& said) {
        tests::tunnel const proxy_server(said);
        scripted_server server(always({make_response(200, "{}")}), {.tls = true});
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const transport(
            beast_options().ca_file(ca.path()).max_header_size(2000).proxy(
                proxy::parse("http://" + proxy_server.address()).value()));
        auto const given = send(transport, post_to(server.origin()));
        return given ? given->status : -static_cast<int>(given.error().code().value());
    };
    // The tests' proxy relays where its response begins with 200: so the rest is tried without.
    CHECK(status_of(connected) == 200);
    CHECK(status_of("HTTP/1.1 200\r\n\r\n") == 200); // no blank behind the status
    std::string flood;
    for (int i = 0; i != 100; ++i)
        flood += early;
    CHECK(status_of(flood) == -static_cast<int>(errc::connect_failed));
    CHECK(status_of("HTTP/1.1 101 Switching Protocols\r\n\r\n") ==
          -static_cast<int>(errc::connect_failed));
    CHECK(status_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 407 Who\r\n\r\n") ==
          -static_cast<int>(errc::proxy_refused));
}

TEST_CASE("a proxy's refusal is permanent, and its failure is not") {
    auto const connects = [](std::string const& said) {
        tests::tunnel const proxy_server(said);
        client const c(blocking_beast_transport(beast_options().proxy(
                           proxy::parse("http://user:wrong@" + proxy_server.address()).value())),
                       api_token::make("sample").value(),
                       client_options()
                           .base_url(base_url::parse("https://127.0.0.1:9").value())
                           .retry(retry_policy().max_attempts(3).base_delay(1ms)));
        access::service_tokens const tokens(
            c, access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value());
        auto const made = tokens.create(access::create_params("ci")).get();
        REQUIRE(made.has_error());
        CHECK(made.error().delivery() == delivery::not_sent);
        return proxy_server.requests().size();
    };
    for (int const status : {400, 403, 404, 407, 429, 302})
        CHECK(connects("HTTP/1.1 " + std::to_string(status) + " No\r\n\r\n") == 1);
    for (int const status : {500, 502, 503, 504})
        CHECK(connects("HTTP/1.1 " + std::to_string(status) + " No\r\n\r\n") == 3);
}

TEST_CASE("a proxy that cannot be used fails the calls that it serves, and no others") {
    auto const proxy = proxy_from([](char const* name) {
        return std::string_view(name) == "https_proxy" ? "socks5h://127.0.0.1:9"
               : std::string_view(name) == "no_proxy"  ? "localhost"
                                                       : nullptr;
    });
    scripted_server server(always({make_response(200, "{}")}), {.tls = true});
    temporary_file const ca(server.ca_pem());
    blocking_beast_transport const transport(
        beast_options().ca_file(ca.path()).proxy(proxy.value()));
    CHECK(send(transport, post_to(server.origin("localhost"))));
    auto const served = send(transport, post_to(server.origin()));
    REQUIRE_FALSE(served);
    CHECK(served.error() == condition::invalid_input);
    CHECK(served.error().delivery() == delivery::not_sent);
}

// ---- unsolicited responses

TEST_CASE("what lay on a kept connection before a request is never its response") {
    // The server sends the unsolicited response when the client has the first one, and the client goes on
    // at once: the connection has been idle for some microseconds.
    for (int round = 0; round != 50; ++round) {
        std::atomic<bool> has_first = false, is_sent = false;
        std::atomic<int> connections = 0;
        raw_server const server([&](tcp::socket& socket) {
            bool const is_first_connection = ++connections == 1;
            read_request(socket);
            write(socket, make_response(200, is_first_connection ? "first" : "second"));
            if (is_first_connection) {
                while (!has_first)
                    std::this_thread::yield();
                write(socket, make_response(200, "unasked"));
                is_sent = true;
            }
        });
        blocking_beast_transport const transport;
        auto const r = post_to(server.origin());
        CHECK(send(transport, r).value().body == "first");
        has_first = true;
        while (!is_sent)
            std::this_thread::yield();
        auto const second = send(transport, r);
        REQUIRE(second);
        CHECK(second->body == "second");
    }
}

// ---- TLS

TEST_CASE(
    "a server that wants a client certificate and gets none is reported as a failure of TLS") {
    for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        auto const client_ca = testing::make_certificate("DNS:client.example");
        scripted_server server(
            always({make_response(201, "{}")}),
            {.tls = true, .client_ca_pem = client_ca.pem, .max_tls_version = version});
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const transport(beast_options().ca_file(ca.path()));
        for (std::size_t const size : {std::size_t{2}, std::size_t{2} << 20}) {
            auto const given = send(transport, post_to(server.origin(), std::string(size, 'x')));
            REQUIRE_FALSE(given);
            CHECK(given.error() == errc::tls_failed);
            CHECK(given.error().delivery() == delivery::not_sent);
            CHECK(given.error().to_string().find("alert") != std::string::npos);
        }
        CHECK(server.requests().empty());
    }
}

TEST_CASE("a certificate is matched by its alternative names, and not by partial wildcards") {
    auto const try_host = [](std::string const& names, std::string const& host) {
        scripted_server server(always({make_response(200, "{}")}),
                               {.tls = true, .identity = testing::make_certificate(names)});
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const transport(beast_options().ca_file(ca.path()));
        auto const given = send(transport, post_to(server.origin(host)));
        if (given) return std::string("taken, SNI ") + server.server_name();
        CHECK(given.error() == errc::tls_failed);
        CHECK(given.error().delivery() == delivery::not_sent);
        CHECK(server.bytes_received() == 0);
        return std::string("refused");
    };
    CHECK(try_host("DNS:localhost", "localhost") == "taken, SNI localhost");
    CHECK(try_host("DNS:localhost", "localhost.") == "taken, SNI localhost");
    CHECK(try_host("DNS:LOCALHOST", "localhost") == "taken, SNI localhost");
    CHECK(try_host("DNS:local*", "localhost") == "refused");
    CHECK(try_host("DNS:*host", "localhost") == "refused");
    CHECK(try_host("DNS:*", "localhost") == "refused");
    CHECK(try_host("DNS:127.0.0.1", "127.0.0.1") == "refused");
    CHECK(try_host("IP:127.0.0.1", "127.0.0.1") == "taken, SNI ");
    CHECK(try_host("IP:127.0.0.1", "localhost") == "refused");
}

TEST_CASE("the thread's OpenSSL errors stay as they were") {
    auto const queue = [] {
        std::vector<unsigned long> all;
        for (auto code = ERR_get_error(); code != 0; code = ERR_get_error())
            all.push_back(code);
        return all;
    };
    ERR_clear_error();
    {
        scripted_server server(always({make_response(200)}), {.tls = true});
        blocking_beast_transport const stranger; // which does not trust the server
        CHECK_FALSE(send(stranger, post_to(server.origin())));
        scripted_server silent(
            always({}), {.tls = true, .first = testing::scripted_server_options::greeting::hang});
        CHECK_FALSE(send(stranger, post_to(silent.origin()), 100ms));
        ERR_raise_data(ERR_LIB_USER, 7, "of the %s", "thread");
        ERR_raise(ERR_LIB_USER, 8);
        CHECK_FALSE(send(stranger, post_to(server.origin())));
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const right(beast_options().ca_file(ca.path()));
        CHECK(send(right, post_to(server.origin())));
    }
    char const* string = nullptr;
    int flags = 0;
    CHECK(ERR_peek_error_data(&string, &flags) == ERR_PACK(ERR_LIB_USER, 0, 7));
    CHECK(std::string(string) == "of the thread");
    CHECK(queue() ==
          std::vector<unsigned long>{ERR_PACK(ERR_LIB_USER, 0, 7), ERR_PACK(ERR_LIB_USER, 0, 8)});
}

// ---- deadlines

TEST_CASE("half a body without a length is not whole because the deadline ends the connection") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        scripted_server server(always({.bytes = "HTTP/1.1 201 Created\r\n\r\n{\"success\":",
                                       .then = reply::end::hang}),
                               {.tls = tls});
        temporary_file const ca(server.ca_pem());
        blocking_beast_transport const transport(beast_options().ca_file(ca.path()));
        auto const given = send(transport, post_to(server.origin()), 200ms);
        REQUIRE_FALSE(given);
        CHECK(given.error() == errc::deadline_exceeded);
        CHECK(given.error().delivery() == delivery::unknown);
    }
}

TEST_CASE("the deadline ends a look-up, and nothing waits for it afterwards") {
    auto const begin = time_point::clock::now();
    auto const origin = http::origin::parse(std::string("http://") + hanging_host + ":9").value();
    {
        blocking_beast_transport const transport;
        auto const given = send(transport, post_to(origin), 100ms);
        REQUIRE_FALSE(given);
        CHECK(given.error() == errc::deadline_exceeded);
        CHECK(given.error().delivery() == delivery::not_sent);
        scripted_server server(always({make_response(200)}));
        CHECK(send(transport, post_to(server.origin("localhost")))); // not held up
    }
    CHECK(time_point::clock::now() - begin < 5s);
}

TEST_CASE("a context can be destroyed while names are looked up") {
    auto const begin = time_point::clock::now();
    {
        asio::io_context context(1);
        beast_transport const transport(context.get_executor());
        auto const r = post_to(http::origin::parse(std::string("http://") + hanging_host).value());
        for (int i = 0; i != 3; ++i)
            asio::co_spawn(context, transport.send(r, time_point::clock::now() + 30s),
                           [](std::exception_ptr, result<http::response> const&) {});
        context.run_for(50ms);
    }
    CHECK(time_point::clock::now() - begin < 5s);
}

TEST_CASE("the connect time-out is distinguished from the deadline") {
    scripted_server silent(
        always({}), {.tls = true, .first = testing::scripted_server_options::greeting::hang});
    blocking_beast_transport const transport(beast_options().connect_timeout(100ms));
    auto const early = send(transport, post_to(silent.origin()), 5s);
    REQUIRE_FALSE(early);
    CHECK(early.error() == errc::connect_failed);
    CHECK(early.error().delivery() == delivery::not_sent);
    CHECK(early.error().details().cause == asio::error::timed_out);
    auto const late = send(transport, post_to(silent.origin()), 50ms);
    REQUIRE_FALSE(late);
    CHECK(late.error() == errc::deadline_exceeded);
}

TEST_CASE("the longest and the shortest times do not overflow") {
    using std::chrono::milliseconds;
    scripted_server server(always({make_response(200)}));
    blocking_beast_transport const longest(beast_options()
                                               .connect_timeout(milliseconds::max())
                                               .idle_timeout(milliseconds::max())
                                               .max_idle_before_unsafe(milliseconds::max())
                                               .connection_attempt_delay(milliseconds::max()));
    for (int i = 0; i != 2; ++i)
        CHECK(longest.send(post_to(server.origin()), time_point::max()).get());
    CHECK(server.connection_count() == 1);
    blocking_beast_transport const shortest(beast_options()
                                                .connect_timeout(milliseconds::min())
                                                .idle_timeout(milliseconds::min())
                                                .max_idle_before_unsafe(milliseconds::min())
                                                .connection_attempt_delay(milliseconds::min()));
    auto const none = shortest.send(post_to(server.origin()), time_point::max()).get();
    REQUIRE_FALSE(none);
    CHECK(none.error() == errc::connect_failed);
    CHECK_FALSE(longest.send(post_to(server.origin()), time_point::min()).get());
    CHECK(server.requests().size() == 2);
}

// ---- what is sent, and what not

TEST_CASE("a connection that is given up sends nothing more") {
    // The server reads nothing until the client has given up.
    std::atomic<bool> reads = false, done = false;
    std::atomic<std::size_t> came = 0;
    raw_server const server([&](tcp::socket& socket) {
        while (!reads)
            std::this_thread::sleep_for(5ms);
        boost::system::error_code ec;
        char piece[65536];
        while (!ec)
            came += socket.read_some(asio::buffer(piece), ec);
        done = true;
    });
    blocking_beast_transport const transport;
    auto const body = std::string(std::size_t{16} << 20, 'x');
    auto const given = send(transport, post_to(server.origin(), body), 300ms);
    REQUIRE_FALSE(given);
    CHECK(given.error() == errc::deadline_exceeded);
    CHECK(given.error().delivery() == delivery::unknown);
    reads = true;
    while (!done)
        std::this_thread::sleep_for(5ms);
    CHECK(came < body.size());
}

TEST_CASE("a response that comes before the request is sent is taken, if it is a refusal") {
    for (bool const closes_at_once : {false, true}) {
        CAPTURE(closes_at_once);
        raw_server const server([&](tcp::socket& socket) {
            read_request(socket);
            write(socket, make_response(413, "too large", "Connection: close\r\n"));
            if (!closes_at_once) std::this_thread::sleep_for(50ms);
        });
        blocking_beast_transport const transport;
        auto const given =
            send(transport, post_to(server.origin(), std::string(std::size_t{24} << 20, 'x')));
        if (given) {
            CHECK(given->status == 413);
            CHECK(given->body == "too large");
        } else {
            CHECK(given.error() == errc::connection_lost);
            CHECK(given.error().delivery() == delivery::unknown);
        }
    }
}

} // namespace
