// This library with Asio coroutines.
#include "cloudflare_client.hpp"
#include "contest.hpp"

#include <cloudflare/transport/beast.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>

namespace {

namespace asio = boost::asio;

class contestant {
public:
    explicit contestant(bench::arguments const& given)
        : concurrency_(given.concurrency),
          tokens_(bench::service_tokens_over(
              cloudflare::beast_transport(context_.get_executor(), bench::transport_options(given)),
              given)) {}

    void create(std::size_t count) {
        left_ = count;
        for (std::size_t i = 0; i != concurrency_; ++i)
            asio::co_spawn(context_, work(), [](std::exception_ptr thrown) {
                if (thrown) std::rethrow_exception(thrown);
            });
        context_.restart();
        context_.run();
    }

private:
    asio::awaitable<void> work() {
        while (left_ != 0) {
            --left_;
            auto const token = co_await tokens_.create(bench::create_params());
            bench::sample::check(token.value().id, token.value().client_secret.reveal());
        }
    }

    asio::io_context context_{1};
    std::size_t concurrency_;
    cloudflare::access::service_tokens<cloudflare::client<cloudflare::beast_transport>,
                                       cloudflare::access::account_scope>
        tokens_;
    std::size_t left_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    return bench::run_contest<contestant>(argc, argv);
}
