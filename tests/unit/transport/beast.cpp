#include <cloudflare/transport/beast.hpp>

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox_server.hpp>
#include <cloudflare/transport/async_call.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace cloudflare;
using namespace std::chrono_literals;
using testing::sandbox_server;

/// A sandbox server on a thread of its own.
class running_server {
public:
    explicit running_server(testing::sandbox_server_options options = {},
                            testing::sandbox_options switches = {})
        : server(context_, testing::sandbox(1, std::move(switches)), std::move(options)),
          thread_([this] { context_.run(); }),
          ca_file((std::filesystem::temp_directory_path() /
                   ("ca-" + std::to_string(::getpid()) + '-' + std::to_string(server.port())))
                      .string()) {
        std::ofstream(ca_file) << server.ca_pem();
    }
    ~running_server() {
        context_.stop();
        thread_.join();
        std::filesystem::remove(ca_file);
    }

    void fault(std::string const& entry) {
        server.access([&](auto&, auto& plan) { plan.add(entry).value(); });
    }
    [[nodiscard]] std::uint64_t requests() {
        return server.access([](auto& box, auto&) { return box.request_count(); });
    }
    [[nodiscard]] std::size_t tokens() {
        return server.access([](auto& box, auto&) { return box.tokens().size(); });
    }

private:
    asio::io_context context_{1};

public:
    sandbox_server server;

private:
    std::thread thread_;

public:
    std::string ca_file;
};

testing::sandbox_server_options plain() {
    testing::sandbox_server_options options;
    options.tls = false;
    return options;
}

http::request make(running_server const& s, std::string const& path,
                   http::method m = http::method::get, std::string body = {}) {
    auto const url = base_url::parse(s.server.base_url()).value();
    http::request r{.origin = url.origin(), .method = m};
    r.target = url.path() + path;
    r.body = std::move(body);
    r.fields.add("Authorization", "Bearer sample").value();
    return r;
}

std::string const collection = "/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens";

/// What a coroutine gives that runs on a context of its own.
template <class T>
T run(std::function<asio::awaitable<T>(asio::any_io_executor)> const& f) {
    asio::io_context context(1);
    std::optional<T> given;
    asio::co_spawn(context, f(context.get_executor()), [&](std::exception_ptr thrown, T t) {
        if (thrown) std::rethrow_exception(thrown);
        given = std::move(t);
    });
    context.run();
    return std::move(given.value());
}

result<http::response> send(running_server const& s, http::request const& r,
                            beast_options options = beast_options(),
                            time_point::duration timeout = 10s) {
    blocking_beast_transport transport(options.ca_file(s.ca_file));
    return transport.send(r, time_point::clock::now() + timeout).get();
}

TEST_CASE("a response comes back whole over plain and TLS") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        running_server s(tls ? testing::sandbox_server_options() : plain());
        auto const response = send(s, make(s, collection, http::method::post, R"({"name":"ci"})"));
        REQUIRE(response);
        CHECK(response->status == 201);
        CHECK(response->fields.find("content-type") == "application/json; charset=UTF-8");
        CHECK(response->body.find("\"client_secret\":\"cfast_") != response->body.npos);
        CHECK(s.tokens() == 1);
    }
}

TEST_CASE("a chunked response and one that comes byte by byte are the same as a plain one") {
    running_server s(plain());
    s.fault("GET#2=chunked");
    s.fault("GET#3=drip:0");
    auto const expected = send(s, make(s, collection)).value();
    CHECK(send(s, make(s, collection)).value().body == expected.body);
    CHECK(send(s, make(s, collection)).value().body == expected.body);
}

TEST_CASE("connections are used again, and not after the server closed them") {
    running_server s;
    blocking_beast_transport transport(beast_options().ca_file(s.ca_file));
    auto const go = [&] {
        return transport.send(make(s, collection), time_point::clock::now() + 10s).get();
    };
    CHECK(go());
    CHECK(go());
    CHECK(s.server.connection_count() == 1);
    s.fault("GET#3=close");
    CHECK(go());
    std::this_thread::sleep_for(50ms); // until the close has arrived
    CHECK(go());
    CHECK(s.server.connection_count() == 2);
}

