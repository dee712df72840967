#include <cloudflare/server/https_server.hpp>

#include "../access/scratch.hpp"

#include <cloudflare/server/tls.hpp>
#include <cloudflare/testing/certificate.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace https_server_tests {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using namespace cloudflare;
using namespace std::chrono_literals;
using asio::ip::tcp;
using server::https_server_options;
using server::request;
using server::response;
using clock = std::chrono::steady_clock;

/// The files of a certificate, signed by itself.
struct identity {
    explicit identity(faults::scratch const& s, std::string const& name,
                      testing::certificate_options const& o = {})
        : made(testing::make_certificate(o)),
          pem(s.path(name + ".pem")),
          key(s.path(name + ".key")) {
        std::ofstream(pem) << made.pem;
        std::ofstream(key) << made.key_pem;
    }
    testing::certificate made;
    std::string pem, key;
};

using parsed = http::response<http::string_body>;

/// A client with a connection of its own, which blocks.
class client {
public:
    client(tcp::endpoint const& at, identity const* own = nullptr) {
        if (own != nullptr) {
            tls_.use_certificate_chain_file(own->pem);
            tls_.use_private_key_file(own->key, ssl::context::pem);
        }
        stream_ = std::make_unique<ssl::stream<tcp::socket>>(context_, tls_);
        stream_->next_layer().connect(at);
        stream_->next_layer().set_option(tcp::no_delay(true));
        stream_->handshake(ssl::stream_base::client, failed);
    }

    void send(std::string_view bytes) { asio::write(*stream_, asio::buffer(bytes), failed); }
    parsed receive() {
        parsed r;
        http::read(*stream_, buffer_, r, failed);
        if (failed) r.result(0U); // of a fresh one it is 200
        return r;
    }
    parsed ask(std::string const& method_and_target, std::string const& fields = {}) {
        send(method_and_target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
        return receive();
    }
    /// Waits until the server closes the connection.
    bool is_closed() {
        char byte = 0;
        stream_->read_some(asio::buffer(&byte, 1), failed);
        return failed.failed();
    }
    void hang_up() { stream_->next_layer().close(failed); }
    std::string servers_certificate() {
        std::unique_ptr<X509, cloudflare::detail::free_with<X509_free>> const x(
            ::SSL_get1_peer_certificate(stream_->native_handle()));
        return testing::detail::to_pem([&](BIO* out) { PEM_write_bio_X509(out, x.get()); });
    }

    boost::system::error_code failed{};

private:
    asio::io_context context_;
    ssl::context tls_{ssl::context::tls_client};
    std::unique_ptr<ssl::stream<tcp::socket>> stream_;
    boost::beast::flat_buffer buffer_;
};

/// A server that runs on a thread of its own.
class world {
public:
    explicit world(https_server_options o = https_server_options()) {
        auto tls = server::load_tls(own.pem, own.key, machine.pem).value();
        o.trace([this](server::exchange const& e) {
            seen.push_back(e.request.route + ' ' + std::to_string(e.status));
            last_identity = e.request.identity;
        });
        o.refused([this] { ++refused; });
        o.identify([](std::string_view login) {
            return login == "Bearer good" ? std::optional<std::string>("bearer") : std::nullopt;
        });
        tcp::endpoint const any(asio::ip::make_address("127.0.0.1"), 0);
        https.emplace(context.get_executor(), any, std::move(tls), routes(), o);
        at = https->endpoint();
        runner = std::thread([this] {
            auto const work = asio::make_work_guard(context);
            context.run();
        });
    }
    ~world() {
        context.stop();
        runner.join();
    }

    /// What `f` gives on the server's thread.
    template <class F>
    auto on_loop(F f) {
        return asio::post(context, std::packaged_task<decltype(f())()>(std::move(f))).get();
    }
    /// Waits for something that happens soon on the server's thread.
    template <class F>
    bool becomes_true(F f) {
        for (auto const end = clock::now() + 5s; clock::now() < end;) {
            if (on_loop(f)) return true;
            std::this_thread::sleep_for(2ms);
        }
        return false;
    }
    bool has_ended() {
        return becomes_true([this] { return https->under_way() == 0; });
    }

