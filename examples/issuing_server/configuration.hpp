// What the server is told: one JSON file, whose members are called as here.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <vector>

// A number that the file must keep within these bounds.
template <std::int64_t Least, std::int64_t Most>
struct whole_number {
    std::int64_t value;
    operator std::int64_t() const noexcept { return value; }
};
using some_seconds = whole_number<1, 10L * 365 * 86400>;

struct file_name { // in the file: absolute, or seen from its directory
    std::string path;
};

struct rule { // patterns, in which `*` stands for any characters
    std::string identity;
    std::string names; // `{identity}` stands for the identity itself
};
BOOST_DESCRIBE_STRUCT(rule, (), (identity, names))

struct configuration {
    std::string listen_address = "127.0.0.1";
    whole_number<0, 65535> listen_port{8443}; // 0: any free one
    file_name tls_certificate, tls_key;
    file_name tls_client_ca; // who signs the certificates of machines; empty: none has one

    std::string account_id;
    std::string api_base_url = "https://api.cloudflare.com/client/v4";
    file_name api_ca_file;                          // empty: the system's CA certificates
    file_name api_token_file;                       // empty: the environment has the credentials
    whole_number<1, 100'000> api_requests{1200};    // this server's share of the account's rate ...
    whole_number<1, 86400> api_window_seconds{300}; // ... in this time

    file_name bearer_hashes; // lines: SHA-256 of a bearer token in hexadecimal, and an identity
    std::vector<rule> rules;
    std::vector<std::string> operators; // identities

    file_name state_directory;
    std::string postgres; // a connection string, in place of the directory
    std::string sealing_key_id;
    file_name sealing_key;

    whole_number<512, 1048576> max_header_bytes{8192};
    whole_number<0, 1048576> max_body_bytes{16384};
    whole_number<1, 3600> request_seconds{30}, idle_seconds{60}, stop_seconds{20};
    whole_number<1, 1'000'000> max_connections{1024};
    whole_number<1, 10'000> concurrent_issues{16};
    whole_number<0, 1'000'000> queue{256}; // issues that wait for their turn

    std::string token_duration = "8760h";
    some_seconds grace_seconds{86400}, refresh_before_seconds{30L * 86400};
    whole_number<0, 10L * 365 * 86400> rotate_after_seconds{0}; // 0: never
    bool replace_lost = false;
    some_seconds reconcile_seconds{60};

    file_name status_page{"status.html"};
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

// Errors: `errc::invalid_argument`, which names the file, the field and the rule.
cloudflare::result<configuration> read_configuration(std::string const& path);

// What a file holds.
cloudflare::result<cloudflare::wiped_string> read_file(std::string const& path);
