// Who a client is by its bearer token, and what it may have.
#pragma once

#include "configuration.hpp"

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string.hpp>

#include <algorithm>
#include <optional>
#include <sstream>

#include <fnmatch.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

class rules {
public:
    // Reads the file of hashes; throws where it is wrong.
    explicit rules(configuration const& c) : rules_(c.rules), operators_(c.operators) {
        auto const& path = c.bearer_hashes.path;
        if (path.empty()) return;
        std::istringstream lines{std::string(read_file(path))};
        int number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            std::istringstream words(line);
            bearer b;
            words >> b.hash >> b.identity;
            if (b.hash.empty() || b.hash.front() == '#') continue;
            boost::algorithm::to_lower(b.hash);
            bool const is_hash = b.hash.size() == 2 * SHA256_DIGEST_LENGTH &&
                                 boost::algorithm::all(b.hash, boost::is_xdigit());
            if (!is_hash || b.identity.empty())
                refuse(path + ':' + std::to_string(number),
                       "must be 64 hexadecimal digits and an identity");
            bearers_.push_back(std::move(b));
        }
    }

    // Whose bearer token it is, by the value of `Authorization`. Takes the same time for each
    // wrong one.
    [[nodiscard]] std::optional<std::string> identity_of(std::string_view authorization) const {
        if (!boost::algorithm::istarts_with(authorization, "Bearer ")) return std::nullopt;
        auto const token = authorization.substr(7);
        std::string hash(SHA256_DIGEST_LENGTH, '\0');
        ::SHA256(reinterpret_cast<unsigned char const*>(token.data()), token.size(),
                 reinterpret_cast<unsigned char*>(hash.data()));
        hash = boost::algorithm::hex_lower(hash);
        std::optional<std::string> found;
        for (auto const& b : bearers_)
            if (::CRYPTO_memcmp(b.hash.data(), hash.data(), hash.size()) == 0) found = b.identity;
        return found;
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

private:
    struct bearer {
        std::string hash, identity; // the hash in small hexadecimal digits
    };

    static bool fits(std::string const& pattern, std::string const& string) {
        return ::fnmatch(pattern.c_str(), string.c_str(), 0) == 0;
    }

    std::vector<rule> rules_;
    std::vector<std::string> operators_;
    std::vector<bearer> bearers_;
};