TEST_CASE(
    "a request that must not be repeated does not trust a connection that was idle for long") {
    running_server s(plain());
    blocking_beast_transport transport(beast_options().max_idle_before_unsafe(20ms));
    auto r = make(s, collection);
    r.repeatable = false;
    auto const go = [&] { return transport.send(r, time_point::clock::now() + 10s).get(); };
    CHECK(go());
    CHECK(go());
    CHECK(s.server.connection_count() == 1);
    std::this_thread::sleep_for(40ms);
    CHECK(go());
    CHECK(s.server.connection_count() == 2);
}

TEST_CASE("no connection is kept where none may be idle") {
    running_server s(plain());
    blocking_beast_transport transport(beast_options().max_idle_connections(0));
    for (int i = 0; i != 2; ++i)
        CHECK(transport.send(make(s, collection), time_point::clock::now() + 10s).get());
    CHECK(s.server.connection_count() == 2);
}

TEST_CASE("a response cut at any byte is a lost connection with an unknown outcome") {
    running_server s(plain());
    auto const whole = [&] {
        auto const r = send(s, make(s, collection)).value();
        auto const around = std::string_view("HTTP/1.1 200 \r\n\r\n").size();
        return around + r.fields.wire_format().size() + r.body.size();
    }();
    for (std::size_t cut = 0; cut < whole; cut += 7) {
        CAPTURE(cut);
        s.server.access([&](auto&, auto& plan) {
            plan = testing::fault_plan();
            plan.add("*=truncate:" + std::to_string(cut)).value();
        });
        auto const response = send(s, make(s, collection));
        REQUIRE_FALSE(response);
        CHECK(response.error() == errc::connection_lost);
        CHECK(response.error().delivery() == delivery::unknown);
    }
}

TEST_CASE(
    "the delivery is unknown once the request may have arrived, whether the server acted or not") {
    for (bool const tls : {false, true}) {
        for (std::string const fault :
             {"drop-before", "drop-after", "reset-before", "reset-after"}) {
            CAPTURE(tls);
            CAPTURE(fault);
            running_server s(tls ? testing::sandbox_server_options() : plain());
            s.fault("POST=" + fault);
            auto const response =
                send(s, make(s, collection, http::method::post, R"({"name":"x"})"));
            REQUIRE_FALSE(response);
            CHECK(response.error() == errc::connection_lost);
            CHECK(response.error().delivery() == delivery::unknown);
            CHECK(s.tokens() == (fault.ends_with("after") ? 1 : 0));
        }
    }
}

TEST_CASE("nothing was sent where nobody listens") {
    auto const nobody = [] {
        running_server s(plain());
        return make(s, collection);
    }();
    blocking_beast_transport transport;
    auto const response = transport.send(nobody, time_point::clock::now() + 5s).get();
    REQUIRE_FALSE(response);
    CHECK(response.error() == errc::connect_failed);
    CHECK(response.error().delivery() == delivery::not_sent);
}

TEST_CASE("nothing was sent where the name has no address") {
    http::request r{.origin = http::origin::parse("http://no-such-host.invalid").value()};
    r.target = "/";
    blocking_beast_transport transport;
    auto const response = transport.send(r, time_point::clock::now() + 5s).get();
    REQUIRE_FALSE(response);
    CHECK(response.error() == errc::resolve_failed);
    CHECK(response.error().delivery() == delivery::not_sent);
}

TEST_CASE("a name is looked up, sent as SNI, and checked against the certificate") {
    running_server s;
    auto r = make(s, collection);
    r.origin = http::origin::parse("https://localhost:" + std::to_string(s.server.port())).value();
    auto const response = send(s, r);
    REQUIRE(response);
    CHECK(response->status == 200);
}

