// What the server is told: one JSON file, whose members are called as here.
#pragma once

#include <cloudflare/access.hpp>
#include <cloudflare/access/sealing_key.hpp>
#include <cloudflare/server/settings.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/describe/class.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace cf = cloudflare;
namespace cfa = cloudflare::access;
using std::chrono::seconds;

struct rule { // patterns of the shell
    std::string identity;
    std::string names; // `{identity}` stands for the identity itself
};
BOOST_DESCRIBE_STRUCT(rule, (), (identity, names))

struct configuration {
    template <std::int64_t Least, std::int64_t Most>
    using number = cf::server::whole_number<Least, Most>;
    using path = std::filesystem::path; // in the file: absolute, or seen from its directory
    static constexpr std::int64_t ten_years = 10L * 365 * 86400; // in seconds

    std::string listen_address = "127.0.0.1";
    number<0, 65535> listen_port{8443}; // 0: any free one
    path tls_certificate, tls_key;
    path tls_client_ca; // who signs the certificates of machines; empty: none has one

    std::string account_id;
    std::string api_base_url = "https://api.cloudflare.com/client/v4";
    path api_ca_file;                         // empty: the system's CA certificates
    path api_token_file;                      // empty: the environment has the credentials
    number<1, 100'000> api_requests{1200};    // this server's share of the account's rate
    number<1, 86400> api_window_seconds{300}; // ... in this time

    path bearer_hashes; // lines: SHA-256 of a bearer token in hexadecimal, and an identity
    std::vector<rule> rules;
    std::vector<std::string> operators; // identities

    path state_directory;
    std::string postgres; // a connection string, in place of the directory
    std::string sealing_key_id;
    path sealing_key;

    number<512, 1048576> max_header_bytes{8192};
    number<0, 1048576> max_body_bytes{16384};
    number<1, 3600> request_seconds{30}, idle_seconds{60}, stop_seconds{20};
    number<1, 1'000'000> max_connections{1024};
    number<1, 10'000> concurrent_issues{16};
    number<0, 1'000'000> queue{256}; // issues that wait for their turn

    std::string token_duration = "8760h";
    number<1, ten_years> grace_seconds{86400}, refresh_before_seconds{30L * 86400};
    number<0, ten_years> rotate_after_seconds{0}; // 0: never
    bool replace_lost = false;
    number<1, ten_years> reconcile_seconds{60};

    path status_page{"status.html"};
};
BOOST_DESCRIBE_STRUCT(configuration, (),
                      (listen_address, listen_port, tls_certificate, tls_key, tls_client_ca,
                       account_id, api_base_url, api_ca_file, api_token_file, api_requests,
                       api_window_seconds, bearer_hashes, rules, operators, state_directory,
                       postgres, sealing_key_id, sealing_key, max_header_bytes, max_body_bytes,
                       request_seconds, idle_seconds, stop_seconds, max_connections,
                       concurrent_issues, queue, token_duration, grace_seconds,
                       refresh_before_seconds, rotate_after_seconds, replace_lost,
                       reconcile_seconds, status_page))

inline cf::wiped_string read_file(std::filesystem::path const& file) {
    std::ifstream in(file, std::ios::binary);
    cf::wiped_string all{std::istreambuf_iterator<char>(in), {}};
    if (!in) throw std::invalid_argument(file.string() + ": cannot be read");
    return all;
}

// The value; else throws the error's own words, behind whatever they are about.
template <class T>
T required(cf::result<T> r, std::string const& about = "") {
    if (r) return std::move(*r);
    throw std::invalid_argument(about + r.error().details().explanation);
}

// Throws where it is wrong: the message names the member, and the rule that it breaks.
inline configuration read_configuration(std::string const& file) {
    auto const c = required(cf::server::read_settings<configuration>(file));
    auto const require = [&](bool is_right, std::string const& member_and_rule) {
        if (!is_right) throw std::invalid_argument(file + ": " + member_and_rule);
    };
    boost::system::error_code failed;
    boost::asio::ip::make_address(c.listen_address, failed);
    require(!failed, "listen_address: must be an IP address");
    require(!c.tls_certificate.empty(), "tls_certificate: must be set");
    require(!c.tls_key.empty(), "tls_key: must be set");
    require(!c.tls_client_ca.empty() || !c.bearer_hashes.empty(),
            "bearer_hashes: must be set, or tls_client_ca: nobody could be let in");
    require(c.state_directory.empty() != c.postgres.empty(),
            "state_directory: must be set, or postgres, and not both");
    require(!c.sealing_key.empty(), "sealing_key: must be set");
    require(cfa::sealing_key::is_id(c.sealing_key_id),
            "sealing_key_id: must have 1 to 64 letters, digits, '-', '_' or '.'");
    required(cfa::account_scope::parse(c.account_id), file + ": account_id: ");
    required(cf::base_url::parse(c.api_base_url), file + ": api_base_url: ");
    required(cf::token_duration::parse(c.token_duration), file + ": token_duration: ");
    return c;
}
