#include <cloudflare/api/error_response.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace refusal_tests {
namespace {

http::response make_response(int status, std::string_view body) {
    http::response r{.status = status};
    r.body = body;
    return r;
}

error refuse(http::response const& r) {
    json_document const document(r.body);
    return error_response(r, read_envelope(document));
}

std::string failure(std::string_view code, std::string_view message) {
    return R"({"result":null,"success":false,"errors":[{"code":)" + std::string(code) +
           R"(,"message":")" + std::string(message) + R"("}],"messages":[]})";
}

constexpr auto rejected = delivery::rejected;
constexpr auto unknown = delivery::unknown;

} // namespace

TEST_CASE("each recorded error code has its meaning, and says whether the server acted") {
    struct row {
        int status;
        char const* code;
        char const* message;
        errc meaning;
        delivery acted;
    };
    for (auto const& [status, code, message, meaning, acted] : {
             row{400, "12139",
                 "access.api.error.service_token_in_use: cannot delete service token because it is "
                 "used by a policy, group, or app SCIM configuration",
                 errc::token_in_use, rejected},
             row{404, "12135", "access.api.error.not_found", errc::not_found, rejected},
             row{400, "12135", "access.api.error.not_found", errc::not_found, rejected},
             row{404, "12002", "access.api.error.service_token_not_found", errc::not_found,
                 rejected},
             row{400, "1", "access.api.error.service_token_not_found", errc::not_found, rejected},
             row{400, "12130", "access.api.error.invalid_request: bad duration", errc::bad_request,
                 rejected},
             row{400, "12130",
                 "access.api.error.invalid_request: maximum number of certificates has been "
                 "reached",
                 errc::limit_reached, rejected},
             row{409, "12132", "access.api.error.conflict: in use", errc::conflict, rejected},
             row{400, "12132", "access.api.error.conflict: in use", errc::conflict, rejected},
             row{403, "12133", "does not have permission for custom pages", errc::forbidden,
                 rejected},
             row{400, "9999",
                 "access.api.error.not_enabled: Access is not enabled. Visit the Access dashboard",
                 errc::access_not_enabled, rejected},
             row{404, "9999", "access.api.error.not_found: Unable to find your Access organization",
                 errc::access_not_enabled, rejected},
             row{500, "10001", "access.api.error.internal_server_error", errc::server_error,
                 unknown},
             row{403, "10001", "Method not allowed for token", errc::forbidden, rejected},
             row{403, "10001", "internal error", errc::server_error, unknown},
             row{401, "10000", "Authentication error", errc::unauthorized, rejected},
             row{403, "10000", "Authentication error", errc::forbidden, rejected},
             row{405, "10000", "POST method with API Tokens is not supported by this API",
                 errc::bad_request, rejected},
             row{405, "10000", "GET not allowed for the api_token authentication scheme",
                 errc::bad_request, rejected},
             row{405, "10405", "Method not allowed for this authentication scheme",
                 errc::bad_request, rejected},
             row{401, "9109", "Invalid access token", errc::unauthorized, rejected},
             row{403, "9109", "Unauthorized to access requested resource", errc::unauthorized,
                 rejected},
             row{403, "9109", "Max auth failures reached", errc::unauthorized, rejected},
             row{400, "9103", "Unknown X-Auth-Key or X-Auth-Email", errc::unauthorized, rejected},
             row{400, "9106", "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
                 errc::unauthorized, rejected},
             row{400, "6003", "Invalid request headers", errc::bad_request, rejected},
             row{401, "1000", "Invalid API Token", errc::unauthorized, rejected},
             row{400, "1000", "Invalid API Token", errc::unauthorized, rejected},
             row{500, "1000", "Internal Server Error", errc::server_error, unknown},
             row{504, "1000", "Request timeout", errc::server_error, unknown},
             row{404, "7003",
                 "Could not route to /accounts/x, perhaps your object identifier is invalid?",
                 errc::no_route, rejected},
             row{400, "7000", "No route for that URI", errc::no_route, rejected},
             row{429, "971", "Please wait and consider throttling your request speed",
                 errc::rate_limited, rejected},
             row{200, "971", "Please wait and consider throttling your request speed",
                 errc::rate_limited, rejected},
             row{429, "10100", "More than 1200 requests per 300 seconds reached.",
                 errc::rate_limited, rejected},
             row{429, "10040", "slow down", errc::rate_limited, rejected},
             row{429, "10013", "slow down", errc::rate_limited, rejected},
             row{400, "9207", "Request body is invalid.", errc::bad_request, rejected},
         }) {
        CAPTURE(status);
        CAPTURE(code);
        CAPTURE(message);
        auto const e = refuse(make_response(status, failure(code, message)));
        CHECK(e == meaning);
        CHECK(e.delivery() == acted);
        CHECK(e.details().http_status == status);
        REQUIRE(e.details().api_errors.size() == 1);
        CHECK(e.details().api_errors[0].message == message);
        CHECK(e.to_string().find(code) != std::string::npos);
    }
}

