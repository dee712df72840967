// What `curl_transport` does beyond the conformance kit.
#include "tunnel.hpp"

#include <cloudflare/testing/certificate.hpp>
#include <cloudflare/testing/detail/full_listener.hpp>
#include <cloudflare/testing/detail/scripted_server.hpp>
#include <cloudflare/transport/curl.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::atomic<bool> is_look_up_slow = false;

} // namespace

/// Stands before the C library's, also for libcurl: a name server that is silent for a while.
extern "C" int getaddrinfo(char const* node, char const* service, addrinfo const* hints,
                           addrinfo** found) {
    if (is_look_up_slow) ::sleep(6);
    static auto* const next =
        reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return next(node, service, hints, found);
}

namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::reply;
using testing::scripted_server;
using testing::scripted_server_options;
using testing::seen_request;
using end = reply::end;

std::string response(int status, std::string_view body, std::string_view fields = {}) {
    return "HTTP/1.1 " + std::to_string(status) + " Text\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// A reply of two pieces, the second some milliseconds behind the first.
reply in_two(std::string_view first, std::string_view second) {
    REQUIRE(first.size() >= second.size());
    reply r{.bytes = std::string(first).append(second), .piece_size = first.size()};
    r.pause = 15ms;
    return r;
}

/// A body's padding, so that a response is longer than what follows it.
std::string padded(std::string_view string) {
    return std::string(string) + std::string(400, ' ');
}

class ca_file {
public:
    explicit ca_file(std::string_view pem) { std::ofstream(path_) << pem; }
    ca_file(ca_file const&) = delete;
    ca_file& operator=(ca_file const&) = delete;
    ~ca_file() { std::filesystem::remove(path_); }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    static inline unsigned count_ = 0;
    std::string path_ =
        (std::filesystem::temp_directory_path() /
         ("curl-tests-" + std::to_string(::getpid()) + '-' + std::to_string(++count_)))
            .string();
};

/// A server, and a transport that trusts it.
class rig {
public:
    explicit rig(scripted_server::script script, scripted_server_options how = {},
                 curl_options options = curl_options())
        : server(std::move(script), std::move(how)),
          ca(server.ca_pem()),
          transport(options.ca_file(ca.path())) {}

    [[nodiscard]] http::request request(bool repeatable = false) const {
        http::request r{.origin = server.origin(), .method = http::method::post};
        r.target = "/";
        r.body = "{}";
        r.repeatable = repeatable;
        return r;
    }
    result<http::response> send(http::request const& r, std::chrono::milliseconds timeout = 10s) {
        return transport.send(r, time_point::clock::now() + timeout).get();
    }
    result<http::response> send() { return send(request()); }

    scripted_server server;
    ca_file ca;
    curl_transport transport;
};

/// A script that gives its replies in turn, and the last one from then on.
scripted_server::script in_turn(std::vector<reply> replies) {
    return [replies = std::move(replies)](seen_request const& seen) {
        return replies[std::min(seen.number, replies.size()) - 1];
    };
}

void check_body(result<http::response> const& given, std::string_view body) {
    INFO((given ? "" : given.error().to_string()));
    REQUIRE(given);
    CHECK(given->body.substr(0, given->body.find(' ')) == body);
}

void check_error(result<http::response> const& given, errc code, delivery far) {
    REQUIRE_FALSE(given);
    INFO(given.error().to_string());
    CHECK(given.error() == code);
    CHECK(given.error().delivery() == far);
}

/// Serves each connection on loopback by a function that gets its descriptor.
class raw_server {
public:
    explicit raw_server(std::function<void(int socket)> serve) : serve_(std::move(serve)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        ::bind(listener_, generic, size);
        ::listen(listener_, 8);
        ::getsockname(listener_, generic, &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] {
            for (int socket = 0; (socket = ::accept(listener_, nullptr, nullptr)) != -1;) {
                serve_(socket);
                ::close(socket);
            }
        });
    }
    raw_server(raw_server const&) = delete;
    raw_server& operator=(raw_server const&) = delete;
    ~raw_server() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    std::function<void(int)> serve_;
    int listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    unsigned port_ = 0;
    std::thread thread_;
};

void read_some(int socket) {
    char buffer[4096];
    CHECK(::read(socket, buffer, sizeof buffer) > 0);
}

