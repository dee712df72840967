#include <cloudflare/json/writer.hpp>

#include <doctest/doctest.h>

#include <cloudflare/json/document.hpp>
#include <cloudflare/json/object_reader.hpp>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

namespace json_writer_tests {
namespace {

struct settings {
    bool flatten = true;
    [[nodiscard]] json_object_writer to_json() const {
        return json_object_writer().add("flatten", flatten);
    }
};

} // namespace

TEST_CASE("objects and arrays are written in one another") {
    std::vector<std::string> const tags{"a", "\"b\""};
    std::vector<settings> const all{{true}, {false}};
    CHECK(json_object_writer()
              .add("data", json_object_writer().add("port", 8443).add("none", json_object_writer()))
              .add("tags", tags)
              .add("empty", std::vector<std::int64_t>())
              .add("all", all)
              .add("one", settings())
              .add("mixed", json_array_writer().add(1).add("x").add(nullptr).add(tags))
              .finish() == R"({"data":{"port":8443,"none":{}},"tags":["a","\"b\""],"empty":[],)"
                           R"("all":[{"flatten":true},{"flatten":false}],"one":{"flatten":true},)"
                           R"("mixed":[1,"x",null,["a","\"b\""]]})");
    CHECK(json_array_writer().finish() == "[]");
    CHECK(json_array_writer().add(json_object_writer().add("k", 1)).finish() == R"([{"k":1}])");
    CHECK(json_array_writer().add(std::vector<bool>{true, false}).finish() == "[[true,false]]");
}

TEST_CASE("a double is written so that it reads back as the same one") {
    for (double const number : {0.0, 0.1, -1.5, 1e300, 5e-324, 1.0 / 3, 123456789.0}) {
        CAPTURE(number);
        auto const json = json_array_writer().add(number).finish();
        CHECK(std::strtod(json.c_str() + 1, nullptr) == number);
        CHECK(json.find(',') == json.npos);
    }
    CHECK(json_array_writer().add(0.5).add(2.0).add(0.25F).finish() == "[0.5,2,0.25]");
    for (double const none :
         {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
          std::numeric_limits<double>::quiet_NaN()})
        CHECK(json_array_writer().add(none).finish() == "[null]");
}

TEST_CASE("a member without a value is left out, and null is written where it is asked for") {
    CHECK(json_object_writer()
              .add("a", std::optional<int>())
              .add("b", std::optional<std::string>("x"))
              .add("c", nullptr)
              .finish() == R"({"b":"x","c":null})");
}

static_assert(!json_writable<char> && !json_writable<wchar_t> && !json_writable<void*>);
static_assert(!json_writable<std::optional<int>> && json_writable<bool>);
static_assert(json_writable<unsigned long long> && json_writable<std::string_view>);

} // namespace json_writer_tests
