// sandbox-server: the service tokens API on loopback, for trying things out without an account.
#include <cloudflare/testing/sandbox_server.hpp>

#include <boost/asio/signal_set.hpp>
#include <boost/describe/class.hpp>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cf = cloudflare;
namespace po = boost::program_options;
using cf::testing::sandbox_options;

namespace cloudflare::inline v0::testing {
BOOST_DESCRIBE_STRUCT(sandbox_options, (),
                      (base_path, token_limit, api_token, read_permission, rate_limit,
                       shows_rate_limit, rate_ban, tells_retry_after, refusal_status, refusal_code,
                       create_status, limit_status, limit_code, limit_message, max_name_length,
                       cuts_long_names, trims_names, max_duration, cfast_secrets, masks_secrets,
                       shows_expiry_with_secret, rotate_raises_version, rotate_refuses_disabled,
                       rotate_refuses_expired, zones_have_actions, lower_version_is_refused,
                       update_moves_expiry, update_shows_secret, refresh_uses_duration,
                       shows_previous_expiry, max_grace, max_grace_of_rotation, delete_shows_token,
                       shows_version_and_enabled, forever_expires_at, filters_by_name,
                       filters_by_search, name_is_substring, max_per_page, ignores_page,
                       has_result_info, list_lag))
}

namespace {

void assign(std::string& to, std::string const& text) {
    to = text;
}
void assign(bool& to, std::string const& text) {
    if (text != "true" && text != "false") throw std::invalid_argument("must be true or false");
    to = text == "true";
}
void assign(cf::timestamp& to, std::string const& text) {
    to = cf::timestamp::parse(text).value();
}
void assign(std::chrono::seconds& to, std::string const& text) {
    to = std::chrono::seconds(std::stol(text));
}
template <class Number>
void assign(Number& to, std::string const& text) {
    to = static_cast<Number>(std::stoll(text));
}

// Sets the switch that `NAME=VALUE` names.
void set_switch(sandbox_options& switches, std::string const& entry) {
    auto const equals = entry.find('=');
    auto const name = entry.substr(0, equals);
    bool found = false;
    using members = boost::describe::describe_members<sandbox_options, boost::describe::mod_public>;
    boost::mp11::mp_for_each<members>([&](auto member) {
        if (name != member.name || equals == entry.npos) return;
        assign(switches.*member.pointer, entry.substr(equals + 1));
        found = true;
    });
    if (!found) throw std::invalid_argument("no such switch: " + entry);
}

int run(po::variables_map const& given) {
    sandbox_options switches;
    if (given.count("set") != 0)
        for (auto const& entry : given["set"].as<std::vector<std::string>>())
            set_switch(switches, entry);
    cf::testing::sandbox_server_options options;
    options.tls = given.count("plain") == 0;
    options.port = given["port"].as<std::uint16_t>();
    std::ofstream log;
    if (given.count("log") != 0) {
        log.open(given["log"].as<std::string>());
        options.on_request = [&log](cf::http::request const& r) {
            log << to_string(r.method) << ' ' << r.target
                << std::endl; // flushed: a script may be waiting for it
        };
    }

    if (auto const scale = given["time-scale"].as<std::int64_t>(); scale != 1) {
        auto const start = std::chrono::system_clock::now();
        options.clock = [start, scale] {
            return cf::timestamp(start + (std::chrono::system_clock::now() - start) * scale);
        };
    }

    boost::asio::io_context context(1);
    cf::testing::sandbox box(given["seed"].as<std::uint64_t>(), switches);
    if (given.count("protect") != 0)
        for (auto const& page : given["protect"].as<std::vector<std::string>>())
            box.protect(page);
    cf::testing::sandbox_server server(context, std::move(box), options);
    if (given.count("fault") != 0)
        for (auto const& entry : given["fault"].as<std::vector<std::string>>())
            server.access([&](auto&, auto& faults) { faults.add(entry).value(); });
    if (given.count("ca-file") != 0)
        std::ofstream(given["ca-file"].as<std::string>()) << server.ca_pem();

    std::cout << server.base_url() << std::endl; // flushed: a script may be waiting for it
    boost::asio::signal_set stop(context, SIGINT, SIGTERM);
    stop.async_wait([&](auto, auto) { context.stop(); });
    context.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    po::options_description all("Usage: sandbox-server [OPTIONS]\n\nServes the service tokens API "
                                "on 127.0.0.1 and prints its base URL.\n\nOptions");
    auto add = all.add_options();
    add("help,h", "show this and end");
    add("port", po::value<std::uint16_t>()->default_value(0), "the port; 0 for any that is free");
    add("plain", "without TLS");
    add("ca-file", po::value<std::string>(),
        "where to write the certificate that clients must trust");
    add("log", po::value<std::string>(),
        "a file that gets a line for each request as it arrives: its method and target");
    add("seed", po::value<std::uint64_t>()->default_value(1), "where ids and secrets start");
    add("protect", po::value<std::vector<std::string>>(),
        "the target of a page behind Access, again and again, e.g. /app: who shows a token's two "
        "headers gets 200, anybody else a redirect to the login page");
    add("time-scale", po::value<std::int64_t>()->default_value(1),
        "how much faster than the clock the server's time runs, from its start on: its Date and "
        "all "
        "that expires");
    add("fault", po::value<std::vector<std::string>>(),
        "WHEN=WHAT, again and again, e.g. POST#1=drop-after, GET=respond-before:503:busy, "
        "*=truncate:100, drip:5, delay:100, chunked, close, reset-before, reset-after, "
        "hang-before, hang-after, retry-after:60, gzip, bare-status");
    add("set", po::value<std::vector<std::string>>(),
        "NAME=VALUE, again and again: a switch of sandbox_options.hpp, e.g. token_limit=2");
    try {
        po::variables_map given;
        po::store(po::parse_command_line(argc, argv, all), given);
        po::notify(given);
        if (given.count("help") != 0) {
            std::cout << all;
            return 0;
        }
        return run(given);
    } catch (std::exception const& e) {
        std::cerr << "sandbox-server: " << e.what() << '\n';
        return 2;
    }
}
