// Asks an issuing server, or the API, as many clients at once; prints how many responses of each status came, the rate, and
// the latencies.
//
// Usage: issuing_server_load BASE_URL CA_FILE CLIENTS COUNT SECONDS [METHOD] TARGET
//   BASE_URL  e.g. https://127.0.0.1:8443
//   COUNT     requests in all; ends earlier after SECONDS
//   TARGET    `%` stands for the number of the request, `%N` for its rest by N; "create" makes tokens by the library alone
//   BEARER    (environment) the bearer token
#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace {

namespace cf = cloudflare;
namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

struct load {
    std::string base_url, method, target;
    long count = 0;
    clock_type::time_point end{};
    long next = 0;
    std::map<int, long> statuses{}; // 0: no response
    std::vector<double> milliseconds{};

    [[nodiscard]] bool take(long& number) {
        number = next;
        return next < count && clock_type::now() < end && ++next > 0;
    }
    void note(int status, clock_type::time_point begun) {
        ++statuses[status];
        std::chrono::duration<double, std::milli> const span = clock_type::now() - begun;
        milliseconds.push_back(span.count());
    }
    [[nodiscard]] std::string target_of(long number) const {
        auto const at = target.find('%');
        if (at == target.npos) return target;
        std::size_t digits = 0;
        while (at + 1 + digits < target.size() && target[at + 1 + digits] >= '0' &&
               target[at + 1 + digits] <= '9')
            ++digits;
        auto const rest = digits == 0 ? number : number % std::stol(target.substr(at + 1, digits));
        return target.substr(0, at) + std::to_string(rest) + target.substr(at + 1 + digits);
    }
    void print(double seconds) {
        std::sort(milliseconds.begin(), milliseconds.end());
        auto const at = [&](double part) {
            auto const i =
                static_cast<std::size_t>(part * static_cast<double>(milliseconds.size()));
            return milliseconds.empty() ? 0 : milliseconds[std::min(i, milliseconds.size() - 1)];
        };
        for (auto const& [status, n] : statuses)
            std::cout << n << " x " << status << ", ";
        rusage used{};
        ::getrusage(RUSAGE_SELF, &used);
        auto const cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
        auto const n = static_cast<double>(milliseconds.size());
        std::cout << n / seconds << "/s, p50 " << at(.5) << " ms, p99 " << at(.99) << " ms, max "
                  << at(1) << " ms; own CPU " << cpu / n * 1e6 << " us each\n";
    }
};

asio::awaitable<void> ask(cf::beast_transport transport, load& l) {
    cf::http::request r{.origin = cf::http::origin::parse(l.base_url).value()};
    r.method = l.method == "GET"      ? cf::http::method::get
               : l.method == "DELETE" ? cf::http::method::delete_
                                      : cf::http::method::put;
    if (auto const* const bearer = std::getenv("BEARER"))
        r.fields.set("Authorization", std::string("Bearer ") + bearer).value();
    for (long number = 0; l.take(number);) {
        r.target = l.target_of(number);
        auto const begun = clock_type::now();
        auto pending = transport.send(r, begun + std::chrono::seconds(60));
        auto const response = co_await std::move(pending);
        l.note(response ? response->status : 0, begun);
    }
}

asio::awaitable<void> create(cf::beast_transport transport, load& l) {
    cf::client client(transport, cf::api_token::make("sample-token").value(),
                      cf::client_options()
                          .base_url(cf::base_url::parse(l.base_url).value())
                          .limiter(cf::limiter::off()));
    auto const account =
        cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    cf::access::service_tokens tokens(client, account);
    for (long number = 0; l.take(number);) {
        auto const begun = clock_type::now();
        auto pending = tokens.create(cf::access::create_params("plain"));
        auto const made = co_await std::move(pending);
        l.note(made ? 201 : made.error().details().http_status, begun);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 7 && argc != 8) return 2;
    load l{argv[1], argc == 8 ? argv[6] : "GET", argv[argc - 1]};
    l.count = std::stol(argv[4]);
    auto const begun = clock_type::now();
    l.end = begun + std::chrono::seconds(std::stol(argv[5]));
    asio::io_context context(1);
    cf::beast_options options;
    options.ca_file(argv[2]).max_idle_connections(1000);
    cf::beast_transport const transport(context.get_executor(), options);
    for (int n = std::stoi(argv[3]); n != 0; --n)
        asio::co_spawn(context, l.target == "create" ? create(transport, l) : ask(transport, l),
                       asio::detached);
    context.run();
    l.print(std::chrono::duration<double>(clock_type::now() - begun).count());
}
