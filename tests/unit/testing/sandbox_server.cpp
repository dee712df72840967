#include <cloudflare/testing/sandbox_server.hpp>

#include <doctest/doctest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sandbox_server_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::sandbox_server;
using tcp = boost::asio::ip::tcp;

constexpr char const* list_request =
    "GET /client/v4/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens HTTP/1.1\r\n"
    "Host: a\r\nAuthorization: Bearer a\r\n\r\n";

testing::sandbox_server_options plain() {
    testing::sandbox_server_options options;
    options.tls = false;
    return options;
}

tcp::socket connect_to(boost::asio::io_context& own, sandbox_server const& server) {
    tcp::socket socket(own);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), server.port()});
    return socket;
}

TEST_CASE("a request that comes just when its connection has been idle too long gets no response") {
    boost::asio::io_context context, own;
    auto options = plain();
    options.idle_timeout = 20ms;
    sandbox_server server(context, testing::sandbox(), options);
    context.poll();
    auto socket = connect_to(own, server);
    context.run_for(10ms); // the connection is accepted, and read from
    boost::asio::write(socket, boost::asio::buffer(std::string_view(list_request)));
    std::this_thread::sleep_for(40ms); // as in a process that stands still: both are ready now
    context.run_for(10ms);
    char byte = 0;
    boost::system::error_code ec;
    boost::asio::read(socket, boost::asio::buffer(&byte, 1), ec);
    CHECK(ec.failed());
}

TEST_CASE("a server without a descriptor left waits, and goes on when there is one") {
    boost::asio::io_context context, own;
    sandbox_server server(context, testing::sandbox(), plain());
    context.poll();
    auto socket = connect_to(own, server);
    std::vector<int> taken;
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    auto small = limit;
    small.rlim_cur = 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &small) == 0);
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        taken.push_back(fd);
    auto const turns = context.run_for(100ms);
    for (int const fd : taken)
        ::close(fd);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(turns < 100);
    CHECK(server.connection_count() == 0);
    context.run_for(50ms);
    CHECK(server.connection_count() == 1);
}

TEST_CASE("the base URL may be asked for while the switches are changed") {
    boost::asio::io_context context;
    sandbox_server server(context, testing::sandbox(), plain());
    std::thread other([&] {
        for (int i = 0; i != 200; ++i)
            server.access([&](auto& box, auto&) {
                box.options().base_path = std::string(100, static_cast<char>('a' + i % 2));
            });
    });
    std::size_t shortest = 1000;
    for (int i = 0; i != 200; ++i)
        shortest = std::min(shortest, server.base_url().size());
    other.join();
    CHECK(shortest > 25);
}

/// What the server sends to a list that meets this fault.
std::string response_to(std::string const& fault) {
    boost::asio::io_context context, own;
    std::string seen;
    auto options = plain();
    options.on_request = [&](http::request const& r) { seen += to_string(r.method); };
    sandbox_server server(context, testing::sandbox(), options);
    server.access([&](auto&, auto& faults) { faults.add("*=" + fault).value(); });
    std::thread runner([&] { context.run(); });
    auto socket = connect_to(own, server);
    boost::asio::write(socket, boost::asio::buffer(std::string_view(list_request)));
    std::string response;
    boost::system::error_code ec;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(response), "\r\n\r\n", ec);
    context.stop();
    runner.join();
    CHECK(seen == "GET");
    return response;
}

TEST_CASE("faults of a response's form are what they say") {
    auto const starts = [](std::string const& response, char const* with) {
        CAPTURE(response);
        CHECK(response.starts_with(with));
    };
    starts(response_to("close"), "HTTP/1.1 200 \r\n");
    starts(response_to("bare-status"), "HTTP/1.1 200\r\n");
    auto const limited = response_to("retry-after:Fri, 31 Dec 9999 23:59:59 GMT");
    starts(limited, "HTTP/1.1 429 ");
    CHECK(limited.find("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n") != limited.npos);
    auto const packed = response_to("gzip");
    CHECK(packed.find("Content-Encoding: gzip\r\n") != packed.npos);
    CHECK(packed.find("\r\n\r\n\x1f\x8b\x08") != packed.npos);
}

} // namespace
} // namespace sandbox_server_tests