TEST_CASE("a certificate that does not hold is refused before anything is sent") {
    auto const attempt = [](testing::sandbox_server_options options, bool trusted = true) {
        running_server s(std::move(options));
        blocking_beast_transport transport(trusted ? beast_options().ca_file(s.ca_file)
                                                   : beast_options());
        auto const response = transport
                                  .send(make(s, collection, http::method::post, R"({"name":"x"})"),
                                        time_point::clock::now() + 10s)
                                  .get();
        CHECK(s.requests() == 0);
        REQUIRE_FALSE(response);
        CHECK(response.error() == errc::tls_failed);
        CHECK(response.error().delivery() == delivery::not_sent);
        return response.error().to_string();
    };
    testing::sandbox_server_options other_host, expired, not_yet, old_tls;
    other_host.identity = testing::make_certificate("DNS:other.example");
    expired.identity = testing::make_certificate("IP:127.0.0.1", -48h, 24h);
    not_yet.identity = testing::make_certificate("IP:127.0.0.1", 24h, 24h);
    old_tls.max_tls_version = TLS1_1_VERSION;
    CHECK(attempt({}, false).find("self-signed certificate") != std::string::npos);
    CHECK(attempt(other_host).find("TLS handshake failed: 127.0.0.1") != std::string::npos);
    CHECK(attempt(expired).find("certificate has expired") != std::string::npos);
    CHECK(attempt(not_yet).find("not yet valid") != std::string::npos);
    CHECK(attempt(old_tls).find("TLS handshake failed") != std::string::npos);
}

TEST_CASE("a CA file that cannot be read is named") {
    blocking_beast_transport transport(beast_options().ca_file("no-such-file.pem"));
    http::request r{.origin = http::origin::parse("https://127.0.0.1:1").value()};
    r.target = "/";
    auto const response = transport.send(r, time_point::clock::now() + 5s).get();
    REQUIRE_FALSE(response);
    CHECK(response.error() == errc::tls_failed);
    CHECK(response.error().to_string().find("no-such-file.pem") != std::string::npos);
}

TEST_CASE("a response past the limits is refused") {
    running_server s(plain());
    s.fault("*=respond-before:200:" + std::string(2000, 'x'));
    auto const body = send(s, make(s, collection), beast_options().max_body_size(1999));
    REQUIRE_FALSE(body);
    CHECK(body.error() == errc::response_too_large);
    CHECK(send(s, make(s, collection), beast_options().max_body_size(2000)));
    auto const header = send(s, make(s, collection), beast_options().max_header_size(16));
    REQUIRE_FALSE(header);
    CHECK(header.error() == errc::response_too_large);
    CHECK(header.error().delivery() == delivery::unknown);
}

TEST_CASE("a redirect is a response like any other") {
    running_server s(plain());
    s.fault("*=respond-before:302:moved");
    auto const response = send(s, make(s, collection));
    REQUIRE(response);
    CHECK(response->status == 302);
}

TEST_CASE("the deadline ends a wait for the response, in the middle of it too") {
    for (std::string const fault : {"delay:5000", "drip:100"}) {
        CAPTURE(fault);
        running_server s;
        s.fault("*=" + fault);
        auto const begin = time_point::clock::now();
        auto const response = send(s, make(s, collection), beast_options(), 100ms);
        REQUIRE_FALSE(response);
        CHECK(response.error() == errc::deadline_exceeded);
        CHECK(response.error().delivery() == delivery::unknown);
        CHECK(time_point::clock::now() - begin < 4s);
    }
}

TEST_CASE("the deadline ends a handshake that never responds, and nothing was sent") {
    asio::io_context context;
    asio::ip::tcp::acceptor silent(context, {asio::ip::make_address("127.0.0.1"), 0});
    http::request r{.origin = http::origin::parse("https://127.0.0.1:" +
                                                  std::to_string(silent.local_endpoint().port()))
                                  .value()};
    r.target = "/";
    blocking_beast_transport transport;
    auto const response = transport.send(r, time_point::clock::now() + 100ms).get();
    REQUIRE_FALSE(response);
    CHECK(response.error() == errc::deadline_exceeded);
    CHECK(response.error().delivery() == delivery::not_sent);
}

