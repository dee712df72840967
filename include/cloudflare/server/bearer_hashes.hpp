/// Who a client is by its bearer token, of which a server keeps the hash only.
#pragma once

#include <cloudflare/core/result.hpp>

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace cloudflare::inline v0::server {

/// Identities by the SHA-256 of their bearer tokens. As each wrong token takes the same time, and
/// hashes cannot be turned back, tokens must be random: 128 bits or more.
class bearer_hashes {
public:
    /// Reads a file with lines of a hash in hexadecimal and an identity; `#` begins a comment:
    ///
    ///     printf %s "$token" | sha256sum | sed 's/-$/web-1/' >>hashes
    ///
    /// Errors: `errc::invalid_argument`, with the file, the line's number and the rule.
    [[nodiscard]] static result<bearer_hashes> from_file(std::string const& file) {
        std::ifstream lines(file);
        if (!lines) return error(errc::invalid_argument, file + ": cannot be read");
        bearer_hashes made;
        int number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            std::istringstream words(line);
            std::string hash, identity;
            words >> hash >> identity;
            if (hash.empty() || hash.front() == '#') continue;
            if (!made.add(std::move(hash), std::move(identity)))
                return error(errc::invalid_argument,
                             file + ':' + std::to_string(number) +
                                 ": must be 64 hexadecimal digits and an identity");
        }
        return made;
    }

    /// Adds a token by its hash, in hexadecimal.
    ///
    /// @return false where the hash is none, or the identity is empty; nothing is added then
    [[nodiscard]] bool add(std::string hash, std::string identity) {
        boost::algorithm::to_lower(hash);
        bool const is_hash = hash.size() == std::size_t{2} * SHA256_DIGEST_LENGTH &&
                             hash.find_first_not_of("0123456789abcdef") == hash.npos;
        if (!is_hash || identity.empty()) return false;
        bearers_.push_back({std::move(hash), std::move(identity)});
        return true;
    }

    /// Whose token it is; empty where it is nobody's.
    ///
    /// @param authorization the value of the field, e.g. `Bearer c2VjcmV0`
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

private:
    struct bearer {
        std::string hash, identity; ///< the hash in small hexadecimal digits
    };
    std::vector<bearer> bearers_;
};

} // namespace cloudflare::inline v0::server
