// Creates a token over TLS by Beast and by libcurl, against a sandbox server in the same process, and looks for a
// PostgreSQL server where there is none.
#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox_server.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#ifdef WITH_CURL
#include <cloudflare/transport/curl.hpp>
#endif
#ifdef WITH_POSTGRES
#include <cloudflare/access/postgres_store.hpp>
#endif

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

namespace cf = cloudflare;

namespace {

template <class Transport>
bool creates(char const* name, Transport transport, std::string const& base_url) {
    cf::client client(std::move(transport), cf::api_token::make("sample").value(),
                      cf::client_options().base_url(cf::base_url::parse(base_url).value()));
    auto const account =
        cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    auto const token =
        cf::access::service_tokens(client, account).create(cf::access::create_params(name)).get();
    if (token) {
        std::cout << name << ": created\n";
    } else {
        std::cout << name << ": " << token.error() << '\n';
    }
    return token.has_value();
}

} // namespace

int main(int, char** argv) {
    boost::asio::io_context serving(1);
    cf::testing::sandbox_server server(serving);
    std::string const ca_file = std::string(argv[0]) + ".ca.pem";
    std::ofstream(ca_file) << server.ca_pem();
    std::thread thread([&] { serving.run(); });
    bool good = creates("beast", cf::blocking_beast_transport(cf::beast_options().ca_file(ca_file)),
                        server.base_url());
#ifdef WITH_CURL
    good = creates("curl", cf::curl_transport(cf::curl_options().ca_file(ca_file)),
                   server.base_url()) &&
           good;
#endif
    serving.stop();
    thread.join();
#ifdef WITH_POSTGRES
    cf::access::postgres_database database(cf::access::postgres_options()
                                               .connection(cf::secret("host=127.0.0.1 port=1"))
                                               .deadline(std::chrono::milliseconds(200)));
    auto const opened = database.open();
    good = good && !opened && opened.error().code() == cf::errc::intent_log_failed;
    if (!opened) std::cout << "postgres: " << opened.error() << '\n';
#endif
    return good ? 0 : 1;
}
