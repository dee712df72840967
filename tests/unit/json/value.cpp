#include <cloudflare/json/value.hpp>

#include <doctest/doctest.h>

#include <cloudflare/json/document.hpp>
#include <optional>

#include <iterator>
#include <string>

using namespace cloudflare;

static_assert(std::input_iterator<json_value::iterator>);

TEST_CASE("a value that is not there is null, and so is all in it") {
    json_value const none;
    CHECK(none.is_null());
    CHECK_FALSE(none.is_array());
    CHECK_FALSE(none.is_object());
    CHECK_FALSE(none.if_string());
    CHECK_FALSE(none.if_bool());
    CHECK_FALSE(none.if_integer());
    CHECK_FALSE(none.if_number());
    CHECK(none.size() == 0);
    CHECK(none.begin() == none.end());
    CHECK(none.key().empty());
    CHECK(none.find("a").find("b").is_null());
}

TEST_CASE("each value is of one type") {
    json_document const document(R"([null,true,7,1.5,"text",[1],{"a":1}])");
    std::string types;
    for (json_value const v : document.root()) {
        types += v.is_null() ? "null " : "";
        types += v.if_bool() ? "bool " : "";
        types += v.if_integer() ? "integer " : "";
        types += v.if_number() ? "number " : "";
        types += v.if_string() ? "string " : "";
        types += v.is_array() ? "array " : "";
        types += v.is_object() ? "object " : "";
    }
    CHECK(types == "null bool integer number number string array object ");
}

TEST_CASE("numbers are read as they are written") {
    json_document const document("[false,-5,0.25,18446744073709551615]");
    auto v = document.root().begin();
    CHECK((*v++).if_bool() == false);
    CHECK((*v).if_integer() == -5);
    CHECK((*v++).if_number() == -5.0);
    CHECK_FALSE((*v).if_integer());
    CHECK((*v++).if_number() == 0.25);
    CHECK_FALSE((*v).if_integer());
    CHECK((*v++).if_number() == 18446744073709551615.0);
    CHECK(v == document.root().end());
}

TEST_CASE("a nested value is skipped as one value") {
    json_document const document(R"({"a":[[],[1,{"x":[2,3]}],{}],"b":{"c":{"d":4}},"e":5})");
    auto const root = document.root();
    CHECK(root.size() == 3);
    std::string keys;
    for (json_value const member : root)
        keys += member.key();
    CHECK(keys == "abe");
    CHECK(root.find("a").size() == 3);
    CHECK(root.find("b").find("c").find("d").if_integer() == 4);
    CHECK(root.find("e").if_integer() == 5);
    CHECK(root.find("c").is_null());
    CHECK(root.find("x").is_null());
}

TEST_CASE("only an object's members have names") {
    json_document const document(R"({"list":["a","b"],"text":"x"})");
    auto const list = document.root().find("list");
    CHECK(list.key() == "list");
    for (json_value const v : list)
        CHECK(v.key().empty());
    CHECK(list.find("a").is_null());
    CHECK(document.root().find("text").begin() == document.root().find("text").end());
    CHECK(document.root().find("text").size() == 0);
}

TEST_CASE("of members with the same name the first is found") {
    json_document const document(R"({"a":1,"a":2})");
    CHECK(document.root().find("a").if_integer() == 1);
    CHECK(document.root().size() == 2);
}

TEST_CASE("a whole double is an integer up to 9e15, and beyond it is not") {
    json_document const document("[9e15,-9e15,9.000000000000001e15,-9.000000000000001e15]");
    auto number = document.root().begin();
    CHECK((*number++).if_integer() == 9'000'000'000'000'000);
    CHECK((*number++).if_integer() == -9'000'000'000'000'000);
    CHECK((*number++).if_integer() == std::nullopt);
    CHECK((*number++).if_integer() == std::nullopt);
}
