// Many creates in flight at once on one thread, against a server that takes its time: the memory of each.
//
//   in_flight CALLS BASE_URL...
#include "cloudflare_client.hpp"

#include <cloudflare/transport/beast.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <malloc.h>

namespace {

namespace asio = boost::asio;
using tokens_type =
    cloudflare::access::service_tokens<cloudflare::client<cloudflare::beast_transport>,
                                       cloudflare::access::account_scope>;

// What the process takes: on the heap, and of the machine's memory.
struct memory {
    std::size_t heap = 0;
    std::size_t resident = 0;

    static memory now() {
        auto const heap = mallinfo2();
        std::size_t total_pages = 0, resident_pages = 0;
        std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
        return {heap.uordblks + heap.hblkhd, resident_pages * 4096};
    }
};

class crowd {
public:
    crowd(std::size_t calls, std::vector<std::string> const& base_urls) : calls_(calls) {
        bench::arguments given;
        given.concurrency = calls;
        cloudflare::beast_transport const transport(context_.get_executor(),
                                                    bench::transport_options(given));
        for (auto const& url : base_urls) {
            given.base_url = url;
            tokens_.push_back(bench::service_tokens_over(transport, given));
        }
    }

    void run() {
        auto const before = memory::now();
        auto const begin = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i != calls_; ++i)
            asio::co_spawn(context_, call(tokens_[i % tokens_.size()]), rethrow);
        asio::co_spawn(context_, watch(), rethrow);
        context_.run();
        std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
        std::cout << "calls=" << calls_ << " at_once=" << most_at_once_
                  << " heap_bytes_each=" << (most_.heap - before.heap) / calls_
                  << " resident_bytes_each=" << (most_.resident - before.resident) / calls_
                  << " seconds=" << took.count() << '\n';
    }

private:
    static void rethrow(std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    }

    asio::awaitable<void> call(tokens_type const& tokens) {
        most_at_once_ = std::max(most_at_once_, ++at_once_);
        auto const token = co_await tokens.create(bench::create_params());
        bench::sample::check(token.value().id, token.value().client_secret.reveal());
        --at_once_;
        ++ended_;
    }

    // Looks at the memory now and then until every call has ended.
    asio::awaitable<void> watch() {
        asio::steady_timer timer(context_);
        while (ended_ != calls_) {
            auto const now = memory::now();
            most_.heap = std::max(most_.heap, now.heap);
            most_.resident = std::max(most_.resident, now.resident);
            timer.expires_after(std::chrono::milliseconds(20));
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    std::size_t calls_;
    asio::io_context context_{1};
    std::vector<tokens_type> tokens_;
    std::size_t at_once_ = 0;
    std::size_t most_at_once_ = 0;
    std::size_t ended_ = 0;
    memory most_;
};

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 3) throw std::invalid_argument("usage: in_flight CALLS BASE_URL...");
        crowd(std::stoul(argv[1]), std::vector<std::string>(argv + 2, argv + argc)).run();
        return 0;
    } catch (std::exception const& e) {
        std::cerr << "in_flight: " << e.what() << '\n';
        return 1;
    }
}
