// What the server is told: one JSON file, whose members are called as here.
#pragma once

#include "log.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/access/sealing_key.hpp>

#include <boost/describe.hpp>
#include <boost/mp11/algorithm.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace cfa = cloudflare::access;
using std::chrono::seconds;

// A number that the file must keep within these bounds.
template <std::int64_t Least, std::int64_t Most>
struct whole_number {
    std::int64_t value;
    operator std::int64_t() const noexcept { return value; }
};

inline constexpr std::int64_t ten_years = 10L * 365 * 86400; // in seconds

struct file_name { // in the file: absolute, or seen from its directory
    std::string path;
};

struct rule { // patterns of the shell
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
    whole_number<1, 100'000> api_requests{1200};    // this server's share of the account's rate
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
    whole_number<1, ten_years> grace_seconds{86400}, refresh_before_seconds{30L * 86400};
    whole_number<0, ten_years> rotate_after_seconds{0}; // 0: never
    bool replace_lost = false;
    whole_number<1, ten_years> reconcile_seconds{60};

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

[[noreturn]] inline void refuse(std::string const& what, std::string const& why) {
    throw std::invalid_argument(what + ": " + why);
}

// Reads a JSON value into a member: each overload takes one kind.
struct configuration_reader {
    std::filesystem::path directory;

    void read(std::string& to, json::value const& v, std::string const& field) const {
        if (!v.is_string()) refuse(field, "must be a string");
        to = v.get_string().c_str();
    }
    void read(file_name& to, json::value const& v, std::string const& field) const {
        read(to.path, v, field);
        if (!to.path.empty()) to.path = (directory / to.path).string();
    }
    void read(bool& to, json::value const& v, std::string const& field) const {
        if (!v.is_bool()) refuse(field, "must be true or false");
        to = v.get_bool();
    }
    template <std::int64_t Least, std::int64_t Most>
    void read(whole_number<Least, Most>& to, json::value const& v, std::string const& field) const {
        if (!v.is_int64() || v.get_int64() < Least || v.get_int64() > Most)
            refuse(field, "must be a whole number from " + std::to_string(Least) + " to " +
                              std::to_string(Most));
        to.value = v.get_int64();
    }
    template <class T>
    void read(std::vector<T>& to, json::value const& v, std::string const& field) const {
        if (!v.is_array()) refuse(field, "must be an array");
        for (auto const& element : v.get_array())
            read(to.emplace_back(), element, field + '[' + std::to_string(to.size() - 1) + ']');
    }
    template <class T>
    void read(T& to, json::value const& v, std::string const& field) const {
        if (!v.is_object()) refuse(field, "must be an object");
        auto unread = v.get_object();
        auto const prefix = field.empty() ? field : field + '.';
        using members = boost::describe::describe_members<T, boost::describe::mod_public>;
        boost::mp11::mp_for_each<members>([&](auto member) {
            auto const* const given = v.get_object().if_contains(member.name);
            if (given != nullptr) read(to.*member.pointer, *given, prefix + member.name);
            unread.erase(member.name);
        });
        if (!unread.empty()) refuse(prefix + std::string(unread.begin()->key()), "is no setting");
    }
};

inline void check(configuration const& c) {
    auto const require = [](bool is_right, std::string const& field, std::string const& rule) {
        if (!is_right) refuse(field, rule);
    };
    auto const parsed = [](std::string const& field, auto const& result) {
        if (!result) refuse(field, result.error().details().explanation);
    };
    require(!c.tls_certificate.path.empty(), "tls_certificate", "must be set");
    require(!c.tls_key.path.empty(), "tls_key", "must be set");
    require(!c.tls_client_ca.path.empty() || !c.bearer_hashes.path.empty(), "bearer_hashes",
            "must be set, or tls_client_ca: nobody could be let in");
    require(c.state_directory.path.empty() != c.postgres.empty(), "state_directory",
            "must be set, or postgres, and not both");
    require(!c.sealing_key.path.empty(), "sealing_key", "must be set");
    require(cfa::sealing_key::is_id(c.sealing_key_id), "sealing_key_id",
            "must have 1 to 64 letters, digits, '-', '_' or '.'");
    parsed("account_id", cfa::account_scope::parse(c.account_id));
    parsed("api_base_url", cf::base_url::parse(c.api_base_url));
    parsed("token_duration", cf::token_duration::parse(c.token_duration));
}

inline cf::wiped_string read_file(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    cf::wiped_string text{std::istreambuf_iterator<char>(in), {}};
    if (!in) refuse(path, "cannot be read");
    return text;
}

// Throws where it is wrong: the message names the member, and the rule that it breaks.
inline configuration read_configuration(std::string const& path) {
    configuration c;
    auto const directory = std::filesystem::path(path).parent_path();
    c.status_page.path = (directory / c.status_page.path).string();
    auto const text = read_file(path);
    try {
        configuration_reader{directory}.read(c, json::parse(std::string_view(text)), "");
        check(c);
    } catch (std::exception const& e) {
        refuse(path, e.what());
    }
    return c;
}
