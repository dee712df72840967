// A token that a sink of files is given, the intent of its issue, and the text that it becomes.
#pragma once

#include <cloudflare/access/intent.hpp>
#include <cloudflare/access/service_token.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stored_tokens {

using namespace cloudflare;

inline access::issued_service_token token(std::string id, std::string_view secret_text,
                                          std::optional<std::int64_t> version = std::nullopt) {
    access::issued_service_token t;
    t.id = std::move(id);
    t.client_id = "c.access";
    t.client_secret = secret(secret_text);
    t.client_secret_version = version;
    return t;
}
inline access::intent wanting(std::string token_id = "", std::string key = "key") {
    access::intent i(std::string(32, '1'),
                     access::account_scope::parse(std::string(32, 'a')).value(), "ci");
    i.key = std::move(key);
    i.token_id = std::move(token_id);
    return i;
}
/// What a file of lines says of such a token.
inline std::string text_of(std::string_view id, std::string_view secret_text) {
    return "CF_ACCESS_TOKEN_ID=" + std::string(id) +
           "\nCF_ACCESS_CLIENT_ID=c.access\nCF_ACCESS_CLIENT_SECRET=" + std::string(secret_text) +
           "\n";
}

/// The same for a sink that is asked by key; the secret is the token's first.
namespace by_key {

inline access::issued_service_token token(std::string id, std::string_view secret_text) {
    return stored_tokens::token(std::move(id), secret_text, 1);
}
inline access::intent wanting(std::string key) {
    return stored_tokens::wanting("", std::move(key));
}

} // namespace by_key

} // namespace stored_tokens
