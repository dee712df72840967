// Runs examples/protected_service against a page of the sandbox server behind Access, over TLS, while its token is
// rotated as often as there is time for.
// Usage: protected_service_test PROGRAM
#include <cloudflare/access.hpp>
#include <cloudflare/access/file_sink.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/access/rotator.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox_server.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace cf = cloudflare;
namespace cfa = cloudflare::access;
using client = cf::client<cf::blocking_beast_transport>;

int failures = 0;

void check(std::string const& what, bool holds, std::string const& seen) {
    if (holds) return;
    std::cout << "FAILED: " << what << '\n' << seen << '\n';
    ++failures;
}

/// The secret that came with the last request for the page.
class last_seen {
public:
    void operator()(cf::http::request const& r) {
        std::lock_guard const lock(mutex_);
        if (r.target == "/app") secret_ = r.fields.find("CF-Access-Client-Secret");
    }
    bool is(std::string_view secret) {
        std::lock_guard const lock(mutex_);
        return secret_ == secret;
    }

private:
    std::mutex mutex_;
    std::string secret_;
};

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

int main(int, char** argv) {
    auto const folder = std::filesystem::temp_directory_path() /
                        ("protected_service." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    boost::asio::io_context context(1);
    cf::testing::sandbox box;
    box.protect("/app");
    last_seen seen;
    cf::testing::sandbox_server_options server_options;
    server_options.on_request = [&](cf::http::request const& r) { seen(r); };
    cf::testing::sandbox_server server(context, std::move(box), std::move(server_options));
    std::ofstream(folder / "ca.pem") << server.ca_pem();
    std::thread runner([&] { context.run(); });

    client api(
        cf::blocking_beast_transport(cf::beast_options().ca_file((folder / "ca.pem").string())),
        cf::api_token::make("a-token-of-the-sandbox").value(),
        cf::client_options().base_url(cf::base_url::parse(server.base_url()).value()));
    auto const account = cfa::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    cfa::file_sink sink((folder / "token").string());
    cfa::memory_intent_log log;
    cfa::issuer issuer(api, account, sink, log);
    auto const id = issuer.issue("service", cfa::create_params("service")).get().value().token.id;

    auto const run = [&](std::string const& count) {
        auto const base = server.base_url();
        auto const command = std::string(argv[1]) + ' ' + base.substr(0, base.find('/', 8)) +
                             "/app " + sink.path() + ' ' + count + ' ' +
                             (folder / "ca.pem").string() + " >" + (folder / "out").string() +
                             " 2>&1";
        return WEXITSTATUS(std::system(command.c_str()));
    };

    std::atomic<int> status = -1;
    std::thread consumer([&] { status = run("200"); });
    cfa::rotator rotator(api, account, sink, log);
    int rotations = 0;
    auto const secret_now = [&] {
        return server.access([&](auto& b, auto&) { return b.find(id)->secret; });
    };
    while (status < 0) {
        // The grace ends when the consumer uses the new secret: from then on the old one is refused.
        if (!seen.is(secret_now())) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            continue;
        }
        if (rotations != 0) rotator.end_grace(id).get().value();
        rotator.rotate("service", std::chrono::hours(1)).get().value();
        ++rotations;
    }
    consumer.join();
    auto const out = read(folder / "out");
    check("no request was refused", status == 0, out);
    check("it was rotated several times", rotations > 2, std::to_string(rotations));
    check("the program used the secrets of several versions",
          out.find("let in with version 3\n") != out.npos, out);
    check("it says what it saw", out.find("200 requests, of which Access refused 0\n") != out.npos,
          out);
    check("no secret is shown", out.find("cfast_") == out.npos, out);

    // A token that is revoked is refused, and that is said.
    server.access([&](auto& b, auto&) { b.find(id)->enabled = false; });
    check("a token that is disabled is refused", run("1") == 1, read(folder / "out"));
    check("it says so", read(folder / "out") == "refused, with status 302\n", read(folder / "out"));

    context.stop();
    runner.join();
    std::filesystem::remove_all(folder);
    std::cout << rotations << " rotations, " << failures << " failed\n";
    return failures == 0 ? 0 : 1;
}
