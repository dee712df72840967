#include <cloudflare/json/document.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

using namespace cloudflare;

// A document points into its text: a temporary would leave it dangling.
static_assert(std::is_constructible_v<json_document, std::string const&>);
static_assert(!std::is_constructible_v<json_document, std::string>);
static_assert(!std::is_constructible_v<json_document, wiped_string>);

namespace json_document_tests {
namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

bool is_valid(std::string_view text, json_limits limits = json_limits()) {
    return json_document(text, limits).is_valid();
}

bool lies_in(std::string_view part, std::string_view text) {
    return part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size();
}

} // namespace

TEST_CASE("what is not JSON, or more than JSON, is not valid, and its root is null") {
    for (std::string_view text : {"", " ", "nul", "{", "{\"a\":1", "{\"a\":1}}", "{\"a\":1} x",
                                  "<html>", "[1,]", "{'a':1}", "\"\xFF\"", "{\"a\":\"\n\"}"}) {
        CAPTURE(text);
        CHECK_FALSE(is_valid(text));
        CHECK(json_document(text).root().is_null());
    }
    for (std::string_view text : {"null", "true", "1", "\"a\"", "[]", " {} \n"}) {
        CAPTURE(text);
        CHECK(is_valid(text));
    }
}

TEST_CASE("a JSON text deeper than the bound is refused, one just as deep is read") {
    json_limits const limits;
    CHECK(is_valid(nested(limits.max_depth)));
    CHECK_FALSE(is_valid(nested(limits.max_depth + 1)));
    CHECK(is_valid(nested(3), json_limits{.max_depth = 3}));
    CHECK_FALSE(is_valid(nested(4), json_limits{.max_depth = 3}));
}

TEST_CASE("a million opening brackets are refused") {
    CHECK_FALSE(is_valid(std::string(1'000'000, '[')));
    std::string objects;
    for (int i = 0; i != 100'000; ++i)
        objects += "{\"a\":";
    CHECK_FALSE(is_valid(objects));
}

TEST_CASE("a JSON text larger than the bound is refused, one just as large is read") {
    std::string const text = "\"" + std::string(98, 'x') + "\"";
    CHECK(is_valid(text, json_limits{.max_size = 100}));
    CHECK_FALSE(is_valid(text, json_limits{.max_size = 99}));
}

TEST_CASE("a document of any number of values is read whole") {
    for (std::size_t const count : {0u, 1u, 38u, 39u, 40u, 41u, 159u, 160u, 161u, 5000u}) {
        CAPTURE(count);
        std::string text = R"({"list":[)";
        for (std::size_t i = 0; i != count; ++i)
            text += (i == 0 ? "" : ",") + std::to_string(i);
        text += R"(],"after":"it"})";
        json_document const document(text);
        auto const list = document.root().find("list");
        CHECK(list.size() == count);
        std::int64_t next = 0;
        for (json_value const v : list)
            CHECK(v.if_integer() == next++);
        CHECK(next == static_cast<std::int64_t>(count));
        CHECK(document.root().find("after").if_string() == "it");
    }
}

TEST_CASE("a string without escapes is not copied") {
    std::string const text = R"({"key":"value"})";
    json_document const document(text);
    json_value const member = document.root().find("key");
    CHECK(lies_in(*member.if_string(), text));
    CHECK(lies_in(member.key(), text));
}

TEST_CASE("a string keeps its escapes' meaning, NUL included") {
    std::string const text = R"({"id":"a\u0000b\n\u00e4\ud83d\ude00\"\\\/"})";
    json_document const document(text);
    CHECK(document.root().find("id").if_string() ==
          std::string_view("a\0b\n\u00e4\U0001F600\"\\/", 13));
}

TEST_CASE("strings and keys with escapes each stay what they are") {
    std::string const text = R"({"\u0061":"\n1","b\t":"plain","\u00e4c":["\\","\"\"","x\u0079z"]})";
    json_document const document(text);
    auto const root = document.root();
    CHECK(root.find("a").if_string() == "\n1");
    CHECK(root.find("b\t").if_string() == "plain");
    auto const list = root.find("\u00e4c");
    auto v = list.begin();
    CHECK((*v++).if_string() == "\\");
    CHECK((*v++).if_string() == "\"\"");
    CHECK((*v++).if_string() == "xyz");
    CHECK(v == list.end());
}

TEST_CASE("a long string with many escapes is read whole") {
    std::string text = "\"";
    std::string expected;
    for (int i = 0; i != 3000; ++i) {
        text += R"(some text\n\u00e4)";
        expected += "some text\n\u00e4";
    }
    text += '"';
    json_document const document(text);
    CHECK(document.root().if_string() == expected);
}

TEST_CASE("the default bounds are 32 levels and 16 MiB") {
    CHECK(json_limits().max_depth == 32);
    CHECK(json_limits().max_size == 16777216);
}

} // namespace json_document_tests