    faults::scratch scratch{};
    identity own{scratch, "server"};
    identity machine{scratch, "machine", [] {
                         testing::certificate_options o;
                         o.alternative_names = "DNS:web-1.test,DNS:web-2.test";
                         o.common_name = "ignored";
                         return o;
                     }()};
    asio::io_context context{1};
    std::vector<std::string> seen{};
    std::optional<std::string> last_identity{};
    int refused = 0, cancelled = 0;
    asio::steady_timer gate{context, clock::time_point::max()}; ///< `/wait` waits for it
    std::optional<server::https_server> https{};
    tcp::endpoint at{};
    std::thread runner{};

private:
    server::routes routes() {
        using http::verb;
        server::routes all;
        all.add(verb::get, "/a/{x}", [](request const& r) -> asio::awaitable<response> {
            wiped_string body(r.parameter("x"));
            co_return server::make_response(200, std::move(body), "text/plain");
        });
        all.add(verb::put, "/body", [](request const& r) -> asio::awaitable<response> {
            co_return server::json_response(200, {{"size", r.message.body().size()}});
        });
        all.add(verb::get, "/throws", [](request const&) -> asio::awaitable<response> {
            throw std::runtime_error("broken");
            co_return response();
        });
        all.add(verb::get, "/private", [](request const&) -> asio::awaitable<response> {
            co_return server::error_response(401, "unauthorized", "who?");
        });
        all.add(verb::get, "/goes_on", [this](request const&) -> asio::awaitable<response> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await gate.async_wait(asio::as_tuple(asio::use_awaitable));
            co_return server::json_response(200, {{"status", "done"}});
        });
        all.add(verb::get, "/wait", [this](request const&) -> asio::awaitable<response> {
            [[maybe_unused]] auto const ended =
                co_await gate.async_wait(asio::as_tuple(asio::use_awaitable));
            auto const state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none) ++cancelled;
            co_return server::json_response(200, {{"status", "done"}});
        });
        return all;
    }
};

TEST_CASE("requests on one connection are responded to in turn, with the fields that each needs") {
    world w;
    client c(w.at);
    auto const first = c.ask("GET /a/b");
    CHECK(first.result_int() == 200);
    CHECK(first.body() == "b");
    CHECK(first[http::field::cache_control] == "no-store");
    CHECK(first["X-Content-Type-Options"] == "nosniff");
    CHECK_FALSE(first[http::field::date].empty());
    CHECK(first[http::field::www_authenticate].empty());
    CHECK(c.ask("GET /private")[http::field::www_authenticate] == "Bearer");
    CHECK(c.ask("PUT /body", "Content-Length: 3\r\n\r\nabc").body() == R"({"size":3})");
    CHECK(w.on_loop([&] { return w.seen; }) ==
          std::vector<std::string>{"GET /a/{x} 200", "GET /private 401", "PUT /body 200"});
    CHECK(w.on_loop([&] { return w.https->connections(); }) == 1);
}

TEST_CASE("requests that are sent ahead are kept for their turn") {
    world w;
    client c(w.at);
    c.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    c.send("GET /a/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /a/2 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(20ms);
    w.on_loop([&] { return w.gate.cancel(); });
    CHECK(c.receive().body() == R"({"status":"done"})");
    CHECK(c.receive().body() == "1");
    CHECK(c.receive().body() == "2");
    CHECK(w.cancelled == 0);
}

TEST_CASE("a connection ends after its request where the client asks for that") {
    world w;
    client c(w.at);
    CHECK(c.ask("GET /a/b", "Connection: close\r\n").result_int() == 200);
    CHECK(c.is_closed());
    CHECK(w.becomes_true([&] { return w.https->connections() == 0; }));
}

TEST_CASE("what is no request, or exceeds a limit, is refused and the connection closed") {
    https_server_options o;
    world w(o.max_header_bytes(500).max_body_bytes(10));
    auto const refused = [&](std::string const& bytes) {
        client c(w.at);
        c.send(bytes);
        auto const r = c.receive();
        CHECK(c.is_closed());
        return r.result_int();
    };
    CHECK(refused("nonsense\r\n\r\n") == 400);
    CHECK(refused("GET /a/b HTTP/1.1\r\nX: " + std::string(600, 'x') + "\r\n\r\n") == 431);
    CHECK(refused("PUT /body HTTP/1.1\r\nContent-Length: 11\r\n\r\n") == 413);
    client c(w.at);
    CHECK(c.ask("GET /nothing").result_int() == 404);
    CHECK(c.ask("DELETE /a/b").result_int() == 405);
    CHECK(c.ask("PUT /body", "Content-Length: 10\r\n\r\n0123456789").result_int() == 200);
}

TEST_CASE("a body in chunks is refused") {
    world w;
    client c(w.at);
    c.send("PUT /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n");
    std::this_thread::sleep_for(20ms);
    c.send("\r\n");
    CHECK(c.receive().result_int() == 411);
    CHECK(c.is_closed());
    CHECK(client(w.at).ask("GET /a/b").result_int() == 200);
}

TEST_CASE("a handler that throws is a 500, and the connection goes on") {
    world w;
    client c(w.at);
    auto const r = c.ask("GET /throws");
    CHECK(r.result_int() == 500);
    CHECK(r.body().find("broken") == std::string::npos);
    CHECK(c.ask("GET /a/b").result_int() == 200);
    CHECK(w.has_ended());
}

TEST_CASE("a client that hangs up cancels its handler, which goes on to its end") {
    world w;
    client c(w.at);
    c.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    c.hang_up();
    CHECK(w.has_ended());
    CHECK(w.cancelled == 1);
    CHECK(w.seen == std::vector<std::string>{"GET /wait 499"});
    CHECK(w.becomes_true([&] { return w.https->connections() == 0; }));
}

TEST_CASE("a client that sends ahead more than a request counts as one that hangs up") {
    https_server_options o;
    world w(o.max_header_bytes(1000).max_body_bytes(1000));
    client c(w.at);
    c.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(5000, 'x'));
    CHECK(c.is_closed());
    CHECK(w.has_ended());
    CHECK(w.cancelled == 1);
}

