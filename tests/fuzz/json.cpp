// Texts that may be JSON: a document holds what Boost.JSON's own value holds, or both refuse the text.
#include "run.hpp"

#include <cloudflare/json/document.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace cf = cloudflare;
namespace json = boost::json;

namespace {

bool same(cf::json_value seen, json::value const& expected);

/// Boost.JSON 1.81 reads `0e400` as not a number, which does not equal itself.
bool same_number(std::optional<double> seen, double expected) {
    return seen == expected || (seen && std::isnan(*seen) && std::isnan(expected));
}

bool same_members(cf::json_value seen, json::object const& expected) {
    if (!seen.is_object()) return false;
    // Of members with the same name Boost.JSON keeps one.
    if (seen.size() != expected.size()) return seen.size() > expected.size();
    return std::equal(seen.begin(), seen.end(), expected.begin(),
                      [](cf::json_value a, json::key_value_pair const& b) {
                          return a.key() == std::string_view(b.key()) && same(a, b.value());
                      });
}

bool same(cf::json_value seen, json::value const& expected) {
    switch (expected.kind()) {
    case json::kind::null: return seen.is_null();
    case json::kind::bool_: return seen.if_bool() == expected.get_bool();
    case json::kind::int64: return seen.if_integer() == expected.get_int64();
    case json::kind::uint64: return seen.if_number() == static_cast<double>(expected.get_uint64());
    case json::kind::double_: return same_number(seen.if_number(), expected.get_double());
    case json::kind::string: return seen.if_string() == std::string_view(expected.get_string());
    case json::kind::array: {
        auto const& list = expected.get_array();
        return seen.is_array() && seen.size() == list.size() &&
               std::equal(seen.begin(), seen.end(), list.begin(), same);
    }
    case json::kind::object: return same_members(seen, expected.get_object());
    }
    return false;
}

} // namespace

std::vector<std::string> samples() {
    return {
        R"({"success":true,"errors":[],"messages":[],"result":{"id":"1","on":true,"none":null}})",
        R"([0,-1,1.5,2e3,9223372036854775807,9223372036854775808,-0,1e-300,123456789012345678901])",
        R"({"\u0061\n":"\ud83d\ude00\\\"\/","b":"\u0000x","":"","c\t":["\b","plain","\u00e4"]})",
        R"([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]])",
        R"([1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,)"
        R"(32,33,34,35,36,37,38,39,40,41,42,43,44,{"a":{"b":[{"c":"d"}]}}])",
        "\"\u00e4\u20ac\U0001F600\"",
        " {\r\n\t} ",
        "null",
    };
}

void check(std::string_view input) {
    json::parse_options options;
    options.max_depth = cf::json_limits().max_depth;
    boost::system::error_code failed;
    auto const expected = json::parse(input, failed, json::storage_ptr(), options);
    cf::json_document const document(input);
    require(document.is_valid() == !failed, "what Boost.JSON takes is valid, and nothing else");
    if (!failed) require(same(document.root(), expected), "the same values");
}