void reset(int socket) {
    ::linger const at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

http::request request_to(std::string const& origin) {
    http::request r{.origin = http::origin::parse(origin).value(), .method = http::method::post};
    r.target = "/";
    r.repeatable = false;
    return r;
}

result<http::response> send_to(std::string const& origin, std::chrono::milliseconds timeout = 10s,
                               curl_options options = curl_options()) {
    return curl_transport(std::move(options))
        .send(request_to(origin), time_point::clock::now() + timeout)
        .get();
}

// -------------------------------------------------------------------------- unsolicited responses

TEST_CASE("a response that comes late is not taken, not even two requests later") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        rig r(in_turn({in_two(response(201, padded("a")), response(201, "forged")),
                       {response(201, "b")},
                       {response(201, "c")}}),
              {.tls = tls});
        check_body(r.send(), "a");
        std::this_thread::sleep_for(60ms);
        check_body(r.send(), "b");
        check_body(r.send(), "c");
        CHECK(r.server.connection_count() == 2);
    }
}

TEST_CASE("a response that comes late is not taken where two servers are used by turns") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        rig one(in_turn({in_two(response(201, padded("a")), response(201, "forged")),
                         {response(201, "b")}}),
                {.tls = tls});
        auto const other_identity = testing::make_certificate();
        rig other(in_turn({{response(201, "x")}, {response(201, "y")}, {response(201, "z")}}),
                  {.tls = tls});
        ca_file const both(one.server.ca_pem() + other.server.ca_pem());
        curl_transport const transport(curl_options().ca_file(both.path()));
        auto const send = [&](rig const& to) {
            return transport.send(to.request(), time_point::clock::now() + 10s).get();
        };
        check_body(send(one), "a");
        check_body(send(other), "x");
        std::this_thread::sleep_for(60ms);
        check_body(send(other), "y");
        check_body(send(one), "b");
        check_body(send(other), "z");
    }
}

TEST_CASE("a response in the same write as the one before it is not taken") {
    auto const chunked = [](std::string_view body) {
        return "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n" +
               std::string(body) + "\r\n0\r\n\r\n";
    };
    for (bool const tls : {false, true}) {
        for (std::string const& first : {response(201, "a"), chunked("a")}) {
            CAPTURE(tls);
            CAPTURE(first);
            rig r(in_turn({{first + response(201, "forged")},
                           {response(201, "b")},
                           {response(201, "c")}}),
                  {.tls = tls});
            check_body(r.send(), "a");
            check_body(r.send(), "b");
            check_body(r.send(), "c");
            CHECK(r.server.connection_count() == 2);
        }
    }
}

TEST_CASE("a response behind one without a body ends the connection") {
    for (bool const tls : {false, true}) {
        for (std::string const first : {"HTTP/1.1 204 None\r\n\r\n", "HTTP/1.1 304 Same\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
            CAPTURE(tls);
            CAPTURE(first);
            rig r(in_turn({{first + response(201, "forged")}, {response(201, "b")}}), {.tls = tls});
            CHECK(r.send().has_value());
            check_body(r.send(), "b");
            CHECK(r.server.connection_count() == 2);
        }
    }
}

TEST_CASE("a response in one TLS record with the end of the one before it is not taken") {
    // libcurl reads the rest of the body and no more: the forged response stays behind in TLS,
    // where no look at the socket shows it.
    auto const first = response(201, padded("a"));
    auto const forged = response(201, "forged");
    reply r{.bytes = first + forged};
    r.piece_size = (r.bytes.size() + 1) / 2;
    REQUIRE(r.piece_size < first.size());
    r.pause = 10ms;
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        rig t(in_turn({r, {response(201, "b")}, {response(201, "c")}}), {.tls = tls});
        check_body(t.send(), "a");
        check_body(t.send(), "b");
        check_body(t.send(), "c");
        CHECK(t.server.connection_count() == 2);
    }
}

TEST_CASE("connections are used again where header and body come apart") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        auto const whole = response(201, padded("a"));
        reply apart{.bytes = whole, .piece_size = whole.find("\r\n\r\n") + 4};
        apart.pause = 2ms;
        rig r(in_turn({apart}), {.tls = tls});
        for (int i = 0; i != 5; ++i)
            check_body(r.send(), "a");
        CHECK(r.server.connection_count() == 1);
    }
}

// ------------------------------------------------------------------------------------------ TLS