TEST_CASE("a handler that takes too long is cancelled, and its client is told") {
    https_server_options o;
    world w(o.handler_time(1s));
    client c(w.at);
    auto const begun = clock::now();
    CHECK(c.ask("GET /wait").result_int() == 504);
    CHECK(clock::now() - begun >= 1s);
    CHECK(w.has_ended());
    CHECK(w.cancelled == 1);
    CHECK(c.ask("GET /a/b").result_int() == 200);
}

TEST_CASE("a connection that is idle, or whose request does not come, is closed in time") {
    https_server_options o;
    world w(o.idle_time(1s).read_time(1s));
    client idle(w.at), slow(w.at);
    CHECK(idle.ask("GET /a/b").result_int() == 200);
    slow.send("GET /a/b HTTP/1.1\r\n");
    auto const begun = clock::now();
    CHECK(idle.is_closed());
    CHECK(slow.is_closed());
    CHECK(clock::now() - begun >= 900ms);
}

TEST_CASE("of more connections than may be open each further one is closed at once") {
    https_server_options o;
    world w(o.max_connections(1));
    std::optional<client> first(std::in_place, w.at);
    CHECK(first->ask("GET /a/b").result_int() == 200);
    CHECK(client(w.at).failed.failed());
    CHECK(w.on_loop([&] { return w.refused; }) == 1);
    first.reset();
    CHECK(w.becomes_true([&] { return w.https->connections() == 0; }));
    CHECK(client(w.at).ask("GET /a/b").result_int() == 200);
}

TEST_CASE("a client is known by its certificate's first name, or else by what it sends") {
    world w;
    auto const identity_of = [&](client& c, std::string const& fields) {
        CHECK(c.ask("GET /a/b", fields).result_int() == 200);
        return w.on_loop([&] { return w.last_identity; });
    };
    client certified(w.at, &w.machine), unknown(w.at);
    CHECK(identity_of(certified, "") == "web-1.test");
    CHECK(identity_of(certified, "Authorization: Bearer good\r\n") == "bearer");
    CHECK(identity_of(certified, "Authorization: Bearer bad\r\n") == std::nullopt);
    CHECK(identity_of(unknown, "") == std::nullopt);
    CHECK(identity_of(unknown, "Authorization: Bearer good\r\n") == "bearer");

    testing::certificate_options nameless;
    nameless.alternative_names = "IP:127.0.0.1";
    nameless.common_name = "web-3.test";
    identity const by_subject(w.scratch, "subject", nameless);
    client stranger(w.at, &by_subject); // of another CA
    CHECK(stranger.ask("GET /a/b").result_int() == 0);
    auto const both = server::load_tls(w.own.pem, w.own.key, by_subject.pem).value();
    w.on_loop([&] { return w.https->use(both), true; });
    client subject(w.at, &by_subject);
    CHECK(identity_of(subject, "") == "web-3.test");
}

