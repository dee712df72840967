// A token, as a server responds with it.
#pragma once

#include <cloudflare/http/response.hpp>

#include <string>

namespace token_responses {

using namespace cloudflare;

/// The token at a version (0: none shown), a grace's end and a secret, where given; the response tells
/// the server's time.
inline http::response token_response(std::string const& id, int version,
                                     std::string const& previous, std::string const& secret_text) {
    std::string members = R"("id":")" + id + R"(","client_id":"c.access","name":"ci")";
    if (version != 0) members += R"(,"client_secret_version":)" + std::to_string(version);
    if (!previous.empty()) members += R"(,"previous_client_secret_expires_at":")" + previous + "\"";
    if (!secret_text.empty()) members += R"(,"client_secret":")" + secret_text + "\"";
    http::response r{.status = 200};
    r.body = R"({"success":true,"errors":[],"messages":[],"result":{)" + members + "}}";
    static_cast<void>(r.fields.add("Content-Type", "application/json"));
    static_cast<void>(r.fields.add("Date", "Tue, 24 Nov 2026 00:00:00 GMT"));
    return r;
}

} // namespace token_responses
