#include <cloudflare/api/envelope.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace cloudflare;

TEST_CASE("what is no object with a boolean success is no envelope") {
    for (char const* body :
         {"", "null", "[]", "\"success\"", "{}", R"({"success":null})", R"({"success":"true"})",
          R"({"success":1})", R"({"Success":true})", R"([{"success":true}])", "<html></html>"}) {
        CAPTURE(body);
        json_document const document(body);
        CHECK_FALSE(read_envelope(document).has_value());
    }
}

TEST_CASE("an envelope needs nothing but success") {
    json_document const document(R"({"success":true})");
    auto const e = read_envelope(document);
    REQUIRE(e.has_value());
    CHECK(e->success);
    CHECK(e->errors.empty());
    CHECK(e->messages.empty());
    CHECK(e->result.is_null());
    CHECK_FALSE(e->info.page);
}

TEST_CASE("a result that is null counts as none, and another one is found") {
    json_document const none(R"({"success":true,"result":null})");
    CHECK(read_envelope(none)->result.is_null());
    json_document const some(R"({"result":{"a":1},"success":false})");
    auto const e = read_envelope(some);
    CHECK_FALSE(e->success);
    CHECK(e->result.find("a").if_integer() == 1);
}

TEST_CASE("an error entry is read with its link, its pointer and its chain") {
    json_document const document(
        R"({"success":false,"errors":[{"code":6003,"message":"Invalid request headers",)"
        R"("documentation_url":"https://docs.example/6003","source":{"pointer":"/name"},)"
        R"("error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}]})");
    auto const e = read_envelope(document);
    REQUIRE(e.has_value());
    REQUIRE(e->errors.size() == 1);
    auto const& m = e->errors[0];
    CHECK(m.code == 6003);
    CHECK(m.message == "Invalid request headers");
    CHECK(m.documentation_url == "https://docs.example/6003");
    CHECK(m.source_pointer == "/name");
    REQUIRE(m.error_chain.size() == 1);
    CHECK(m.error_chain[0].code == 6111);
    CHECK(m.error_chain[0].message == "Invalid format for Authorization header");
    CHECK(m.error_chain[0].error_chain.empty());
}

TEST_CASE("entries that are strings, lack a code or are of no use are read leniently") {
    json_document const document(
        R"({"success":false,"errors":["plain text",{"message":"no code"},{"code":1003},)"
        R"({"code":"7","message":9,"source":"x","error_chain":{}},null,5,[],)"
        R"({"code":12.0,"source":{"pointer":3}}]})");
    auto const e = read_envelope(document);
    REQUIRE(e.has_value());
    REQUIRE(e->errors.size() == 8);
    CHECK(e->errors[0].message == "plain text");
    CHECK_FALSE(e->errors[0].code);
    CHECK(e->errors[1].message == "no code");
    CHECK_FALSE(e->errors[1].code);
    CHECK(e->errors[2].code == 1003);
    CHECK(e->errors[2].message.empty());
    for (std::size_t i = 3; i != 7; ++i) {
        CAPTURE(i);
        CHECK_FALSE(e->errors[i].code);
        CHECK(e->errors[i].message.empty());
        CHECK(e->errors[i].source_pointer.empty());
        CHECK(e->errors[i].error_chain.empty());
    }
    CHECK(e->errors[7].code == 12);
    CHECK(e->errors[7].source_pointer.empty());
}

TEST_CASE("errors and messages that are no arrays count as none") {
    for (char const* body : {R"({"success":false,"errors":null,"messages":null})",
                             R"({"success":false,"errors":{},"messages":"text"})"}) {
        CAPTURE(body);
        json_document const document(body);
        auto const e = read_envelope(document);
        REQUIRE(e.has_value());
        CHECK(e->errors.empty());
        CHECK(e->messages.empty());
    }
}

TEST_CASE("notes are read with a success too") {
    json_document const document(
        R"({"success":true,"messages":[{"code":10000,"message":"deprecated"},"old"]})");
    auto const e = read_envelope(document);
    REQUIRE(e.has_value());
    REQUIRE(e->messages.size() == 2);
    CHECK(e->messages[0].message == "deprecated");
    CHECK(e->messages[1].message == "old");
}

TEST_CASE("an error chain is followed to the bound and no further") {
    std::string entry = R"({"code":99})";
    for (int i = 12; i != 0; --i)
        entry = R"({"code":)" + std::to_string(i) + R"(,"error_chain":[)" + entry + "]}";
    std::string const body = R"({"success":false,"errors":[)" + entry + "]}";
    json_document const document(body, json_limits{.max_depth = 100});
    auto const e = read_envelope(document);
    REQUIRE(e.has_value());
    int depth = 0;
    auto const* m = &e->errors.at(0);
    while (!m->error_chain.empty()) {
        m = &m->error_chain[0];
        ++depth;
    }
    CHECK(depth == 8);
    CHECK(m->code == 9);
}

TEST_CASE("an error chain deeper than the text may be is no envelope, and no crash") {
    std::string body = R"({"success":false,"errors":[)";
    for (int i = 0; i != 10'000; ++i)
        body += R"({"code":1,"error_chain":[)";
    json_document const document(body);
    CHECK_FALSE(read_envelope(document).has_value());
}

TEST_CASE("result_info is read as far as it is there") {
    json_document const whole(
        R"({"success":true,"result":[],"result_info":{"count":2,"page":1,"per_page":1000,)"
        R"("total_count":2,"total_pages":1}})");
    auto const info = read_envelope(whole)->info;
    CHECK(info.count == 2);
    CHECK(info.page == 1);
    CHECK(info.per_page == 1000);
    CHECK(info.total_count == 2);
    CHECK(info.total_pages == 1);

    for (char const* body : {R"({"success":true})", R"({"success":true,"result_info":null})",
                             R"({"success":true,"result_info":[]})",
                             R"({"success":true,"result_info":{"cursor":"","page":"1"}})"}) {
        CAPTURE(body);
        json_document const document(body);
        auto const none = read_envelope(document)->info;
        CHECK_FALSE(none.count);
        CHECK_FALSE(none.page);
        CHECK_FALSE(none.per_page);
        CHECK_FALSE(none.total_count);
        CHECK_FALSE(none.total_pages);
    }
}
