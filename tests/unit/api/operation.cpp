#include <cloudflare/api/operation.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace cloudflare;

namespace operation_tests {
namespace {

struct widget {
    std::string id;
    std::optional<std::string> color;

    static result<widget> from_json(json_value v) {
        json_object_reader in(v);
        widget w;
        in.required("id", w.id);
        in.optional("color", w.color);
        return in.finish(std::move(w));
    }
};

template <class Result>
struct ask {
    using result_type = Result;
    static constexpr std::string_view name = "ask";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;
    result<std::string> target() const { return std::string("/widgets"); }
};

struct without_target {
    using result_type = void;
    static constexpr std::string_view name = "x";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;
};

struct text_target : without_target {
    std::string target() const { return "/x"; }
};

http::response make_response(int status, std::string_view body) {
    http::response r{.status = status};
    r.body = body;
    return r;
}

} // namespace

static_assert(operation<ask<void>> && operation<ask<widget>> && operation<ask<page<widget>>>);
static_assert(!operation<without_target> && !operation<text_target> && !operation<int>);

TEST_CASE("only at_most_once and revokes may not be sent again") {
    CHECK(is_repeatable(idempotency::safe));
    CHECK(is_repeatable(idempotency::idempotent));
    CHECK(is_repeatable(idempotency::idempotent_delete));
    CHECK_FALSE(is_repeatable(idempotency::at_most_once));
    CHECK_FALSE(is_repeatable(idempotency::revokes));
}

TEST_CASE("any 2xx whose envelope says success is one") {
    for (int status : {200, 201, 202, 203, 299}) {
        CAPTURE(status);
        auto const w = decode<ask<widget>>(make_response(
            status, R"({"success":true,"errors":[],"messages":[],"result":{"id":"1"}})"));
        REQUIRE(w.has_value());
        CHECK(w->id == "1");
    }
}

TEST_CASE("a success status with success:false, no envelope or no body is an error") {
    struct row {
        char const* body;
        errc code;
        delivery acted;
    };
    for (auto const& [body, code, acted] : {
             row{R"({"success":false,"errors":[],"result":{"id":"1"}})", errc::api_refused,
                 delivery::unknown},
             row{R"({"success":false,"errors":[{"code":12130}]})", errc::bad_request,
                 delivery::rejected},
             row{R"({"result":{"id":"1"}})", errc::unexpected_response, delivery::unknown},
             row{R"({"success":true,"result":{"id":"1")", errc::unexpected_response,
                 delivery::unknown},
             row{"", errc::unexpected_response, delivery::unknown},
             row{"null", errc::unexpected_response, delivery::unknown},
             row{"<html>", errc::unexpected_response, delivery::unknown},
         }) {
        CAPTURE(body);
        auto const w = decode<ask<widget>>(make_response(200, body));
        REQUIRE(w.has_error());
        CHECK(w.error() == code);
        CHECK(w.error().delivery() == acted);
        CHECK(w.error().details().http_status == 200);
    }
}

TEST_CASE("a response too deep to be read leaves the outcome unknown") {
    auto const w = decode<ask<widget>>(
        make_response(201, R"({"success":true,"result":)" + std::string(100'000, '[')));
    REQUIRE(w.has_error());
    CHECK(w.error() == errc::unexpected_response);
    CHECK(w.error().delivery() == delivery::unknown);
    CHECK(w.error().details().excerpt.empty());
}

TEST_CASE("a required field that is missing is named, and the server did act") {
    struct row {
        char const* body;
        char const* explanation;
    };
    for (auto const& [body, explanation] : {
             row{R"({"success":true,"result":{"color":"red"}})", "result.id"},
             row{R"({"success":true,"result":{"id":5}})", "result.id"},
             row{R"({"success":true,"result":null})", "result"},
             row{R"({"success":true})", "result"},
             row{R"({"success":true,"result":[]})", "result: must be an object"},
         }) {
        CAPTURE(body);
        auto r = make_response(200, body);
        REQUIRE(r.fields.add("cf-ray", "8f2-DTW").has_value());
        auto const w = decode<ask<widget>>(r);
        REQUIRE(w.has_error());
        CHECK(w.error() == errc::missing_field);
        CHECK(w.error().delivery() == delivery::accepted);
        CHECK(w.error().details().explanation == explanation);
        CHECK(w.error().details().cf_ray == "8f2-DTW");
    }
}

TEST_CASE("an operation without a result needs no more than success") {
    CHECK(decode<ask<void>>(make_response(200, R"({"success":true,"result":null})")).has_value());
    CHECK(
        decode<ask<void>>(make_response(200, R"({"success":true,"result":{"a":1}})")).has_value());
    CHECK(decode<ask<void>>(make_response(200, R"({"success":false})")).has_error());
}

TEST_CASE("an optional result is absent where the response has none or another one") {
    using maybe = ask<std::optional<widget>>;
    for (char const* body :
         {R"({"success":true})", R"({"success":true,"result":null})",
          R"({"success":true,"result":{}})", R"({"success":true,"result":[]})"}) {
        CAPTURE(body);
        auto const w = decode<maybe>(make_response(200, body));
        REQUIRE(w.has_value());
        CHECK_FALSE(w->has_value());
    }
    auto const some = decode<maybe>(make_response(200, R"({"success":true,"result":{"id":"1"}})"));
    REQUIRE(some.has_value());
    REQUIRE(some->has_value());
    CHECK((*some)->id == "1");
}

TEST_CASE("a page is decoded with what it says of itself") {
    auto const p = decode<ask<page<widget>>>(
        make_response(200, R"({"success":true,"result":[{"id":"1"},{"id":"2"}],)"
                           R"("result_info":{"page":1,"per_page":2,"total_pages":3}})"));
    REQUIRE(p.has_value());
    REQUIRE(p->items.size() == 2);
    CHECK(p->items[1].id == "2");
    CHECK(p->info.total_pages == 3);
}

TEST_CASE("a page that is no array, or has a bad item, is an error") {
    for (char const* body :
         {R"({"success":true,"result":{}})", R"({"success":true,"result":null})",
          R"({"success":true,"result":[{"id":"1"},{}]})", R"({"success":true,"result":[null]})"}) {
        CAPTURE(body);
        auto const p = decode<ask<page<widget>>>(make_response(200, body));
        REQUIRE(p.has_error());
        CHECK(p.error() == errc::missing_field);
        CHECK(p.error().delivery() == delivery::accepted);
    }
}

TEST_CASE("an empty page is a success") {
    auto const p = decode<ask<page<widget>>>(make_response(200, R"({"success":true,"result":[]})"));
    REQUIRE(p.has_value());
    CHECK(p->items.empty());
}

TEST_CASE("notes are given out with a success") {
    std::vector<api_message> notes;
    auto const w = decode<ask<widget>>(
        make_response(200, R"({"success":true,"messages":["deprecated"],"result":{"id":"1"}})"),
        &notes);
    REQUIRE(w.has_value());
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].message == "deprecated");
}

namespace {

/// A value as it is: no envelope.
struct read_value : ask<std::string> {
    static result<std::string> decode(http::response const& r) {
        if (r.body == "refused")
            return error(errc::rate_limited, error_details{.delivery = delivery::rejected});
        if (r.body == "bad") return error(errc::invalid_argument, "must be good");
        if (r.body == "none") return error();
        return std::string(r.body);
    }
};

/// An endpoint whose codes are not those of service tokens.
struct own_codes : ask<widget> {
    static std::optional<errc> meaning_of(api_message const& m) {
        switch (m.code.value_or(0)) {
        case 81044: return errc::not_found;
        case 12130: return errc::conflict;
        case 5: return errc{};
        default: return std::nullopt;
        }
    }
};

} // namespace

TEST_CASE("an operation may read its responses itself: each 2xx, and no other") {
    CHECK(decode<read_value>(make_response(200, "raw")).value() == "raw");
    CHECK(decode<read_value>(make_response(204, "")).value().empty());
    CHECK(decode<read_value>(make_response(200, R"({"success":false})")).value() ==
          R"({"success":false})");
    for (int const status : {199, 300, 404, 500}) {
        CAPTURE(status);
        CHECK(decode<read_value>(make_response(status, "raw")).has_error());
    }
    auto const absent = decode<read_value>(
        make_response(404, R"({"success":false,"errors":[{"code":7003,"message":"x"}]})"));
    CHECK(absent.error() == errc::no_route);
    CHECK(absent.error().delivery() == delivery::rejected);
}

TEST_CASE("what an operation's own reading does not like was acted on, unless it says otherwise") {
    auto const bad = decode<read_value>(make_response(201, "bad"));
    CHECK(bad.error() == errc::missing_field);
    CHECK(bad.error() != condition::invalid_input);
    CHECK(bad.error().delivery() == delivery::accepted);
    CHECK(bad.error().details().explanation == "must be good");
    CHECK(bad.error().details().http_status == 201);
    auto const refused = decode<read_value>(make_response(200, "refused"));
    CHECK(refused.error() == errc::rate_limited);
    CHECK(refused.error().delivery() == delivery::rejected);
    auto const none = decode<read_value>(make_response(200, "none"));
    CHECK(none.error().code().failed());
    CHECK(none.error().delivery() == delivery::accepted);
}

TEST_CASE("an operation's own error codes count, then those that the API shares") {
    struct row {
        int status;
        int code;
        errc meaning;
        delivery acted;
    };
    for (auto const& [status, code, meaning, acted] : {
             row{400, 81044, errc::not_found, delivery::rejected},
             row{200, 81044, errc::not_found, delivery::rejected},
             row{400, 12130, errc::conflict, delivery::rejected},
             row{400, 12139, errc::bad_request, delivery::rejected}, // of service tokens
             row{200, 12139, errc::api_refused, delivery::unknown},
             row{400, 7003, errc::no_route, delivery::rejected},
             row{400, 971, errc::rate_limited, delivery::rejected},
             row{400, 5, errc::bad_request, delivery::rejected},
             row{500, 81044, errc::server_error, delivery::unknown},
         }) {
        CAPTURE(status);
        CAPTURE(code);
        auto const e = decode<own_codes>(
                           make_response(status, R"({"success":false,"errors":[{"code":)" +
                                                     std::to_string(code) + R"(,"message":"m"}]})"))
                           .error();
        CHECK(e == meaning);
        CHECK(e.delivery() == acted);
    }
    CHECK(decode<ask<widget>>(
              make_response(400, R"({"success":false,"errors":[{"code":12139,"message":"m"}]})"))
              .error() == errc::token_in_use);
}

TEST_CASE("a result may be a string, a number or an array of what can be read") {
    CHECK(
        decode<ask<std::string>>(make_response(200, R"({"success":true,"result":"x"})")).value() ==
        "x");
    CHECK(decode<ask<double>>(make_response(200, R"({"success":true,"result":0.5})")).value() ==
          0.5);
    auto const all = decode<ask<std::vector<widget>>>(
        make_response(200, R"({"success":true,"result":[{"id":"1"},{"id":"2"}]})"));
    REQUIRE(all.has_value());
    CHECK(all->at(1).id == "2");
    CHECK(decode<ask<std::optional<std::string>>>(
              make_response(200, R"({"success":true,"result":1})"))
              .value() == std::nullopt);
    auto const bad = decode<ask<std::vector<widget>>>(
        make_response(200, R"({"success":true,"result":[{"id":"1"},{}]})"));
    CHECK(bad.error() == errc::missing_field);
    CHECK(bad.error().details().explanation == "result[1].id");
    CHECK(decode<ask<page<widget>>>(make_response(200, R"({"success":true,"result":[{}]})"))
              .error()
              .details()
              .explanation == "result[0].id");
    CHECK(decode<ask<std::string>>(make_response(200, R"({"success":true})")).error() ==
          errc::missing_field);
}

TEST_CASE("an error that from_json makes of a response is none of bad input") {
    struct strict {
        static result<strict> from_json(json_value) {
            return error(errc::invalid_argument, "result.at: must be a time");
        }
    };
    auto const e =
        decode<ask<strict>>(make_response(200, R"({"success":true,"result":{}})")).error();
    CHECK(e == errc::missing_field);
    CHECK(e.delivery() == delivery::accepted);
    CHECK(e.details().explanation == "result.at: must be a time");
}

} // namespace operation_tests
