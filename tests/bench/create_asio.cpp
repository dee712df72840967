// Asio coroutines with its own buffers and Beast's parser, executors known at compile time.
#include "contest.hpp"
#include "token_json.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using executor = asio::io_context::executor_type;
using task = asio::awaitable<void, executor>;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using tls_stream = asio::ssl::stream<tcp_socket>;

// One of the calls that are made at once, over a connection of its own.
template <class Stream>
class caller {
public:
    caller(Stream stream, std::string const& head) : stream_(std::move(stream)), head_(head) {}

    task work(std::size_t& left) {
        while (left != 0) {
            --left;
            auto const body = bench::create_body();
            wire_.assign(head_).append(std::to_string(body.size())).append("\r\n\r\n").append(body);
            co_await asio::async_write(stream_, asio::buffer(wire_), asio::deferred);
            http::response_parser<http::string_body> parser;
            parser.eager(true);
            while (!parser.is_done()) {
                auto const buffer =
                    asio::buffer(received_.data() + size_, received_.size() - size_);
                size_ += co_await stream_.async_read_some(buffer, asio::deferred);
                take_in(parser);
            }
            if (parser.get().result_int() / 100 != 2) throw std::runtime_error("refused");
            static_cast<void>(bench::read_token(parser.get().body()));
        }
    }

private:
    void take_in(http::response_parser<http::string_body>& parser) {
        boost::system::error_code failed;
        auto const used = parser.put(asio::buffer(received_.data(), size_), failed);
        if (failed && failed != http::error::need_more) throw boost::system::system_error(failed);
        std::copy(received_.data() + used, received_.data() + size_, received_.data());
        size_ -= used;
    }

    Stream stream_;
    std::string const& head_;
    std::string wire_;
    std::array<char, 16384> received_;
    std::size_t size_ = 0;
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
    static std::string head_of(bench::address const& server) {
        std::string head = "POST " + server.path;
        head.append(bench::sample::target).append(" HTTP/1.1\r\nHost: ").append(server.host);
        head.append(":").append(server.port).append("\r\nAuthorization: Bearer ");
        head.append(bench::sample::api_token).append("\r\nUser-Agent: bench\r\n");
        head.append("Accept: application/json\r\nContent-Type: application/json\r\n");
        return head += "Content-Length: ";
    }

    void add_caller() {
        tcp_socket socket(context_.get_executor());
        socket.connect({asio::ip::make_address(server_.host), server_.port_number()});
        socket.set_option(asio::ip::tcp::no_delay(true));
        if (!server_.secure) {
            plain_callers_.push_back(
                std::make_unique<caller<tcp_socket>>(std::move(socket), head_));
            return;
        }
        tls_stream stream(std::move(socket), tls_);
        stream.set_verify_callback(asio::ssl::host_name_verification(server_.host));
        stream.handshake(asio::ssl::stream_base::client);
        tls_callers_.push_back(std::make_unique<caller<tls_stream>>(std::move(stream), head_));
    }

    template <class Stream>
    void spawn(caller<Stream>& c) {
        asio::co_spawn(context_.get_executor(), c.work(left_), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    }

    bench::address server_;
    std::string head_ = head_of(server_);
    asio::io_context context_{1};
    asio::ssl::context tls_{asio::ssl::context::tls_client};
    std::vector<std::unique_ptr<caller<tcp_socket>>> plain_callers_;
    std::vector<std::unique_ptr<caller<tls_stream>>> tls_callers_;
    std::size_t left_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    return bench::run_contest<contestant>(argc, argv);
}