TEST_CASE("new connections have the certificate that was read last, and old ones go on") {
    world w;
    client old(w.at);
    CHECK(old.servers_certificate() == w.own.made.pem);
    identity const renewed(w.scratch, "renewed");
    auto tls = server::load_tls(renewed.pem, renewed.key).value();
    w.on_loop([&] { return w.https->use(std::move(tls)), true; });
    CHECK(client(w.at).servers_certificate() == renewed.made.pem);
    CHECK(old.ask("GET /a/b").result_int() == 200);
}

TEST_CASE("files that are no certificate or key are named") {
    faults::scratch const s;
    identity const own(s, "own"), other(s, "other");
    auto const fault = [](auto const&... files) {
        auto const r = server::load_tls(files...);
        REQUIRE_FALSE(r.has_value());
        CHECK(r.error() == errc::invalid_argument);
        auto const& why = r.error().details().explanation;
        return why.substr(0, why.find(": "));
    };
    CHECK(fault(s.path("none"), own.key) == s.path("none"));
    CHECK(fault(own.pem, own.pem) == own.pem);
    CHECK(fault(own.pem, other.key) == other.key);
    CHECK(fault(own.pem, own.key, own.key) == own.key);
}

/// Stops the server; true once it has.
std::future<void> stop(world& w, std::chrono::milliseconds longest) {
    return w.on_loop([&w, longest] {
        return asio::co_spawn(w.context, w.https->stop(longest), asio::use_future);
    });
}

TEST_CASE("a stop closes what is idle, waits for what is under way, and takes nothing new") {
    world w;
    client idle(w.at), busy(w.at);
    CHECK(idle.ask("GET /a/b").result_int() == 200);
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /a/b HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    auto stopped = stop(w, 10s);
    CHECK(idle.is_closed());
    CHECK_THROWS_AS(client{w.at}, boost::system::system_error);
    CHECK(stopped.wait_for(20ms) == std::future_status::timeout);
    w.on_loop([&] { return w.gate.cancel(); });
    auto const last = busy.receive();
    CHECK(last.result_int() == 200);
    CHECK_FALSE(last.keep_alive());
    CHECK(busy.is_closed());
    CHECK(stopped.wait_for(5s) == std::future_status::ready);
    CHECK(w.cancelled == 0);
}

TEST_CASE("a request that comes during a stop is told to go elsewhere") {
    world w;
    client busy(w.at), late(w.at);
    CHECK(late.ask("GET /a/b").result_int() == 200);
    late.send("GET /a/b HTTP/1.1\r\n"); // the rest comes later
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    std::this_thread::sleep_for(20ms);
    auto stopped = stop(w, 10s);
    late.send("Host: a\r\n\r\n");
    auto const r = late.receive();
    CHECK(r.result_int() == 503);
    CHECK(r[http::field::retry_after] == "1");
    busy.hang_up();
    CHECK(stopped.wait_for(5s) == std::future_status::ready);
}

TEST_CASE("a stop waits for a handler that goes on after its client has hung up") {
    world w;
    client busy(w.at);
    busy.send("GET /goes_on HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    busy.hang_up();
    REQUIRE(w.becomes_true([&] { return w.https->connections() == 0; }));
    auto stopped = stop(w, 10s);
    CHECK(stopped.wait_for(20ms) == std::future_status::timeout);
    CHECK(w.on_loop([&] { return w.https->under_way(); }) == 1);
    w.on_loop([&] { return w.gate.cancel(); });
    CHECK(stopped.wait_for(5s) == std::future_status::ready);
}

TEST_CASE("a stop waits no longer than it is told to") {
    world w;
    client busy(w.at);
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    auto const begun = clock::now();
    stop(w, 100ms).get();
    CHECK(clock::now() - begun >= 100ms);
    CHECK(w.on_loop([&] { return w.https->under_way(); }) == 1);
}

TEST_CASE("a server that is destroyed listens no more, and what is open ends by itself") {
    world w;
    client busy(w.at), idle(w.at);
    CHECK(idle.ask("GET /a/b").result_int() == 200);
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(w.becomes_true([&] { return w.https->under_way() == 1; }));
    w.on_loop([&] { return w.https.reset(), true; });
    CHECK_THROWS_AS(client{w.at}, boost::system::system_error);
    w.on_loop([&] { return w.gate.cancel(); });
    CHECK(busy.receive().result_int() == 200);
}

} // namespace
} // namespace https_server_tests
