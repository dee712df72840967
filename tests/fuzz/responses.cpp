// Bodies from outside: every response is decoded or refused, and no error shows a secret.
#include "run.hpp"

#include <cloudflare/access.hpp>

#include <functional>

namespace cf = cloudflare;

namespace {

// What stands for a secret in an input: it is put in here, and is another one for each input, so that
// no fuzzer learns pieces of it. Whatever of it is seen in an error came from a whole one.
constexpr char token_place = '$'; // an API token or a service token's secret, with its prefix
constexpr char hex_place = '#';   // a client secret or a global key of old, without one
constexpr std::size_t piece = 16; // what is too much to be seen: 64 of some 220 bits

struct secrets {
    std::string token = "cfast_";
    std::string hex;

    explicit secrets(std::string_view input) {
        std::mt19937_64 random(std::hash<std::string_view>()(input));
        constexpr std::string_view digits =
            "0123456789abcdefABCDEFGHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz";
        for (int i = 0; i != 48; ++i)
            token += digits[random() % digits.size()];
        for (int i = 0; i != 64; ++i)
            hex += digits[random() % 16];
    }
    [[nodiscard]] std::string put_into(std::string_view input) const {
        std::string made;
        for (char const c : input) {
            if (c == token_place) {
                made += token;
            } else if (c == hex_place) {
                made += hex;
            } else {
                made += c;
            }
        }
        return made;
    }
    [[nodiscard]] bool are_seen_in(std::string_view text) const {
        for (std::string_view const secret : {token, hex})
            for (std::size_t i = 0; i + piece <= secret.size(); ++i)
                if (text.find(secret.substr(i, piece)) != text.npos) return true;
        return false;
    }
};

template <class Op>
void decode_as(cf::http::response const& response, secrets const& hidden) {
    auto const decoded = cf::decode<Op>(response);
    if (decoded) return;
    auto const line = decoded.error().to_string();
    require(!hidden.are_seen_in(line), "an error shows no secret");
    require(line.find('\n') == line.npos, "an error is one line");
    require(response.status != 429 || decoded.error().delivery() == cf::delivery::rejected,
            "a 429 was not acted on");
    require(response.status < 500 || decoded.error().delivery() == cf::delivery::unknown,
            "a 5xx is unknown");
}

} // namespace

std::vector<std::string> samples() {
    std::string const token =
        R"({"client_id":"88bf3b6d.access","client_secret":"#",)"
        R"("created_at":"2025-09-25T22:26:26Z","expires_at":"2026-09-25T22:26:26Z",)"
        R"("id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","name":"ci","duration":"8760h",)"
        R"("client_secret_version":1,"enabled":true})";
    return {
        R"({"success":true,"errors":[],"messages":[],"result":)" + token + "}",
        R"({"success":true,"errors":[],"messages":["note"],"result":[)" + token +
            R"(],"result_info":{"count":1,"page":1,"per_page":1000,"total_pages":1}})",
        R"({"success":false,"errors":[{"code":6003,"message":"Invalid request headers",)"
        R"("error_chain":[{"code":6111,"message":"Invalid format"}],"source":{"pointer":"/a"}}],)"
        R"("messages":[],"result":null})",
        R"({"success":false,"errors":[{"code":1000,"message":"Invalid API Token: $"}],"result":null})",
        R"({"success":false,"errors":[{"message":"bad secret #, use $ \u0023"}],"messages":["#"]})",
        "error code: 502 #",
        R"({"success":true,"result":{"client_secret":"$)",
        "<html><head><title>522</title></head></html>",
        "null",
        "",
        "[[[[[[[["};
}

void check(std::string_view input) {
    secrets const hidden(input);
    auto const body = hidden.put_into(input);
    for (int const status : {200, 201, 400, 403, 404, 429, 502}) {
        cf::http::response response{.status = status};
        response.body = body;
        decode_as<cf::access::create_service_token>(response, hidden);
        decode_as<cf::access::list_service_tokens>(response, hidden);
        decode_as<cf::access::update_service_token>(response, hidden);
        decode_as<cf::access::delete_service_token>(response, hidden);
    }
}
