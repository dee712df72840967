#include "rules.hpp"

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>
#include <iterator>
#include <sstream>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace cf = cloudflare;

cf::result<rules> rules::read(configuration const& c) {
    rules read;
    read.rules_ = c.rules;
    read.operators_ = c.operators;
    auto const& path = c.bearer_hashes.path;
    if (path.empty()) return read;
    auto const text = read_file(path);
    if (!text) return text.error();
    std::istringstream lines{std::string(*text)};
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        std::istringstream words(line);
        std::string digits, identity, hash;
        words >> digits >> identity;
        if (digits.empty() || digits.front() == '#') continue;
        bool const is_hex = digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
        if (digits.size() != 64 || !is_hex || identity.empty())
            return cf::error(cf::errc::invalid_argument,
                             path + ":" + std::to_string(number) +
                                 ": must be 64 hexadecimal digits and an identity");
        boost::algorithm::unhex(digits, std::back_inserter(hash));
        read.hashes_.emplace_back(std::move(hash), std::move(identity));
    }
    return read;
}

std::optional<std::string> rules::identity_of(std::string_view authorization) const {
    if (!boost::algorithm::istarts_with(authorization, "Bearer ")) return std::nullopt;
    authorization.remove_prefix(7);
    unsigned char hash[SHA256_DIGEST_LENGTH];
    ::SHA256(reinterpret_cast<unsigned char const*>(authorization.data()), authorization.size(),
             hash);
    std::pair<std::string, std::string> const* found = nullptr;
    for (auto const& known : hashes_)
        if (::CRYPTO_memcmp(known.first.data(), hash, sizeof hash) == 0) found = &known;
    return found != nullptr ? std::optional(found->second) : std::nullopt;
}

bool rules::may_have(std::string const& identity, std::string_view machine) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](rule const& r) {
        if (!fits(r.identity, identity)) return false;
        return r.names == "{identity}" ? machine == identity : fits(r.names, machine);
    });
}

bool rules::is_operator(std::string const& identity) const {
    return std::find(operators_.begin(), operators_.end(), identity) != operators_.end();
}

bool fits(std::string_view pattern, std::string_view string) {
    if (pattern.empty() || string.empty())
        return pattern.find_first_not_of('*') == pattern.npos && string.empty();
    if (pattern.front() == '*')
        return fits(pattern.substr(1), string) || fits(pattern, string.substr(1));
    return pattern.front() == string.front() && fits(pattern.substr(1), string.substr(1));
}