TEST_CASE("a credential that breaks the header is not accepted, and the chain says why") {
    auto const e = refuse(make_response(
        400,
        R"({"success":false,"errors":[{"code":6003,"message":"Invalid request headers",)"
        R"("error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}]})"));
    CHECK(e == errc::unauthorized);
    CHECK(e == condition::unauthorized);
    CHECK(e.delivery() == rejected);
    CHECK(e.to_string().find("6111 Invalid format for Authorization header") != std::string::npos);
}

TEST_CASE("in a success only codes known to refuse before acting say that the server did not") {
    struct row {
        char const* code;
        char const* message;
        delivery acted;
    };
    for (auto const& [code, message, acted] : {
             row{"971", "Please wait", rejected},
             row{"1000", "Invalid API Token", rejected},
             row{"1000", "Request timeout", unknown},
             row{"1000", "Internal Server Error", unknown},
             row{"6003", "Invalid request headers", rejected},
             row{"7000", "No route for that URI", rejected},
             row{"7003", "Could not route", rejected},
             row{"9103", "Unknown X-Auth-Key", rejected},
             row{"9106", "Missing X-Auth-Key", rejected},
             row{"9109", "Invalid access token", rejected},
             row{"9207", "Request body is invalid.", rejected},
             row{"9999", "not_enabled", rejected},
             row{"10000", "Authentication error", rejected},
             row{"10001", "Method not allowed for token", rejected},
             row{"10001", "internal error", unknown},
             row{"10001", "access.api.error.internal_server_error", unknown},
             row{"10001", "something new", unknown},
             row{"10100", "More than 1200 requests", rejected},
             row{"10405", "Method not allowed", rejected},
             row{"12130", "access.api.error.invalid_request: bad", rejected},
             row{"12132", "access.api.error.conflict: x", rejected},
             row{"12133", "does not have permission", rejected},
             row{"12135", "access.api.error.not_found", rejected},
             row{"12139", "access.api.error.service_token_in_use", rejected},
             row{"1", "access.api.error.service_token_not_found", rejected},
             row{"1", "new", unknown},
             row{"0", "new", unknown},
             row{"12131", "made up", unknown},
             row{"99999", "new", unknown},
         })
        for (int status : {200, 201, 202}) {
            CAPTURE(code);
            CAPTURE(message);
            auto const e = refuse(make_response(status, failure(code, message)));
            CHECK(e.delivery() == acted);
        }
    // Of several each must be known.
    auto const two = [](std::string const& other) {
        return refuse(
            make_response(200, R"({"success":false,"errors":[{"code":7003},)" + other + "]}"));
    };
    CHECK(two(R"({"code":7000})").delivery() == rejected);
    CHECK(two(R"({"code":5})").delivery() == unknown);
    CHECK(two(R"("text")").delivery() == unknown);
    CHECK(two(R"({"code":10001,"message":"internal error"})").delivery() == unknown);
}