TEST_CASE("a handshake that is cut is a lost connection, not a refusal") {
    for (bool const by_reset : {false, true}) {
        for (std::size_t const said : {std::size_t{0}, std::size_t{3}, std::size_t{300}}) {
            CAPTURE(by_reset);
            CAPTURE(said);
            raw_server const server([&](int socket) {
                read_some(socket);
                // The beginning of a record that would hold a ServerHello of 512 bytes.
                std::string flight("\x16\x03\x03\x02\x04\x02\x00\x02\x00\x03\x03", 11);
                flight.resize(300, '\x5a');
                CHECK(::write(socket, flight.data(), said) == static_cast<::ssize_t>(said));
                if (by_reset) reset(socket);
            });
            check_error(send_to("https://" + server.address()), errc::connection_lost,
                        delivery::not_sent);
        }
    }
}

TEST_CASE("a handshake that ends by an alert, or is none, is a refusal") {
    raw_server const alerting([](int socket) {
        read_some(socket);
        CHECK(::write(socket, "\x15\x03\x03\x00\x02\x02\x28", 7) == 7); // handshake_failure
    });
    auto const given = send_to("https://" + alerting.address());
    check_error(given, errc::tls_failed, delivery::not_sent);
    CHECK(given.error().to_string().find("handshake failure") != std::string::npos);

    raw_server const plain([](int socket) {
        read_some(socket);
        CHECK(::write(socket, "HTTP/1.1 400 No\r\n\r\n", 19) == 19);
    });
    check_error(send_to("https://" + plain.address()), errc::tls_failed, delivery::not_sent);
}

TEST_CASE("a certificate that is not trusted is a refusal, and says why") {
    rig r(in_turn({{response(200, "never")}}), {.tls = true});
    auto const given = send_to("https://127.0.0.1:" + std::to_string(r.server.port()));
    check_error(given, errc::tls_failed, delivery::not_sent);
    CHECK(given.error().to_string().find("certificate") != std::string::npos);
    CHECK(r.server.requests().empty());
}

TEST_CASE("a server that demands a certificate refuses, whatever the version of TLS") {
    auto const authority = testing::make_certificate();
    for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (int i = 0; i != 20; ++i) { // the alert comes while the request is sent or read for
            CAPTURE(version);
            rig r(in_turn({{response(200, "never")}}),
                  {.tls = true, .client_ca_pem = authority.pem, .max_tls_version = version});
            auto const given = r.send();
            check_error(given, errc::tls_failed, delivery::not_sent);
            CHECK(given.error().to_string().find(version == TLS1_3_VERSION
                                                     ? "certificate required"
                                                     : "handshake failure") != std::string::npos);
        }
    }
}

TEST_CASE("a client certificate that the server does not trust is a refusal") {
    auto const authority = testing::make_certificate();
    auto const mine = testing::make_certificate();
    ca_file const certificate(mine.pem), key(mine.key_pem);
    rig r(in_turn({{response(200, "never")}}), {.tls = true, .client_ca_pem = authority.pem},
          curl_options().client_certificate(certificate.path(), key.path()));
    auto const given = r.send();
    check_error(given, errc::tls_failed, delivery::not_sent);
    CHECK(given.error().to_string().find("TLS alert") != std::string::npos);
}

TEST_CASE("a client certificate that the server trusts is taken") {
    auto const mine = testing::make_certificate();
    ca_file const certificate(mine.pem), key(mine.key_pem);
    rig r(in_turn({{response(200, "taken")}}), {.tls = true, .client_ca_pem = mine.pem},
          curl_options().client_certificate(certificate.path(), key.path()));
    check_body(r.send(), "taken");
}

// ------------------------------------------------------------------------------------ deadlines

/// For how long `work` runs.
template <class Work>
std::chrono::milliseconds duration_of(Work work) {
    auto const begin = time_point::clock::now();
    work();
    return std::chrono::duration_cast<std::chrono::milliseconds>(time_point::clock::now() - begin);
}

