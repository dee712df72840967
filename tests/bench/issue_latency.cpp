// How much later an issue returns than a plain create: with a file log and a directory of secrets, each flushed to the disk,
// against an API that responds after a latency. With `return_when_stored` it is one request and what is written down.
// Usage: issue_latency DIRECTORY [LATENCY_MS [COUNT]]
#include <cloudflare/access.hpp>
#include <cloudflare/access/directory_sink.hpp>
#include <cloudflare/access/file_intent_log.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace cf = cloudflare;
namespace cfa = cloudflare::access;

/// A sandbox that is a latency away.
struct far_sandbox {
    template <class T>
    using task = cf::blocking<T>;

    std::chrono::milliseconds latency;
    std::shared_ptr<cf::testing::sandbox> box = std::make_shared<cf::testing::sandbox>();

    task<cf::result<cf::http::response>> send(cf::http::request const& r, cf::time_point) {
        std::this_thread::sleep_for(latency);
        co_return box->handle(r, cf::timestamp(std::chrono::system_clock::now()));
    }
    task<void> sleep_until(cf::time_point t) {
        std::this_thread::sleep_until(t);
        co_return;
    }
    [[nodiscard]] cf::time_point now() const { return std::chrono::steady_clock::now(); }
};

/// The median of so many, in milliseconds.
template <class Function>
double median_of(int count, Function run) {
    std::vector<double> all;
    for (int n = 0; n != count; ++n) {
        auto const begun = std::chrono::steady_clock::now();
        run(n);
        all.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
                .count());
    }
    std::nth_element(all.begin(), all.begin() + count / 2, all.end());
    return all[static_cast<std::size_t>(count / 2)];
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    std::string const directory = argv[1];
    std::chrono::milliseconds const latency(argc > 2 ? std::atoi(argv[2]) : 100);
    int const count = argc > 3 ? std::atoi(argv[3]) : 50;
    far_sandbox const transport{latency};
    cf::client client(transport, cf::api_token::make("sample").value(),
                      cf::client_options().limiter(cf::limiter::off()));
    auto const account = cfa::account_scope::parse(std::string(32, 'a')).value();
    cfa::file_intent_log log(directory + "/intents");
    cfa::directory_sink sink(directory);
    transport.box->options().token_limit = 1'000'000;
    cfa::issuer whole(client, account, sink, log);
    cfa::issuer early(client, account, sink, log, cfa::issue_options().return_when_stored(true));

    auto const plain = median_of(count, [&](int) {
        client.call(cfa::create_service_token(account, cfa::create_params("ci"))).get().value();
    });
    auto const stored = median_of(count, [&](int n) {
        early.issue("early " + std::to_string(n), cfa::create_params("ci")).get().value();
    });
    auto const finished = median_of(count, [&](int n) {
        whole.issue("whole " + std::to_string(n), cfa::create_params("ci")).get().value();
    });
    std::printf(
        "a plain create %.2f ms; an issue that returns when stored %.2f ms (%.3f); an issue "
        "%.2f ms (%.3f)\n",
        plain, stored, stored / plain, finished, finished / plain);
}