TEST_CASE("only an encoding that is not identity is named") {
    for (char const* none : {"identity", "Identity", ""}) {
        auto r = make_response(502, "plain text");
        REQUIRE(r.fields.add("content-encoding", none).has_value());
        CHECK(refuse(r).details().excerpt == "plain text");
        CHECK(refuse(r).details().explanation.empty());
    }
    auto r = make_response(502, "plain text");
    REQUIRE(r.fields.add("content-encoding", "identity").has_value());
    REQUIRE(r.fields.add("content-encoding", "cfut_broken \xc2\x9b" + std::string(99, '.'))
                .has_value());
    auto const e = refuse(r);
    CHECK(e.details().excerpt.empty());
    CHECK(e.details().explanation.starts_with("the response is encoded as [redacted] ?..."));
    CHECK(e.details().explanation.size() < 120);
}

TEST_CASE("of several errors the first that means something counts") {
    auto const e = refuse(make_response(
        400, R"({"success":false,"errors":[{"code":1},{"code":7003,"message":"Could not route"},)"
             R"({"code":7000,"message":"No route for that URI"}]})"));
    CHECK(e == errc::no_route);
    CHECK(e.details().api_errors.size() == 3);
}

TEST_CASE("a response with an envelope says by its status whether the server acted") {
    struct row {
        int status;
        errc meaning;
        delivery acted;
    };
    for (auto const& [status, meaning, acted] : {
             row{400, errc::bad_request, rejected}, row{401, errc::unauthorized, rejected},
             row{403, errc::forbidden, rejected},   row{404, errc::not_found, rejected},
             row{405, errc::bad_request, rejected}, row{409, errc::conflict, rejected},
             row{413, errc::bad_request, rejected}, row{415, errc::bad_request, rejected},
             row{422, errc::bad_request, rejected}, row{429, errc::rate_limited, rejected},
             row{500, errc::server_error, unknown}, row{502, errc::server_error, unknown},
             row{503, errc::server_error, unknown}, row{504, errc::server_error, unknown},
             row{520, errc::server_error, unknown}, row{521, errc::server_error, unknown},
             row{522, errc::server_error, unknown}, row{523, errc::server_error, unknown},
             row{524, errc::server_error, unknown}, row{525, errc::server_error, unknown},
             row{526, errc::server_error, unknown}, row{527, errc::server_error, unknown},
             row{530, errc::server_error, unknown}, row{408, errc::api_refused, unknown},
             row{200, errc::api_refused, unknown},  row{201, errc::api_refused, unknown},
             row{202, errc::api_refused, unknown},  row{302, errc::api_refused, unknown},
             row{501, errc::server_error, unknown},
         }) {
        CAPTURE(status);
        auto const e =
            refuse(make_response(status, R"({"success":false,"errors":[],"messages":[]})"));
        CHECK(e == meaning);
        CHECK(e.delivery() == acted);
        CHECK(e.details().api_errors.empty());
        CHECK(e.details().excerpt.empty());
    }
}

TEST_CASE("a response without an envelope says by its status whether the server acted") {
    struct row {
        int status;
        errc meaning;
        delivery acted;
    };
    for (auto const& [status, meaning, acted] : {
             row{403, errc::forbidden, rejected},
             row{429, errc::rate_limited, rejected},
             row{404, errc::unexpected_response, rejected},
             row{401, errc::unexpected_response, rejected},
             row{409, errc::unexpected_response, unknown},
             row{422, errc::unexpected_response, unknown},
             row{408, errc::unexpected_response, unknown},
             row{200, errc::unexpected_response, unknown},
             row{201, errc::unexpected_response, unknown},
             row{204, errc::unexpected_response, unknown},
             row{302, errc::unexpected_response, unknown},
             row{500, errc::server_error, unknown},
             row{502, errc::server_error, unknown},
             row{504, errc::server_error, unknown},
             row{522, errc::server_error, unknown},
             row{530, errc::server_error, unknown},
         })
        for (char const* body : {"", "null", "<html><title>x</title></html>", "plain text", "[]"}) {
            CAPTURE(status);
            CAPTURE(body);
            auto const e = refuse(make_response(status, body));
            CHECK(e == meaning);
            CHECK(e.delivery() == acted);
            CHECK(e.details().http_status == status);
        }
}