/// Runs `work` in a forked child, which exits as programs do, and gives its exit status.
template <class Work>
int in_child(Work work) {
    std::fflush(nullptr);
    auto const child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a name server that is silent holds up neither the call nor the process") {
    auto const spent = duration_of([] {
        is_look_up_slow = true;
        check_error(send_to("http://somewhere.example", 500ms), errc::deadline_exceeded,
                    delivery::not_sent);
        is_look_up_slow = false;
    });
    CHECK(spent < 3s); // the look-up itself takes 6

    std::fflush(nullptr); // or the child prints it too
    auto const of_process = duration_of([] {
        auto const child = ::fork();
        if (child == 0) {
            is_look_up_slow = true;
            static_cast<void>(send_to("http://somewhere.example", 500ms));
            std::exit(0); // not `_exit`: what is left over runs at exit
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(WIFEXITED(status)); // LeakSanitizer is right that the look-up was not waited for
    });
    CHECK(of_process < 3s);
}

TEST_CASE("the connect time-out and the deadline are distinguished") {
    rig r(in_turn({{}}), {.tls = true, .first = scripted_server_options::greeting::hang},
          curl_options().connect_timeout(200ms));
    auto const given = r.send(r.request(), 8s);
    check_error(given, errc::connect_failed, delivery::not_sent);
    CHECK(given.error().details().cause == boost::system::errc::timed_out);
    check_error(r.send(r.request(), 100ms), errc::deadline_exceeded, delivery::not_sent);

    testing::full_listener const full;
    auto const url = "http://127.0.0.1:" + std::to_string(full.port());
    check_error(send_to(url, 8s, curl_options().connect_timeout(200ms)), errc::connect_failed,
                delivery::not_sent);
    check_error(send_to(url, 200ms), errc::deadline_exceeded, delivery::not_sent);
}

TEST_CASE("no span of time overflows") {
    using std::chrono::milliseconds, std::chrono::seconds;
    testing::full_listener const full;
    auto const url = "http://127.0.0.1:" + std::to_string(full.port());
    for (auto const span : {milliseconds::max(), milliseconds(std::int64_t{1} << 40)})
        check_error(send_to(url, 300ms, curl_options().connect_timeout(span)),
                    errc::deadline_exceeded, delivery::not_sent);
    for (auto const span : {0ms, -1ms, milliseconds::min()})
        check_error(send_to(url, 8s, curl_options().connect_timeout(span)), errc::connect_failed,
                    delivery::not_sent);

    for (auto const span : {seconds::max(), seconds(5), seconds(0), seconds(-1), seconds::min()}) {
        CAPTURE(span.count());
        rig r(in_turn({{response(200, "a")}}), {}, curl_options().max_idle_before_unsafe(span));
        for (int i = 0; i != 3; ++i)
            check_body(r.send(), "a");
        CHECK(r.server.connection_count() == (span > 0s ? 1 : 3));
        for (int i = 0; i != 3; ++i)
            check_body(r.send(r.request(true)), "a"); // may be repeated: any connection will do
        CHECK(r.server.connection_count() == (span > 0s ? 1 : 3));
    }
    rig r(in_turn({{response(200, "a")}}));
    check_body(r.transport.send(r.request(), time_point::max()).get(), "a");
    check_error(r.transport.send(r.request(), time_point::min()).get(), errc::deadline_exceeded,
                delivery::not_sent);
    r.transport.sleep_until(time_point::min()).get();
    CHECK(duration_of([&] { r.transport.sleep_until(time_point::clock::now() + 30ms).get(); }) >=
          30ms);
}

TEST_CASE("an idle connection is trusted for no longer than is said") {
    rig r(in_turn({{response(200, "a")}}), {}, curl_options().max_idle_before_unsafe(1s));
    check_body(r.send(), "a");
    std::this_thread::sleep_for(1100ms); // 7.88 counts whole seconds, and this as one
    check_body(r.send(r.request(true)), "a");
    CHECK(r.server.connection_count() == 1);
    std::this_thread::sleep_for(1100ms);
    check_body(r.send(), "a");
    CHECK(r.server.connection_count() == 2);
}

TEST_CASE("a body that the deadline cuts is not whole") {
    rig r(in_turn({{.bytes = "HTTP/1.1 201 Created\r\n\r\n{\"half\":", .then = end::hang}}));
    check_error(r.send(r.request(), 300ms), errc::deadline_exceeded, delivery::unknown);
}

// ------------------------------------------------------------------------------ what is accepted

result<http::response> receive(std::string bytes, end then = end::close,
                               std::chrono::milliseconds timeout = 5s) {
    reply r;
    r.bytes = std::move(bytes);
    r.then = then;
    rig t(in_turn({r}));
    return t.send(t.request(), timeout);
}

TEST_CASE("a status line without a reason, and without the blank before it, is one") {
    check_body(receive("HTTP/1.1 201\r\nContent-Length: 1\r\n\r\na"), "a");
}

TEST_CASE("a folded field is taken, the fold as a blank") {
    auto const given = receive(response(
        201, "a", "X-Folded: one\r\n two\r\n\tthree \r\n  \r\nX-Empty:\r\n late\r\nX-Next: n\r\n"));
    check_body(given, "a");
    CHECK(given->fields.find("X-Folded") == "one two three");
    CHECK(given->fields.find("X-Empty") == "late");
    CHECK(given->fields.find("X-Next") == "n");

    check_error(receive("HTTP/1.1 201 C\r\n folded: 1\r\n\r\n"), errc::malformed_response,
                delivery::unknown);
}

TEST_CASE("a header past the bounds is too large") {
    std::string const small_fields = [] {
        std::string fields;
        for (int i = 0; i != 2000; ++i)
            fields += "X-Field: " + std::string(60, 'x') + "\r\n";
        return fields;
    }();
    for (auto const& fields : {"X: " + std::string(std::size_t{1} << 20, 'x') + "\r\n",
                               small_fields, "X: " + std::string(70'000, 'x') + "\r\n",
                               "X: y\r\n " + std::string(70'000, 'x') + "\r\n"})
        check_error(receive(response(201, "a", fields)), errc::response_too_large,
                    delivery::unknown);
}

TEST_CASE("a body is bounded by 1 MiB, or by what is said") {
    std::string const mebibyte(std::size_t{1} << 20, 'x');
    auto const given = receive(response(201, mebibyte));
    REQUIRE(given);
    CHECK(std::string_view(given->body) == mebibyte);
    check_error(receive(response(201, mebibyte + 'x')), errc::response_too_large,
                delivery::unknown);
}

std::string repeated(std::string_view string, std::size_t size) {
    std::string all;
    while (all.size() < size)
        all += string;
    return all;
}

TEST_CASE("nothing that a server can go on with is without a bound") {
    std::string const chunked = "HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::size_t const much = std::size_t{8} << 20;
    for (auto const& bytes :
         {chunked + "1\r\na\r\n0\r\n" +
              repeated("X-Trailer: " + std::string(1000, 'x') + "\r\n", much),
          chunked + "1\r\na\r\n0\r\nX-Trailer: " + std::string(much, 'x'),
          chunked + "2;a=" + std::string(much, 'e'),
          repeated("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n", much),
          repeated("HTTP/1.1 100\r\n\r\n", much)}) {
        CAPTURE(bytes.substr(0, 100));
        auto const given = receive(bytes, end::hang);
        check_error(given, errc::response_too_large, delivery::unknown);
    }
}

TEST_CASE("trailers and informational responses add nothing to the header") {
    auto const given = receive("HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
                               "HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "1;ext=1\r\na\r\n0\r\nX-Trailer: late\r\nContent-Length: 7\r\n\r\n");
    check_body(given, "a");
    CHECK_FALSE(given->fields.contains("Link"));
    CHECK_FALSE(given->fields.contains("X-Trailer"));
    CHECK_FALSE(given->fields.contains("Content-Length"));
}

TEST_CASE("what breaks HTTP's rules is malformed") {
    std::string const chunked = "HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n";
    for (auto const& bytes : std::initializer_list<std::string>{
             "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + response(201, "a"),
             chunked + "Content-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n",
             "HTTP/1.1 201 C\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
             chunked + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
             std::string("HTTP/1.1 201 C\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
             std::string("HTTP/1.1 201 C\r\nTransfer-Encoding: identity\r\n\r\na"),
             std::string("HTTP/1.1 201 C\r\nContent-Length: +1\r\n\r\na"),
             std::string("HTTP/1.1 201 C\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
             std::string("HTTP/1.1 201 C\r\nContent-Length: 1, 1\r\n\r\na"),
             std::string("HTTP/1.1 201 C\r\nContent-Length:\r\n\r\na"),
             std::string("HTTP/1.1 201 C\r\nContent-Length : 1\r\n\r\na"),
             std::string("HTTP/1.1 201 C\r\nno colon\r\nContent-Length: 1\r\n\r\na"),
             std::string("HTTP/1.1 201 C\r\nHTTP/1.1 201 C\r\nContent-Length: 1\r\n\r\na"),
             chunked + "\r\nx\r\na\r\n0\r\n\r\n",
             chunked + "\r\n-1\r\na\r\n0\r\n\r\n",
             chunked + "\r\nfffffffffffffffffff\r\na\r\n0\r\n\r\n",
             chunked + "\r\n1\r\nabc\r\n0\r\n\r\n",
             chunked + "\r\n1\r\na\r\n0\r\nHTTP/1.1 201 forged\r\n\r\n",
         }) {
        CAPTURE(bytes);
        check_error(receive(bytes), errc::malformed_response, delivery::unknown);
    }
}

// -------------------------------------------------------------------------------------- proxies

/// Sets `https_proxy` as long as it lives.
class proxy_variable {
public:
    explicit proxy_variable(std::string const& url) { ::setenv("https_proxy", url.c_str(), 1); }
    proxy_variable(proxy_variable const&) = delete;
    proxy_variable& operator=(proxy_variable const&) = delete;
    ~proxy_variable() { ::unsetenv("https_proxy"); }
};

TEST_CASE("what a proxy refuses is refused by the proxy") {
    rig r(in_turn({{response(200, "never")}}), {.tls = true});
    for (int const status : {400, 403, 407, 499, 500, 503, 302}) {
        CAPTURE(status);
        tests::tunnel const proxy("HTTP/1.1 " + std::to_string(status) +
                                  " No\r\nContent-Length: 0\r\n\r\n");
        proxy_variable const variable("http://user:pa55word@" + proxy.address());
        auto const given = r.send();
        check_error(given, status / 100 == 5 ? errc::connect_failed : errc::proxy_refused,
                    delivery::not_sent);
        auto const line = given.error().to_string();
        CHECK(line.find(" responded with " + std::to_string(status)) != std::string::npos);
        if (::curl_version_info(CURLVERSION_NOW)->version_num < 0x080000)
            CHECK(line.find("the proxy " + proxy.address()) != std::string::npos);
        CHECK(line.find("pa55word") == std::string::npos);
        CHECK(proxy.requests().size() == 1);
    }
    CHECK(r.server.requests().empty());
}

TEST_CASE("through a proxy a response is one, and a refused certificate is one") {
    tests::tunnel const proxy;
    proxy_variable const variable("http://" + proxy.address());
    rig r(in_turn({{response(200, "a")}}), {.tls = true});
    check_body(r.send(), "a");
    check_error(send_to("https://127.0.0.1:" + std::to_string(r.server.port())), errc::tls_failed,
                delivery::not_sent);
    CHECK(proxy.requests().size() == 2);
}

TEST_CASE("a proxy's password shows in no error") {
    raw_server const closing([](int socket) { read_some(socket); });
    raw_server const resetting([](int socket) {
        read_some(socket);
        reset(socket);
    });
    raw_server const garbling([](int socket) {
        read_some(socket);
        CHECK(::write(socket, "\1\2\3garbage\r\n\r\n", 14) == 14);
    });
    for (std::string const& proxy : {"http://user:pa55word@" + closing.address(),
                                     "http://user:pa55word@" + resetting.address(),
                                     "http://user:pa55word@" + garbling.address(),
                                     "https://user:pa55word@" + garbling.address(),
                                     std::string("http://user:pa55word@127.0.0.1:1"),
                                     std::string("ftp://user:pa55word@127.0.0.1:1"),
                                     std::string("http://user:pa55word@127.0.0.1:99999"),
                                     std::string("socks5://user:pa55word@127.0.0.1:1"),
                                     std::string("http://user:pa55word@no-such-host.invalid")}) {
        CAPTURE(proxy);
        proxy_variable const variable(proxy);
        auto const given = send_to("https://127.0.0.1:1");
        REQUIRE_FALSE(given);
        CHECK(given.error().delivery() == delivery::not_sent);
        CHECK(given.error().to_string().find("pa55word") == std::string::npos);
    }
}

// ----------------------------------------------------------------------------------------- fork

TEST_CASE("a forked child and its parent never share a connection") {
    for (bool const tls : {false, true}) {
        CAPTURE(tls);
        rig r(
            [](seen_request const& seen) -> reply {
                return {response(200, std::to_string(seen.connection))};
            },
            {.tls = tls});
        check_body(r.send(), "1");
        auto const status = in_child([&] {
            auto const first = r.send(), second = r.send();
            if (!first || !second) return 1;
            return first->body == "2" && second->body == "2" ? 0 : 2;
        });
        CHECK(status == 0);
        check_body(r.send(), "1");
        CHECK(in_child([&] { // a child that only lets go of it
                  curl_transport const last(std::move(r.transport));
                  return 0;
              }) == 0);
        check_body(r.send(), "1");
        CHECK(r.server.connection_count() == 2);
    }
}

TEST_CASE("a child of a child has connections of its own") {
    rig r([](seen_request const& seen) -> reply {
        return {response(200, std::to_string(seen.connection))};
    });
    check_body(r.send(), "1");
    CHECK(in_child([&] {
              auto const mine = r.send();
              if (!mine || mine->body != "2") return 1;
              if (in_child([&] {
                      auto const own = r.send();
                      return own && own->body == "3" ? 0 : 1;
                  }) != 0)
                  return 2;
              auto const again = r.send();
              return again && again->body == "2" ? 0 : 3;
          }) == 0);
    check_body(r.send(), "1");
}

// -------------------------------------------------------------------------------------- the rest

TEST_CASE("no descriptor is left behind") {
    auto const count = [] {
        std::filesystem::directory_iterator const open("/proc/self/fd");
        return std::distance(begin(open), std::filesystem::directory_iterator());
    };
    std::ptrdiff_t before = 0;
    {
        rig r(in_turn({in_two(response(200, padded("a")), response(200, "forged"))}),
              {.tls = true});
        check_body(r.send(), "a");
        std::this_thread::sleep_for(40ms);
        check_body(r.send(), "a");
        std::this_thread::sleep_for(40ms);
        before = count();
        for (int i = 0; i != 10; ++i) {
            check_body(r.send(), "a");
            std::this_thread::sleep_for(40ms);
        }
        CHECK(count() <= before + 1); // the server may not have closed its end yet
    }
    CHECK(count() < before);
}

TEST_CASE("a connection that was closed behind libcurl's back leads to a new one") {
    rig r(in_turn({{response(200, "a")}}));
    check_body(r.send(), "a");
    for (int i = 3; i != 100; ++i) { // the client's socket is one of these; the server's is not
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(i, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
            ntohs(peer.sin_port) == r.server.port())
            ::shutdown(i, SHUT_RDWR);
    }
    check_body(r.send(), "a");
    CHECK(r.server.connection_count() == 2);
}

TEST_CASE("a hook is told of libcurl's connections: opened, reused, closed and why") {
    std::string lines;
    auto const note = [&](connection_event const& e) {
        CHECK((e.connection == 0) == (e.change == connection_change::open_failed));
        lines.append(to_string(e.change)).append(' ' + std::to_string(e.requests));
        if (e.why != close_reason::none) lines.append(": ").append(to_string(e.why));
        if (e.failure != nullptr)
            lines.append(": ").append(to_string(errc(e.failure->code().value())));
        lines += '\n';
    };
    auto const take = [&] { return std::exchange(lines, {}); };
    scripted_server server(testing::in_turn({{.bytes = response(200, "{}")},
                                             {.bytes = response(200, "{}")},
                                             {.then = end::close},
                                             {.bytes = response(200, "{}")}}));
    {
        curl_transport const transport(curl_options().connection_trace(note));
        http::request r{.origin = server.origin()};
        r.target = "/";
        auto const send = [&] { return transport.send(r, transport.now() + 10s).get(); };
        CHECK(send());
        CHECK(take() == "opened 0\n");
        CHECK(transport.connections() == connection_counts{.open = 1, .idle = 1});
        CHECK(send());
        CHECK(take() == "reused 1\n");
        CHECK_FALSE(send());
        auto const lost = take(); // libcurl opens another one, over which nothing is sent
        CHECK(lost.starts_with("reused 2\nclosed 2: "));
        CHECK(transport.connections() == connection_counts{});
        CHECK(send());
        CHECK(take() == "opened 0\n");
        r.origin = http::origin::parse("http://127.0.0.1:1").value();
        CHECK_FALSE(send());
        CHECK(take() == "not opened 0: connection refused or unreachable\n"
                        "closed 1: the request failed: connection refused or unreachable\n");
        r.origin = server.origin();
        CHECK(send());
        take();
    }
    CHECK(take() == "closed 1: the transport or the call was destroyed\n");
}

} // namespace
