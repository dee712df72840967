// What SIGHUP reads again: certificates, who is known by which bearer token, who may do what, and
// the status page.
#pragma once

#include "configuration.hpp"

#include <cloudflare/server/bearer_hashes.hpp>
#include <cloudflare/server/tls.hpp>

#include <algorithm>
#include <memory>

#include <fnmatch.h>

class rules {
public:
    // Throws where a file is wrong.
    explicit rules(configuration const& c)
        : tls(required(cf::server::load_tls(c.tls_certificate, c.tls_key, c.tls_client_ca))),
          rules_(c.rules),
          operators_(c.operators) {
        if (!c.bearer_hashes.empty())
            bearers = required(cf::server::bearer_hashes::from_file(c.bearer_hashes));
        if (std::filesystem::exists(c.status_page)) page = read_file(c.status_page);
    }

    [[nodiscard]] bool may_have(std::string const& identity, std::string const& machine) const {
        return std::any_of(rules_.begin(), rules_.end(), [&](rule const& r) {
            if (!fits(r.identity, identity)) return false;
            return r.names == "{identity}" ? machine == identity : fits(r.names, machine);
        });
    }
    [[nodiscard]] bool is_operator(std::string const& identity) const {
        return std::find(operators_.begin(), operators_.end(), identity) != operators_.end();
    }

    std::shared_ptr<boost::asio::ssl::context> tls;
    cf::server::bearer_hashes bearers{};
    cf::wiped_string page{}; // empty: there is none

private:
    static bool fits(std::string const& pattern, std::string const& string) {
        return ::fnmatch(pattern.c_str(), string.c_str(), 0) == 0;
    }

    std::vector<rule> rules_;
    std::vector<std::string> operators_;
};
