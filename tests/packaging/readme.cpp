// The functions of README, transport guide and the page on issue run against a sandbox. The README's program is only
// compiled, for it would talk to Cloudflare.
#include "readme_endpoint.hpp"
#include "readme_failure.hpp"
#include "readme_issue.hpp"
#include "transport_coroutine.hpp"
#include "transport_options.hpp"

#include <cloudflare/testing/sandbox_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

bool holds_access_page(cloudflare::beast_options const& beast,
                       cloudflare::client_options const& options,
                       cloudflare::access::account_scope account, std::string const& directory);

int main() {
    namespace cf = cloudflare;
    namespace fs = std::filesystem;
    auto const directory = fs::temp_directory_path() / ("readme-" + std::to_string(::getpid()));
    fs::create_directory(directory);

    boost::asio::io_context serving(1);
    cf::testing::sandbox_server server(serving);
    std::ofstream(directory / "ca.pem") << server.ca_pem();
    std::thread thread([&] { serving.run(); });

    auto const account =
        cf::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    auto const credentials = cf::api_token::make("sample").value();
    auto const options =
        cf::client_options().base_url(cf::base_url::parse(server.base_url()).value());
    auto const beast = cf::beast_options().ca_file((directory / "ca.pem").string());

    boost::asio::io_context context(1);
    std::optional<cf::result<std::string>> made;
    boost::asio::co_spawn(
        context,
        make_token({cf::beast_transport(context.get_executor(), beast), credentials, options},
                   account),
        [&](std::exception_ptr thrown, cf::result<std::string> id) {
            if (thrown) std::rethrow_exception(thrown);
            made = std::move(id);
        });
    context.run();
    auto const issued = issue({cf::blocking_beast_transport(beast), credentials, options}, account,
                              directory.string());
    bool const stored = fs::exists(directory / "token");
    bool const access_page = holds_access_page(beast, options, account, directory.string());

    serving.stop();
    thread.join();
    fs::remove_all(directory);
    static_assert(cf::operation<get_zone>);
    bool const endpoint = get_zone{"023e"}.target().value() == "/zones/023e";
    bool const failure = report(cf::error(cf::errc::invalid_argument)) == 1;
    bool const good = made && made->has_value() && issued.has_value() && stored && endpoint &&
                      failure && access_page;
    std::printf(good ? "the README holds\n" : "the README does not hold\n");
    return good ? 0 : 1;
}