TEST_CASE("a 522 page leaves the outcome unknown, and its details name what came") {
    auto r = make_response(
        522, "<!DOCTYPE html>\n<title>api.cloudflare.com | 522: Connection timed out");
    REQUIRE(r.fields.add("content-type", "text/html; charset=UTF-8").has_value());
    REQUIRE(r.fields.add("retry-after", "120").has_value());
    REQUIRE(r.fields.add("cf-ray", "a23c92d51bc8a952-DTW").has_value());
    REQUIRE(r.fields.add("cf-auditlog-id", "01952a70-d78b-7d73").has_value());
    auto const e = refuse(r);
    CHECK(e == errc::server_error);
    CHECK(e == condition::unavailable);
    CHECK(e.may_have_acted());
    CHECK(e.details().retry_after == 120s);
    CHECK(e.details().content_type == "text/html; charset=UTF-8");
    CHECK(e.details().excerpt.starts_with("<!DOCTYPE html> <title>api.cloudflare.com | 522"));
    CHECK(e.details().cf_ray == "a23c92d51bc8a952-DTW");
    CHECK(e.details().cf_auditlog_id == "01952a70-d78b-7d73");
}

TEST_CASE("the edge's plain error codes are kept as an excerpt") {
    auto const bad_gateway = refuse(make_response(502, "error code: 502"));
    CHECK(bad_gateway == errc::server_error);
    CHECK(bad_gateway.delivery() == unknown);
    CHECK(bad_gateway.details().excerpt == "error code: 502");

    auto const bot = refuse(make_response(403, "error code: 1010"));
    CHECK(bot == errc::forbidden);
    CHECK(bot.delivery() == rejected);
    CHECK(bot.details().excerpt == "error code: 1010");

    auto const limited = refuse(make_response(429, "error code: 1015"));
    CHECK(limited == errc::rate_limited);
    CHECK(limited.delivery() == rejected);
}

TEST_CASE("an empty response says that it is empty") {
    auto const e = refuse(make_response(200, ""));
    CHECK(e == errc::unexpected_response);
    CHECK(e.details().explanation == "the response is empty");
    CHECK(e.details().excerpt.empty());
}

TEST_CASE("a redirect says that it is never followed") {
    auto const e = refuse(make_response(302, "<a href=x>"));
    CHECK(e.details().explanation.find("redirect") != std::string::npos);
}

TEST_CASE("a rate limit without an envelope is one all the same, and keeps its wait") {
    for (char const* body : {"", "null", "<html>1015</html>", R"({"success":false})"}) {
        CAPTURE(body);
        auto r = make_response(429, body);
        REQUIRE(r.fields.add("retry-after", "60").has_value());
        auto const e = refuse(r);
        CHECK(e == errc::rate_limited);
        CHECK(e.delivery() == rejected);
        CHECK(e.details().retry_after == 60s);
    }
}

TEST_CASE("an excerpt is never made of JSON, whole or cut") {
    for (char const* body : {R"({"result":{"client_secret":"0badc0de)", R"( {"a":"0badc0de"})",
                             R"([{"client_secret":"0badc0de"}])", "\n\t[0badc0de",
                             R"(HTTP noise "client_secret":"0badc0de")"}) {
        CAPTURE(body);
        auto const e = refuse(make_response(201, body));
        CHECK(e == errc::unexpected_response);
        CHECK(e.delivery() == unknown);
        CHECK(e.details().excerpt.empty());
        CHECK(e.to_string().find("0badc0de") == std::string::npos);
    }
}

