#include <cloudflare/http/query.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::string_view_literals;

TEST_CASE("a target without parameters stays as it is") {
    std::string target = "/path";
    http::query q(target);
    CHECK(target == "/path");
}

TEST_CASE("the first parameter stands behind a question mark, each later one behind an ampersand") {
    std::string target = "/path";
    http::query(target).add("page", "1").add("per_page", "50").add("name", "x");
    CHECK(target == "/path?page=1&per_page=50&name=x");
}

TEST_CASE("names and values are encoded") {
    struct row {
        std::string_view name;
        std::string_view value;
        std::string_view expected;
    };
    for (auto const& [name, value, expected] : {
             row{"name", "a b", "?name=a%20b"},
             row{"name", "a+b", "?name=a%2Bb"},
             row{"name", "a&page=2", "?name=a%26page%3D2"},
             row{"name", "100%", "?name=100%25"},
             row{"name", "a#b?c/d", "?name=a%23b%3Fc%2Fd"},
             row{"name", "\u00fc", "?name=%C3%BC"},
             row{"name", "a\r\nb\0"sv, "?name=a%0D%0Ab%00"},
             row{"na=me", "", "?na%3Dme="},
             row{"", "", "?="},
             row{"filter[a]", "x", "?filter%5Ba%5D=x"},
         }) {
        CAPTURE(value);
        std::string target;
        http::query(target).add(name, value);
        CHECK(target == expected);
    }
}

TEST_CASE("a parameter may come more than once") {
    std::string target = "/p";
    http::query(target).add("id", "1").add("id", "2");
    CHECK(target == "/p?id=1&id=2");
}
