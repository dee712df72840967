// The code of the page on stores in PostgreSQL runs against a server and a sandbox.
#include "access_postgres.hpp"

#include "postgres_world.hpp"

#include <cloudflare/testing/sandbox_server.hpp>

#include <doctest/doctest.h>

#include <string>
#include <thread>

namespace {

TEST_CASE("the page's function gives one token a machine") {
    boost::asio::io_context context(1);
    cloudflare::testing::sandbox_server server(context, cloudflare::testing::sandbox(),
                                               {.tls = false});
    auto const work = boost::asio::make_work_guard(context);
    std::thread loop([&] { context.run(); });
    cloudflare::client client(cloudflare::blocking_beast_transport(),
                              cloudflare::api_token::make("sample").value(),
                              cloudflare::client_options().base_url(
                                  cloudflare::base_url::parse(server.base_url()).value()));
    auto const account = cloudflare::access::account_scope::parse(std::string(32, 'a')).value();

    auto const first = client_id_of("machine-17", cloudflare::secret(), client, account);
    auto const second = client_id_of("machine-17", cloudflare::secret(), client, account);
    context.stop();
    loop.join();

    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(*first == *second);
    CHECK(postgres_world::execute("SELECT client_id FROM access.access_secrets WHERE key = "
                                  "'machine-17'") == *first);
}

} // namespace