TEST_CASE("an excerpt is never made of JSON that has white space before its colons") {
    for (char const* body :
         {R"({ "client_secret" : "0badc0de)", R"([ { "client_secret" : "0badc0de)",
          R"(HTTP noise "client_secret" : "0badc0de")"}) {
        CAPTURE(body);
        auto const e = refuse(make_response(201, body));
        CHECK(e.details().excerpt.empty());
        CHECK(e.to_string().find("0badc0de") == std::string::npos);
    }
}

TEST_CASE("an excerpt is short, one line, and without what may be a credential") {
    auto const e =
        refuse(make_response(502, "a\nb\x01 cfut_broken-sample " + std::string(500, '!')));
    CHECK(e.details().excerpt.starts_with("a b  [redacted] !"));
    CHECK(e.details().excerpt.size() < 130);
}

TEST_CASE("entries that are strings, or have no code, are kept and printed") {
    auto const e =
        refuse(make_response(400, R"({"success":false,"errors":["old text",)"
                                  R"({"message":"new text","source":{"pointer":"/name"},)"
                                  R"("documentation_url":"https://docs.example"}]})"));
    CHECK(e == errc::bad_request);
    REQUIRE(e.details().api_errors.size() == 2);
    CHECK(e.details().api_errors[1].documentation_url == "https://docs.example");
    CHECK(e.to_string().find("old text") != std::string::npos);
    CHECK(e.to_string().find("new text (at /name)") != std::string::npos);
}

TEST_CASE("a status of 4xx is no success though the envelope claims it") {
    auto const e = refuse(make_response(404, R"({"success":true,"result":{}})"));
    CHECK(e == errc::not_found);
    CHECK(e.delivery() == rejected);
}

TEST_CASE("a 5xx is a fault of the server, whatever code its envelope names") {
    for (char const* code : {"12135", "971", "12139", "9109"}) {
        CAPTURE(code);
        auto const e = refuse(make_response(503, failure(code, "x")));
        CHECK(e == errc::server_error);
        CHECK(e.delivery() == unknown);
    }
}

TEST_CASE("where an envelope's codes count ends at 429 and at 500") {
    auto const body = R"({"success":false,"errors":[{"code":12135,"message":"x"}]})";
    CHECK(refuse(make_response(428, body)) == errc::not_found);
    CHECK(refuse(make_response(429, body)) == errc::rate_limited);
    CHECK(refuse(make_response(430, body)) == errc::not_found);
    CHECK(refuse(make_response(499, body)) == errc::not_found);
    CHECK(refuse(make_response(500, body)) == errc::server_error);
    CHECK(refuse(make_response(501, body)) == errc::server_error);
}

TEST_CASE("a success and a redirect end at the bounds of their classes") {
    auto const known = R"({"success":false,"errors":[{"code":10000,"message":"x"}]})";
    CHECK(refuse(make_response(200, known)).delivery() == delivery::rejected);
    CHECK(refuse(make_response(299, known)).delivery() == delivery::rejected);
    CHECK(refuse(make_response(300, known)).delivery() == delivery::unknown);
    CHECK(refuse(make_response(299, "x")).details().explanation.empty());
    CHECK(refuse(make_response(300, "x")).details().explanation ==
          "a redirect, which is never followed");
    CHECK(refuse(make_response(399, "x")).details().explanation ==
          "a redirect, which is never followed");
    CHECK(refuse(make_response(400, "x")).details().explanation.empty());
}

TEST_CASE("a quote that no colon follows makes no JSON of a response") {
    for (auto const text : {"say \"hello\" twice", "a\"", "\"quoted\"", "\"a\" b: c"}) {
        CAPTURE(text);
        CHECK(refuse(make_response(502, text)).details().excerpt == text);
    }
    for (auto const text : {"x \"a\":1", "x \"a\" \t\r\n:1", "\n{", " ["}) {
        CAPTURE(text);
        CHECK(refuse(make_response(502, text)).details().excerpt.empty());
    }
}

TEST_CASE("the name of a long encoding is cut") {
    auto made = make_response(200, "x");
    REQUIRE(made.fields.add("Content-Encoding", std::string(20, 'a') + "," + std::string(30, 'b')));
    CHECK(refuse(made).details().explanation ==
          "the response is encoded as " + std::string(20, 'a') + "," + std::string(19, 'b') +
              "..., which was not asked for");
}

} // namespace refusal_tests
