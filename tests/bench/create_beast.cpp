// Beast's own coroutine algorithms, as its examples use them, with a deadline for each call.
#include "contest.hpp"
#include "token_json.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tls_stream = beast::ssl_stream<beast::tcp_stream>;

http::request<http::string_body> make_request(bench::address const& server) {
    http::request<http::string_body> request{http::verb::post,
                                             server.path + std::string(bench::sample::target), 11};
    request.set(http::field::host, server.host + ":" + server.port);
    request.set(http::field::authorization, "Bearer " + std::string(bench::sample::api_token));
    request.set(http::field::user_agent, "bench");
    request.set(http::field::accept, "application/json");
    request.set(http::field::content_type, "application/json");
    request.body() = bench::create_body();
    request.prepare_payload();
    return request;
}

// One of the calls that are made at once, over a connection of its own.
template <class Stream>
class caller {
public:
    caller(std::unique_ptr<Stream> stream, bench::address const& server)
        : stream_(std::move(stream)), server_(server) {}

    asio::awaitable<void> work(std::size_t& left) {
        while (left != 0) {
            --left;
            auto const request = make_request(server_);
            beast::get_lowest_layer(*stream_).expires_after(std::chrono::seconds(30));
            co_await http::async_write(*stream_, request, asio::use_awaitable);
            http::response<http::string_body> response;
            co_await http::async_read(*stream_, received_, response, asio::use_awaitable);
            if (response.result_int() / 100 != 2) throw std::runtime_error("refused");
            static_cast<void>(bench::read_token(response.body()));
        }
    }

private:
    std::unique_ptr<Stream> stream_;
    bench::address const& server_;
    beast::flat_buffer received_;
};

class contestant {
public:
    explicit contestant(bench::arguments const& given) : server_(given.server()) {
        tls_.set_verify_mode(asio::ssl::verify_peer);
        if (server_.secure) tls_.load_verify_file(given.ca_file);
        for (std::size_t i = 0; i != given.concurrency; ++i)
            add_caller();
    }

    void create(std::size_t count) {
        left_ = count;
        for (auto& c : plain_callers_)
            spawn(*c);
        for (auto& c : tls_callers_)
            spawn(*c);
        context_.restart();
        context_.run();
    }

private:
    void connect(beast::tcp_stream& stream) {
        stream.connect({asio::ip::make_address(server_.host), server_.port_number()});
        stream.socket().set_option(asio::ip::tcp::no_delay(true));
    }

    void add_caller() {
        if (!server_.secure) {
            auto stream = std::make_unique<beast::tcp_stream>(context_);
            connect(*stream);
            plain_callers_.push_back(
                std::make_unique<caller<beast::tcp_stream>>(std::move(stream), server_));
            return;
        }
        auto stream = std::make_unique<tls_stream>(context_, tls_);
        connect(stream->next_layer());
        stream->set_verify_callback(asio::ssl::host_name_verification(server_.host));
        stream->handshake(asio::ssl::stream_base::client);
        tls_callers_.push_back(std::make_unique<caller<tls_stream>>(std::move(stream), server_));
    }

    template <class Stream>
    void spawn(caller<Stream>& c) {
        asio::co_spawn(context_, c.work(left_), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    }

    bench::address server_;
    asio::io_context context_{1};
    asio::ssl::context tls_{asio::ssl::context::tls_client};
    std::vector<std::unique_ptr<caller<beast::tcp_stream>>> plain_callers_;
    std::vector<std::unique_ptr<caller<tls_stream>>> tls_callers_;
    std::size_t left_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    return bench::run_contest<contestant>(argc, argv);
}
