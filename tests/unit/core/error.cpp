#include <cloudflare/core/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace error_tests {
namespace {

bool is_one_line_without_control_characters(std::string_view string) {
    return std::none_of(string.begin(), string.end(), [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

api_message message(std::optional<std::int64_t> code, std::string string, std::string pointer = {},
                    std::vector<api_message> chain = {}) {
    return {code, std::move(string), "", std::move(pointer), std::move(chain)};
}

} // namespace

static_assert(std::is_nothrow_copy_constructible_v<error>);
static_assert(std::is_nothrow_move_constructible_v<error>);

TEST_CASE("an error made of nothing is no failure and knows nothing") {
    error const none;
    CHECK_FALSE(none.code().failed());
    CHECK(none.delivery() == delivery::not_sent);
    CHECK(none.details().attempts == 0);
    CHECK(none.details().http_status == 0);
    CHECK(none.details().stopped == stop_reason::none);
    CHECK(none.details().api_errors.empty());
    CHECK_FALSE(none.details().retry_after.has_value());
    CHECK_FALSE(none.may_have_acted());
    CHECK(none != condition::invalid_input);
}

TEST_CASE("an error made of a code holds the code") {
    error const e = errc::token_in_use;
    CHECK(e.code() == errc::token_in_use);
    CHECK(e == errc::token_in_use);
    CHECK(errc::token_in_use == e);
    CHECK(e != errc::not_found);
    CHECK(e.details().explanation.empty());
}

TEST_CASE("an error made of a code and a sentence holds both") {
    error const e(errc::invalid_argument, "name: must not be empty");
    CHECK(e == errc::invalid_argument);
    CHECK(e.details().explanation == "name: must not be empty");
    CHECK(e.to_string() == "invalid argument: name: must not be empty");
}

TEST_CASE("an error compares with the groups of its code") {
    error const e = errc::rate_limited;
    CHECK(e == condition::rate_limited);
    CHECK(condition::rate_limited == e);
    CHECK(e == condition::unavailable);
    CHECK(e != condition::network);
    CHECK(e != condition::invalid_input);
}

TEST_CASE("whether the server may have acted is a matter of the delivery, not of the code") {
    struct row {
        delivery how_far;
        bool may_have_acted;
    };
    for (auto const& [how_far, may_have_acted] :
         {row{delivery::not_sent, false}, row{delivery::rejected, false},
          row{delivery::unknown, true}, row{delivery::accepted, true}}) {
        for (auto const code : {errc::connection_lost, errc::server_error, errc::cancelled,
                                errc::not_found, errc::unexpected_response}) {
            CAPTURE(to_string(how_far));
            CAPTURE(std::string_view(to_string(code)));
            error const e(code, error_details{.delivery = how_far});
            CHECK(e.may_have_acted() == may_have_acted);
            CHECK(e.delivery() == how_far);
        }
    }
}

TEST_CASE("an unknown outcome does not take an error out of its code's groups") {
    error const e(errc::connection_lost, error_details{.delivery = delivery::unknown});
    CHECK(e == condition::network);
    CHECK(e.may_have_acted());
    CHECK(e != condition::unavailable);
}

TEST_CASE("changing the details gives another error and leaves the first as it was") {
    error const first(
        errc::server_error,
        error_details{.delivery = delivery::rejected, .http_status = 502, .attempts = 1});
    error const shared = first;
    error const second = first.with([](error_details& d) {
        d.attempts = 3;
        d.delivery = delivery::unknown;
    });
    CHECK(second == errc::server_error);
    CHECK(second.details().attempts == 3);
    CHECK(second.details().http_status == 502);
    CHECK(second.may_have_acted());
    CHECK(first.details().attempts == 1);
    CHECK_FALSE(first.may_have_acted());
    CHECK(shared.details().attempts == 1);
}

TEST_CASE("changing the details of an error that has none begins with the defaults") {
    error const e = error(errc::cancelled).with([](error_details& d) {
        CHECK(d.attempts == 0);
        d.stopped = stop_reason::cancelled;
    });
    CHECK(e == errc::cancelled);
    CHECK(e.details().stopped == stop_reason::cancelled);
}

TEST_CASE("a copy shares the details") {
    error const e(errc::conflict, "a sentence");
    error const copy = e;
    CHECK(&copy.details() == &e.details());
}

TEST_CASE("an error without details prints as its code") {
    CHECK(error(errc::connection_lost).to_string() == "connection lost");
}

TEST_CASE("the line tells what was asked, what came back, what is left and how to go on") {
    error const e(errc::rate_limited, error_details{.operation = "create_service_token",
                                                    .delivery = delivery::rejected,
                                                    .http_status = 429,
                                                    .api_errors = {message(971, "Please wait")},
                                                    .cf_ray = "a23c92d51bc8a952-DTW",
                                                    .retry_after = 30s,
                                                    .attempts = 2,
                                                    .stopped = stop_reason::deadline});
    CHECK(e.to_string() ==
          "create_service_token: rate limited: HTTP 429: 971 Please wait; the server did not act; "
          "the next attempt would come after the deadline; 2 attempts; retry after 30 s; "
          "cf-ray a23c92d51bc8a952-DTW");
}

TEST_CASE("the line shows where in the request an API error points, and its chain") {
    error const e(errc::bad_request,
                  error_details{.delivery = delivery::rejected,
                                .http_status = 400,
                                .api_errors = {message(6003, "Invalid request headers", "",
                                                       {message(6111, "Invalid format")}),
                                               message({}, "no code", "/name")},
                                .attempts = 1});
    CHECK(e.to_string() == "request not accepted: HTTP 400: 6003 Invalid request headers: 6111 "
                           "Invalid format: no code (at /name); the server did not act");
}

TEST_CASE("the line shows a response that is not the API's JSON") {
    error const e(errc::unexpected_response, error_details{.delivery = delivery::unknown,
                                                           .http_status = 522,
                                                           .content_type = "text/html",
                                                           .excerpt = "<title>timed out</title>",
                                                           .attempts = 1});
    CHECK(e.to_string() == "not a response of the API: HTTP 522, text/html, "
                           "\"<title>timed out</title>\"; the server may have acted");
}

TEST_CASE("the line shows the cause beneath") {
    error const e(errc::connection_lost,
                  error_details{.cause = make_error_code(boost::system::errc::connection_reset)});
    auto const cause = make_error_code(boost::system::errc::connection_reset).message();
    CHECK(e.to_string() == "connection lost (" + cause + ")");
}

TEST_CASE("one attempt is not counted out, two are") {
    auto const line = [](unsigned attempts) {
        return error(errc::server_error, error_details{.attempts = attempts}).to_string();
    };
    CHECK(line(1) == "server error; the server may have acted");
    CHECK(line(2) == "server error; the server may have acted; 2 attempts");
}

TEST_CASE("the stream shows the same line") {
    error const e(errc::no_route, "a sentence");
    std::ostringstream out;
    out << e;
    CHECK(out.str() == e.to_string());
}

TEST_CASE("text from outside cannot break the line, wherever it stands") {
    constexpr auto hostile = "a\r\nb\0c\x1b[31md\x7f\te"sv;
    struct row {
        std::string_view field;
        void (*put)(error_details&, std::string);
    };
    row const rows[] = {
        {"operation", [](error_details& d, std::string s) { d.operation = std::move(s); }},
        {"explanation", [](error_details& d, std::string s) { d.explanation = std::move(s); }},
        {"content_type", [](error_details& d, std::string s) { d.content_type = std::move(s); }},
        {"excerpt", [](error_details& d, std::string s) { d.excerpt = std::move(s); }},
        {"cf_ray", [](error_details& d, std::string s) { d.cf_ray = std::move(s); }},
        {"cf_auditlog_id",
         [](error_details& d, std::string s) { d.cf_auditlog_id = std::move(s); }},
        {"message",
         [](error_details& d, std::string s) { d.api_errors = {message(1, std::move(s))}; }},
        {"source_pointer",
         [](error_details& d, std::string s) { d.api_errors = {message(1, "m", std::move(s))}; }},
        {"error_chain",
         [](error_details& d, std::string s) {
             d.api_errors = {message(1, "m", "", {message(2, std::move(s))})};
         }},
    };
    for (auto const& [field, put] : rows) {
        CAPTURE(field);
        error_details details{.attempts = 1};
        put(details, std::string(hostile));
        CHECK(is_one_line_without_control_characters(
            error(errc::bad_request, std::move(details)).to_string()));
    }
}

TEST_CASE("a credential that the API or a user's code put into a string is not printed") {
    std::string const samples[] = {"cfut_tooshort", "cfast_tooshort", "cfat_x", "cfk_x",
                                   std::string(37, 'z')};
    for (auto const& sample : samples) {
        CAPTURE(sample);
        bool const by_form = sample.find('_') != sample.npos;
        error_details details{.explanation = "explained " + (by_form ? sample : ""),
                              .api_errors = {message(10000, "bad token " + sample, "/" + sample,
                                                     {message(1, '"' + sample + '"')})},
                              .content_type = "text/" + sample,
                              .cf_ray = sample,
                              .attempts = 1};
        auto const line = error(errc::unauthorized, std::move(details)).to_string();
        CAPTURE(line);
        CHECK(line.find(sample) == line.npos);
        CHECK(line.find("[redacted]") != line.npos);
    }
}

TEST_CASE("the library's own sentences keep long names and paths, and no credential") {
    auto const path = "/srv/production-europe-west-1-service-tokens-of-the-issuer/ci";
    CHECK(error(errc::sink_failed, path).to_string() == "secret not stored: " + std::string(path));
    for (auto const& hidden : {std::string("cfast_tooshort"), std::string("xcfut_y"),
                               std::string(64, 'a'), std::string(37, '0')}) {
        auto const line = error(errc::sink_failed, path + (" " + hidden)).to_string();
        CHECK(line == "secret not stored: " + std::string(path) + " [redacted]");
    }
    CHECK(error(errc::sink_failed, "a\u009bb\nc").to_string() == "secret not stored: a?b c");
}

TEST_CASE("an error of bad input stays one without an explanation, whatever is added to it") {
    for (auto const code : {errc::invalid_argument, errc::invalid_credentials,
                            errc::missing_credentials, errc::unsupported_by_scope}) {
        error const e = error(code).with([](error_details& d) { d.operation = "x"; });
        CHECK(e.delivery() == delivery::not_sent);
        CHECK_FALSE(e.may_have_acted());
        CHECK(e.details().delivery == delivery::not_sent);
    }
    error const lost =
        error(errc::connection_lost).with([](error_details& d) { d.operation = "x"; });
    CHECK(lost.delivery() == delivery::unknown);
    CHECK(error(static_cast<errc>(-1)).delivery() == delivery::unknown);
}

TEST_CASE("an operation that only reads has not acted, and its line says nothing of that") {
    for (auto const d :
         {delivery::not_sent, delivery::rejected, delivery::unknown, delivery::accepted}) {
        error const e(
            errc::server_error,
            error_details{.delivery = d, .attempts = 1, .idempotency = idempotency::safe});
        CHECK_FALSE(e.may_have_acted());
        CHECK(e.to_string() == "server error");
        CHECK(e.delivery() == d);
    }
}

TEST_CASE("a long explanation is cut") {
    std::string words;
    for (int i = 0; i != 200; ++i)
        words += "word ";
    auto const line = error(errc::invalid_argument, words).to_string();
    CHECK(line.size() < 450);
    CHECK(line.ends_with("..."));
}

TEST_CASE("an exception carries the error and its line") {
    error const e(errc::not_found, "no such token");
    error_exception const thrown(e);
    CHECK(std::string_view(thrown.what()) == "not found: no such token");
    CHECK(thrown.error() == errc::not_found);
    CHECK(thrown.error().details().explanation == "no such token");
}

TEST_CASE("each delivery and each reason to stop has the words that belong to it") {
    CHECK(to_string(delivery::not_sent) == "nothing was sent");
    CHECK(to_string(delivery::rejected) == "the server did not act");
    CHECK(to_string(delivery::unknown) == "the server may have acted");
    CHECK(to_string(delivery::accepted) == "the server acted");

    CHECK(to_string(stop_reason::none).empty());
    CHECK(to_string(stop_reason::permanent).empty());
    CHECK(to_string(stop_reason::not_repeatable) ==
          "not retried: a second request could create a second token");
    CHECK(to_string(stop_reason::attempts_exhausted) == "no attempts are left");
    CHECK(to_string(stop_reason::deadline) == "the next attempt would come after the deadline");
    CHECK(to_string(stop_reason::budget_exhausted) == "the retry budget is used up");
    CHECK(to_string(stop_reason::cancelled) == "cancelled by the caller");
}

TEST_CASE("what kept a request from being made was not sent, and keeps its words") {
    auto const kept = detail::not_sent(error(errc::connect_failed, "the vault is closed"));
    CHECK(kept == errc::connect_failed);
    CHECK(kept.delivery() == delivery::not_sent);
    CHECK(kept.details().explanation == "the vault is closed");

    auto const nameless = detail::not_sent(error());
    CHECK(nameless == errc::invalid_argument);
    CHECK(nameless.delivery() == delivery::not_sent);
    CHECK(nameless.details().explanation ==
          "an error without a code kept the request from being made");
}

} // namespace error_tests
