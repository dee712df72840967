#include <cloudflare/json/writer.hpp>

#include <doctest/doctest.h>

#include <cloudflare/json/document.hpp>
#include <cloudflare/json/object_reader.hpp>
#include <utility>

#include <cstdint>
#include <limits>
#include <string>

using namespace cloudflare;

TEST_CASE("an object without members is written as such") {
    CHECK(json_object_writer().finish() == "{}");
}

TEST_CASE("members are written in their order, each in its own type") {
    json_object_writer json;
    std::string const text = "forever";
    json.add("name", "ci").add("duration", text).add("enabled", false).add("on", true);
    json.add("version", std::int64_t{3}).add("least", std::numeric_limits<std::int64_t>::min());
    CHECK(std::move(json).finish() ==
          R"({"name":"ci","duration":"forever","enabled":false,"on":true,"version":3,)"
          R"("least":-9223372036854775808})");
}

TEST_CASE("what JSON forbids inside a string is escaped, and the rest stays") {
    json_object_writer json;
    json.add("k\"", "a\"b\\c\n\t\x01/\x7f\u00e4\U0001F600");
    CHECK(std::move(json).finish() == "{\"k\\\"\":\"a\\\"b\\\\c\\u000a\\u0009\\u0001/\x7f"
                                      "\u00e4\U0001F600\"}");
}

TEST_CASE("every byte below 0x80, NUL included, is read back as it was written") {
    std::string all;
    for (char c = 0; c != 0x7f; ++c)
        all += c;
    json_object_writer json;
    json.add("text", all);
    std::string const text = std::move(json).finish();
    json_document const document(text);
    std::string back;
    json_object_reader(document.root()).required("text", back);
    CHECK(back == all);
}

TEST_CASE("well-formed UTF-8 is told from what is not") {
    for (std::string_view text :
         {"", "ascii", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
          "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA4z"}) {
        CAPTURE(text);
        CHECK(is_utf8(text));
    }
    for (std::string_view text :
         {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2",
          "\xC2"
          "A",
          "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
          "\xF0\x9F\x98", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "ok\xFE",
          "\xE2"
          "a\xAC"}) {
        CAPTURE(text);
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("what need not be escaped is written as it is") {
    json_object_writer writer;
    writer.add("k", " !#[]~\x7f/");
    CHECK(std::move(writer).finish() == "{\"k\":\" !#[]~\x7f/\"}");
}
