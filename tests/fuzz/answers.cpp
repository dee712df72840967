// Bodies from outside: every answer is decoded or refused, and no error shows a secret.
#include "run.hpp"

#include <cloudflare/access.hpp>

namespace cf = cloudflare;

namespace {

constexpr std::string_view known_secret = "cfast_0123456789SAMPLEsample0123456789";

template <class Op>
void decode_as(cf::http::response const& answer) {
    auto const decoded = cf::decode<Op>(answer);
    if (decoded) return;
    auto const line = decoded.error().to_string();
    // Mutation moves pieces of up to 20 bytes from one sample into another.
    for (std::size_t i = 0; i + 24 <= known_secret.size(); ++i)
        require(line.find(known_secret.substr(i, 24)) == line.npos, "an error shows no secret");
    require(line.find('\n') == line.npos, "an error is one line");
    require(answer.status != 429 || decoded.error().delivery() == cf::delivery::rejected,
            "a 429 was not acted on");
    require(answer.status < 500 || decoded.error().delivery() == cf::delivery::unknown,
            "a 5xx is unknown");
}

} // namespace

std::vector<std::string> samples() {
    std::string const token =
        R"({"client_id":"88bf3b6d.access","client_secret":")" + std::string(known_secret) +
        R"(","created_at":"2025-09-25T22:26:26Z","expires_at":"2026-09-25T22:26:26Z",)"
        R"("id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","name":"ci","duration":"8760h",)"
        R"("client_secret_version":1,"enabled":true})";
    return {
        R"({"success":true,"errors":[],"messages":[],"result":)" + token + "}",
        R"({"success":true,"errors":[],"messages":["note"],"result":[)" + token +
            R"(],"result_info":{"count":1,"page":1,"per_page":1000,"total_pages":1}})",
        R"({"success":false,"errors":[{"code":6003,"message":"Invalid request headers",)"
        R"("error_chain":[{"code":6111,"message":"Invalid format"}],"source":{"pointer":"/a"}}],)"
        R"("messages":[],"result":null})",
        "error code: 502",
        "<html><head><title>522</title></head></html>",
        "null",
        "",
        "[[[[[[[["};
}

void check(std::string_view input) {
    for (int const status : {200, 201, 400, 403, 404, 429, 502}) {
        cf::http::response answer{.status = status};
        answer.body = input;
        decode_as<cf::access::create_service_token>(answer);
        decode_as<cf::access::list_service_tokens>(answer);
        decode_as<cf::access::update_service_token>(answer);
        decode_as<cf::access::delete_service_token>(answer);
    }
}
