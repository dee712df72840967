#include <cloudflare/http/percent_encoding.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::string_view_literals;

TEST_CASE("every byte but the unreserved ones is written as %XX in upper case") {
    struct row {
        std::string_view string;
        std::string_view encoded;
    };
    for (auto const& [string, encoded] : {
             row{"", ""},
             row{"abcxyzABCXYZ0189-._~", "abcxyzABCXYZ0189-._~"},
             row{" ", "%20"},
             row{"+", "%2B"},
             row{"%", "%25"},
             row{"%20", "%2520"}, // what is encoded already is encoded again
             row{"a/b?c#d&e=f", "a%2Fb%3Fc%23d%26e%3Df"},
             row{"\r\n\0"sv, "%0D%0A%00"},
             row{"\x7f\x80\xff", "%7F%80%FF"},
             row{"\u00fc\u65e5", "%C3%BC%E6%97%A5"},
             row{"!$'()*,;:@[]", "%21%24%27%28%29%2A%2C%3B%3A%40%5B%5D"},
         }) {
        CAPTURE(string);
        std::string target;
        http::append_percent_encoded(target, string);
        CHECK(target == encoded);
    }
}

TEST_CASE("the encoded string is appended") {
    std::string target = "/a b/";
    http::append_percent_encoded(target, "c d");
    CHECK(target == "/a b/c%20d");
}

TEST_CASE("a percent-encoded string is read back") {
    std::string all;
    for (int byte = 0; byte != 256; ++byte)
        all += static_cast<char>(byte);
    std::string encoded;
    http::append_percent_encoded(encoded, all);
    CHECK(http::percent_decode(encoded) == all);
    CHECK(http::percent_decode("a%2fb+c") == "a/b+c");
    for (char const* bad : {"%", "%4", "%zz", "%4z", "%+1", "a%"})
        CHECK_FALSE(http::percent_decode(bad));
}