/// Sends a request, and cancels after `delay`.
result<http::response> send_and_cancel(http::request const& r, beast_options const& options,
                                       std::chrono::milliseconds delay) {
    asio::io_context context(1);
    beast_transport transport(context.get_executor(), options);
    asio::cancellation_signal cancel;
    std::optional<result<http::response>> given;
    asio::co_spawn(context, transport.send(r, time_point::clock::now() + 10s),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr thrown, result<http::response> a) {
                           CHECK_FALSE(thrown);
                           given = std::move(a);
                       }));
    asio::steady_timer timer(context, delay);
    timer.async_wait([&](auto) { cancel.emit(asio::cancellation_type::terminal); });
    context.run();
    return std::move(given.value());
}

TEST_CASE("a cancelled request is an error that tells how far it got, and throws nothing") {
    running_server s;
    s.fault("*=delay:5000");
    auto const options = beast_options().ca_file(s.ca_file);
    auto const waiting = send_and_cancel(make(s, collection), options, 100ms);
    REQUIRE_FALSE(waiting);
    CHECK(waiting.error() == errc::cancelled);
    CHECK(waiting.error().delivery() == delivery::unknown);

    asio::io_context context;
    asio::ip::tcp::acceptor silent(context, {asio::ip::make_address("127.0.0.1"), 0});
    auto r = make(s, collection);
    r.origin =
        http::origin::parse("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()))
            .value();
    auto const in_handshake = send_and_cancel(r, options, 50ms);
    REQUIRE_FALSE(in_handshake);
    CHECK(in_handshake.error() == errc::cancelled);
    CHECK(in_handshake.error().delivery() == delivery::not_sent);
}

TEST_CASE("calls in flight together that are cancelled at once had their request sent") {
    running_server s(plain());
    s.fault("GET#3=delay:5000");
    s.fault("GET#4=delay:5000");
    asio::io_context context(1);
    beast_transport const transport(context.get_executor());
    auto const r = make(s, collection);
    std::vector<result<http::response>> given;
    auto const job = [&]() -> asio::awaitable<void> {
        auto pending = transport.send(r, time_point::clock::now() + 10s);
        auto response = co_await std::move(pending);
        given.push_back(std::move(response));
    };
    asio::cancellation_signal cancel[2];
    auto const send_two = [&] {
        for (auto& signal : cancel)
            asio::co_spawn(context, job,
                           asio::bind_cancellation_slot(signal.slot(), asio::detached));
    };
    send_two(); // leaves two connections, so that the next two are in flight at once
    context.run();
    context.restart();
    send_two();
    asio::post(context, [&] {
        for (auto& signal : cancel)
            signal.emit(asio::cancellation_type::terminal);
    });
    context.run();
    REQUIRE(given.size() == 4);
    CHECK((given[0] && given[1]));
    for (auto const i : {2u, 3u}) {
        REQUIRE_FALSE(given[i]);
        CHECK(given[i].error() == errc::cancelled);
        CHECK(given[i].error().delivery() == delivery::unknown);
    }
}

TEST_CASE(
    "a call that is cancelled between two attempts ends with the error, not with an exception") {
    running_server s(plain());
    s.fault("*=respond-before:503:busy");
    asio::io_context context(1);
    client c(beast_transport(context.get_executor()), api_token::make("sample").value(),
             client_options()
                 .base_url(base_url::parse(s.server.base_url()).value())
                 .retry(retry_policy().base_delay(10s).max_delay(10s))
                 .seed(7));
    access::service_tokens tokens(
        c, access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value());
    asio::cancellation_signal cancel;
    std::optional<error> failure;
    bool stored = false;
    auto const job = [&]() -> asio::awaitable<void> {
        auto pending = tokens.list();
        auto const listed = co_await std::move(pending);
        failure = listed.error();
        asio::steady_timer storing(context, 1ms);
        co_await storing.async_wait(asio::deferred); // still possible after the cancellation
        stored = true;
    };
    asio::co_spawn(context, job,
                   asio::bind_cancellation_slot(
                       cancel.slot(), [](std::exception_ptr thrown) { CHECK_FALSE(thrown); }));
    asio::steady_timer timer(context, 100ms);
    timer.async_wait([&](auto) { cancel.emit(asio::cancellation_type::terminal); });
    context.run();
    REQUIRE(failure);
    CHECK(*failure == errc::cancelled);
    CHECK(stored);
}

TEST_CASE("a deadline that passes as the connection opens is an error, however close") {
    running_server s(plain());
    for (int i = 0; i != 200; ++i) {
        blocking_beast_transport transport;
        auto const soon = time_point::clock::now() + std::chrono::microseconds(i * 3);
        auto const response = transport.send(make(s, collection), soon).get();
        if (!response) CHECK(response.error() == errc::deadline_exceeded);
    }
}

TEST_CASE("many calls run at once on one thread") {
    running_server s;
    asio::io_context context(1);
    client c(beast_transport(context.get_executor(), beast_options().ca_file(s.ca_file)),
             api_token::make("sample").value(),
             client_options().base_url(base_url::parse(s.server.base_url()).value()));
    access::service_tokens tokens(
        c, access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value());
    int made = 0;
    auto const job = [&]() -> asio::awaitable<void> {
        auto pending = tokens.create(access::create_params("ci"));
        auto const token = co_await std::move(pending);
        if (token && !token->client_secret.empty()) ++made;
    };
    for (int i = 0; i != 40; ++i)
        asio::co_spawn(context, job, [](std::exception_ptr thrown) { CHECK_FALSE(thrown); });
    context.run();
    CHECK(made == 40);
    CHECK(s.tokens() == 40);
}

TEST_CASE("an operation is called by any completion token") {
    running_server s(plain());
    asio::io_context context(1);
    client const c(beast_transport(context.get_executor()), api_token::make("sample").value(),
                   client_options().base_url(base_url::parse(s.server.base_url()).value()));
    auto const account = access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    access::create_service_token const create(account, access::create_params("ci"));
    access::list_service_tokens const list(account);

    std::optional<std::string> by_callback;
    async_call(c, create, call_options(),
               [&](std::exception_ptr thrown, result<access::issued_service_token> const& token) {
                   CHECK_FALSE(thrown);
                   by_callback = token.value().id;
               });
    context.run();
    CHECK(by_callback);

    context.restart();
    auto by_future = async_call(c, list, call_options(), asio::use_future);
    context.run();
    CHECK(by_future.get().value().items.at(0).id == *by_callback);

    context.restart();
    asio::cancellation_signal cancel;
    s.fault("GET=delay:5000");
    std::optional<errc> by_slot;
    async_call(c, list, call_options(),
               asio::bind_cancellation_slot(
                   cancel.slot(),
                   asio::as_tuple([&](std::tuple<std::exception_ptr,
                                                 result<page<access::service_token>>> const& end) {
                       if (std::get<1>(end).has_error() &&
                           std::get<1>(end).error() == errc::cancelled)
                           by_slot = errc::cancelled;
                   })));
    asio::steady_timer timer(context, 50ms);
    timer.async_wait([&](auto) { cancel.emit(asio::cancellation_type::terminal); });
    context.run();
    CHECK(by_slot == errc::cancelled);
}

TEST_CASE("the context runs dry once the calls have ended: no timer and no read is left behind") {
    running_server s(plain());
    auto const begin = time_point::clock::now();
    auto const response = run<result<http::response>>([&](asio::any_io_executor executor) {
        beast_transport transport(std::move(executor));
        return [](beast_transport t, http::request r) -> asio::awaitable<result<http::response>> {
            auto pending = t.send(r, time_point::clock::now() + 30s);
            auto given = co_await std::move(pending);
            co_return given;
        }(transport, make(s, collection));
    });
    CHECK(response);
    CHECK(time_point::clock::now() - begin < 10s);
}

TEST_CASE("a context that is run for each call anew runs dry after each") {
    running_server s(plain());
    asio::io_context context(1);
    beast_transport const transport(context.get_executor());
    auto const r = make(s, collection);
    int responded = 0;
    auto const begin = time_point::clock::now();
    for (int i = 0; i != 40; ++i) {
        asio::co_spawn(context, transport.send(r, time_point::clock::now() + 30s),
                       [&](std::exception_ptr, result<http::response> const& a) {
                           responded += a.has_value();
                       });
        context.run();
        context.restart();
    }
    CHECK(responded == 40);
    CHECK(time_point::clock::now() - begin < 1s); // each runs on for 50 ms where ticks only grow
}

} // namespace
