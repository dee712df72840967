/// Clients in static storage, with connections over TLS that are kept: the process ends in good order, also where OpenSSL has
/// ended before the clients do. (OpenSSL ends itself by atexit(3), which it asks for when it is first used: after the globals of a
/// program were made, so before they are destroyed.)
///
/// Usage: static_client beast | blocking_beast | curl
#include <cloudflare/access.hpp>
#include <cloudflare/testing/sandbox_server.hpp>
#include <cloudflare/transport/async_call.hpp>
#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/curl.hpp>

#include <boost/asio/io_context.hpp>

#include <openssl/crypto.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <unistd.h>

namespace cf = cloudflare;
namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

bool openssl_has_ended = false;

[[noreturn]] void fail(std::string const& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    ::_exit(1);
}

/// A client, and what `beast_transport` runs on; the others need no context.
template <class Transport>
struct stored_client {
    asio::io_context context{1};
    std::optional<cf::client<Transport>> client{};

    ~stored_client() {
        if (client && openssl_has_ended != (this == &outliving))
            fail("the order of destruction is not the one to be tried");
    }
    /// A global: it was made before OpenSSL was used, so OpenSSL ends before it does.
    static stored_client outliving;
    /// A function's static, made when OpenSSL is in use: it ends before OpenSSL does.
    static stored_client& local() {
        static stored_client stored;
        return stored;
    }
};
template <class Transport>
stored_client<Transport> stored_client<Transport>::outliving;

/// A sandbox over TLS, on a thread of its own.
class server {
public:
    server() : thread_([this] { context_.run(); }) { std::ofstream(ca_file_) << sandbox_.ca_pem(); }
    /// From now on each second list has no response.
    void leave_calls_under_way() {
        sandbox_.access([](cf::testing::sandbox&, cf::testing::fault_plan& faults) {
            static_cast<void>(faults.add("GET#2=hang-after").value());
            static_cast<void>(faults.add("GET#4=hang-after").value());
        });
    }
    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server() {
        context_.stop();
        thread_.join();
        std::filesystem::remove(ca_file_);
    }
    [[nodiscard]] std::string const& ca_file() const noexcept { return ca_file_; }
    [[nodiscard]] cf::client_options options() const {
        return cf::client_options().base_url(cf::base_url::parse(sandbox_.base_url()).value());
    }

private:
    asio::io_context context_{1};
    cf::testing::sandbox_server sandbox_{context_};
    std::string ca_file_ = std::filesystem::temp_directory_path() /
                           ("static-client-" + std::to_string(::getpid()) + ".pem");
    std::thread thread_;
};

cf::access::list_service_tokens list() {
    return cf::access::list_service_tokens(
        cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value());
}

/// A call that succeeds, and leaves a connection that is kept.
template <class Transport>
void use(stored_client<Transport>& stored) {
    auto const listed = stored.client->call(list()).get();
    if (!listed) fail(listed.error().to_string());
}
/// The same, and then a call that is still under way when the process ends.
void use(stored_client<cf::beast_transport>& stored) {
    int ended = 0;
    auto const call = [&] {
        cf::async_call(*stored.client, list(), [&ended](std::exception_ptr, auto const& listed) {
            if (!listed) fail(listed.error().to_string());
            ++ended;
        });
    };
    call();
    stored.context.run();
    stored.context.restart();
    if (ended != 1) fail("the first call does not end");
    call();
    stored.context.run_for(100ms);
    if (ended != 1) fail("the second call ends");
}

template <class Transport, class Make>
void use_both(server const& serving, Make make) {
    for (auto* stored :
         {&stored_client<Transport>::outliving, &stored_client<Transport>::local()}) {
        stored->client.emplace(make(stored->context), cf::api_token::make("sample").value(),
                               serving.options());
        use(*stored);
    }
}

} // namespace

int main(int argc, char** argv) {
    std::string_view const transport = argc > 1 ? argv[1] : "";
    ::OPENSSL_atexit([] { openssl_has_ended = true; });
    server serving;
    auto const beast = cf::beast_options().ca_file(serving.ca_file());
    if (transport == "beast") {
        serving.leave_calls_under_way();
        use_both<cf::beast_transport>(serving, [&](asio::io_context& context) {
            return cf::beast_transport(context.get_executor(), beast);
        });
    } else if (transport == "blocking_beast") {
        use_both<cf::blocking_beast_transport>(
            serving, [&](asio::io_context&) { return cf::blocking_beast_transport(beast); });
    } else if (transport == "curl") {
        use_both<cf::curl_transport>(serving, [&](asio::io_context&) {
            return cf::curl_transport(cf::curl_options().ca_file(serving.ca_file()));
        });
    } else {
        fail("usage: static_client beast | blocking_beast | curl");
    }
}
