// By libcurl and libpq alone, without OpenSSL: neither finds a server.
#include <cloudflare/access.hpp>
#include <cloudflare/access/postgres_store.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/curl.hpp>

#include <chrono>
#include <iostream>

namespace cf = cloudflare;

int main() {
    cf::client client(cf::curl_transport(), cf::api_token::make("sample").value(),
                      cf::client_options().base_url(
                          cf::base_url::parse("https://127.0.0.1:1/client/v4").value()));
    auto const account =
        cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    auto const token = cf::access::service_tokens(client, account)
                           .create(cf::access::create_params("ci"),
                                   cf::call_options().deadline(std::chrono::milliseconds(200)))
                           .get();
    if (!token) std::cout << "curl: " << token.error() << '\n';
    cf::access::postgres_database database(cf::access::postgres_options()
                                               .connection(cf::secret("host=127.0.0.1 port=1"))
                                               .deadline(std::chrono::milliseconds(200)));
    auto const opened = database.open();
    if (!opened) std::cout << "postgres: " << opened.error() << '\n';
    return !token && token.error().delivery() == cf::delivery::not_sent && !opened ? 0 : 1;
}
