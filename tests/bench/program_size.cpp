// A program that uses Asio, TLS and Boost.JSON for something of its own; WITH_CLIENT adds this library's client.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

#ifdef WITH_CLIENT
#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>
#endif

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Sends a line of JSON over TLS and gives the one that comes back.
asio::awaitable<boost::json::value> ask(std::string host, std::string question) {
    auto executor = co_await asio::this_coro::executor;
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.set_default_verify_paths();
    tcp::resolver resolver(executor);
    auto const found = co_await resolver.async_resolve(host, "7000", asio::use_awaitable);
    asio::ssl::stream<tcp::socket> stream(executor, tls);
    co_await asio::async_connect(stream.next_layer(), found, asio::use_awaitable);
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    co_await asio::async_write(stream, asio::buffer(question), asio::use_awaitable);
    std::string line;
    co_await asio::async_read_until(stream, asio::dynamic_buffer(line), '\n', asio::use_awaitable);
    co_return boost::json::parse(line);
}

asio::awaitable<void> run(std::string host) {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    auto const response = co_await ask(host, "{\"question\":1}\n");
    std::cout << response.at("answer").as_string() << '\n';
}

#ifdef WITH_CLIENT
asio::awaitable<void> create(std::string name) {
    namespace access = cloudflare::access;
    cloudflare::client client(cloudflare::beast_transport(co_await asio::this_coro::executor),
                              cloudflare::credentials_from_environment().value());
    auto const account = access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    access::service_tokens tokens(client, account);
    auto const token = co_await tokens.create(access::create_params(std::move(name)));
    if (token) {
        std::cout << token->client_id << '\n';
    } else {
        std::cerr << token.error() << '\n';
    }
}
#endif

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) return 2;
        asio::io_context context;
        asio::co_spawn(context, run(argv[1]), asio::detached);
#ifdef WITH_CLIENT
        asio::co_spawn(context, create(argv[1]), asio::detached);
#endif
        context.run();
        return 0;
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
