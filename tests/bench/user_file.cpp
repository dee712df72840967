// A file of a program that uses the client in a coroutine: what compile_cost.sh compiles.
#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>

boost::asio::awaitable<cloudflare::result<std::string>>
make_token(cloudflare::client<cloudflare::beast_transport> client,
           cloudflare::access::account_scope account) {
    cloudflare::access::service_tokens tokens(client, account);
    auto const token = co_await tokens.create(cloudflare::access::create_params("ci"));
    if (!token) co_return token.error();
    co_return token->id;
}
