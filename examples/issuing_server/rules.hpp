// Who a client is, and what it may have.
#pragma once

#include "configuration.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

class rules {
public:
    // Reads the file of hashes.
    static cloudflare::result<rules> read(configuration const& c);

    // Whose bearer token it is, by the value of `Authorization`. Takes the same time for every wrong one.
    [[nodiscard]] std::optional<std::string> identity_of(std::string_view authorization) const;

    [[nodiscard]] bool may_have(std::string const& identity, std::string_view machine) const;
    [[nodiscard]] bool is_operator(std::string const& identity) const;

private:
    std::vector<std::pair<std::string, std::string>> hashes_{}; // 32 bytes, identity
    std::vector<rule> rules_{};
    std::vector<std::string> operators_{};
};

// Whether all of `string` fits the pattern, in which `*` stands for any characters.
bool fits(std::string_view pattern, std::string_view string);
