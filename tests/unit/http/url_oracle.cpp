#include <cloudflare/http/origin.hpp>
#include <cloudflare/http/path.hpp>
#include <cloudflare/http/percent_encoding.hpp>
#include <cloudflare/http/query.hpp>

#include <doctest/doctest.h>

#include <boost/url.hpp>

#include <cstddef>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace cloudflare;
using namespace std::string_view_literals;
namespace urls = boost::urls;

namespace url_oracle_tests {
namespace {

std::string random_bytes(std::mt19937& random, std::size_t least) {
    std::string string(least + random() % 20, '\0');
    for (char& c : string)
        c = static_cast<char>(random() % 256);
    return string;
}

} // namespace

TEST_CASE("every byte is encoded as Boost.URL encodes all but the unreserved characters") {
    for (int byte = 0; byte != 256; ++byte) {
        CAPTURE(byte);
        std::string const string(1, static_cast<char>(byte));
        std::string ours;
        http::append_percent_encoded(ours, string);
        CHECK(ours == urls::encode(string, urls::unreserved_chars));
    }
}

TEST_CASE("Boost.URL reads from a path the segments that it was built of") {
    std::mt19937 random(1);
    for (int round = 0; round != 300; ++round) {
        CAPTURE(round);
        std::vector<std::string> segments;
        http::path p("first");
        segments.push_back("first");
        for (auto more = random() % 5; more != 0; --more) {
            segments.push_back(random_bytes(random, 1));
            p.append(segments.back());
        }
        auto const url = urls::parse_origin_form(p.str());
        REQUIRE(url.has_value());
        std::vector<std::string> decoded;
        for (auto const& segment : url->segments())
            decoded.push_back(segment);
        CHECK(decoded == segments);
        CHECK_FALSE(url->has_query());
    }
}

TEST_CASE("Boost.URL reads from a target the parameters that it was built of") {
    std::mt19937 random(2);
    for (int round = 0; round != 300; ++round) {
        CAPTURE(round);
        std::string const segment = random_bytes(random, 1);
        std::string target = http::path(segment).str();
        std::vector<std::pair<std::string, std::string>> params;
        http::query q(target);
        for (auto more = 1 + random() % 5; more != 0; --more) {
            params.emplace_back(random_bytes(random, 1), random_bytes(random, 0));
            q.add(params.back().first, params.back().second);
        }
        auto const url = urls::parse_origin_form(target);
        REQUIRE(url.has_value());
        CHECK(url->segments().size() == 1);
        CHECK(url->segments().front() == segment);
        std::vector<std::pair<std::string, std::string>> decoded;
        for (auto const& param : url->params()) {
            CHECK(param.has_value);
            decoded.emplace_back(param.key, param.value);
        }
        CHECK(decoded == params);
    }
}

TEST_CASE("a good base URL is read as Boost.URL reads it") {
    for (auto const string :
         {"https://api.cloudflare.com"sv, "http://localhost"sv, "http://localhost:8080"sv,
          "https://127.0.0.1:1"sv, "https://h:65535"sv, "https://[::1]"sv, "http://[::1]:8080"sv,
          "https://[2001:db8::A]"sv, "https://[::ffff:192.0.2.1]:443"sv, "https://a-b_c.d"sv}) {
        CAPTURE(string);
        auto const ours = http::origin::parse(string);
        auto const theirs = urls::parse_uri(string);
        REQUIRE(ours.has_value());
        REQUIRE(theirs.has_value());
        CHECK(ours->is_secure() == (theirs->scheme() == "https"));
        CHECK(ours->host() == theirs->host_address());
        if (theirs->has_port()) CHECK(ours->port() == theirs->port_number());
    }
}

TEST_CASE("a base URL that Boost.URL refuses is refused here") {
    for (auto const string :
         {""sv, "h"sv, "://h"sv, "https://h i"sv, "https://[::1"sv, "https://::1]"sv,
          "https://[]"sv, "https://[host]"sv, "https://[1.2.3.4]"sv, "https://[:::]"sv,
          "https://[1::2::3]"sv, "https://[12345::]"sv, "https://h\n"sv, "https://h\0"sv,
          "https://\xff"sv, "https://h%"sv, "https://h%zz"sv, "https://h\\i"sv}) {
        CAPTURE(string);
        REQUIRE_FALSE(urls::parse_uri(string).has_value());
        CHECK_FALSE(http::origin::parse(string).has_value());
    }
}

TEST_CASE("what Boost.URL takes for an IPv6 address is taken for one here, and nothing else") {
    std::mt19937 random(4);
    auto const pick = [&](auto const&... choices) {
        std::string_view const all[] = {choices...};
        return all[random() % std::size(all)];
    };
    int taken = 0, refused = 0;
    for (int round = 0; round != 20'000; ++round) {
        std::string address(pick("", "", "::", ":"));
        for (auto more = random() % 9; more != 0; --more) {
            address += pick("0", "1", "db8", "FFFF", "0000", "12345", "g");
            if (more > 1) address += random() % 8 == 0 ? "::" : ":";
        }
        if (random() % 4 == 0)
            address += pick("::", ":", ":1.2.3.4", "::255.0.0.10", ":1.2.3.256", ":1.2.3",
                            ":1.2.3.4.5", "::1.2.3.04", ":1..2.3", "::1.2.3.4:5");
        CAPTURE(address);
        auto const ours = http::origin::parse("https://[" + address + "]");
        auto const theirs = urls::parse_ipv6_address(address);
        CHECK(ours.has_value() == theirs.has_value());
        ++(theirs ? taken : refused);
    }
    CHECK(taken > 1000);
    CHECK(refused > 1000);
}

TEST_CASE("whatever is taken for an origin is one for Boost.URL too, and nothing but an origin") {
    constexpr auto alphabet = "hH09.-_:::[[]]@/?#%aA1 \n\0"sv;
    std::mt19937 random(3);
    int taken = 0;
    for (int round = 0; round != 20'000; ++round) {
        std::string string = random() % 2 == 0 ? "https://" : "http://";
        if (random() % 3 == 0) string += "[::1]";
        for (auto more = 1 + random() % 6; more != 0; --more)
            string += alphabet[random() % alphabet.size()];
        auto const ours = http::origin::parse(string);
        if (!ours) continue;
        ++taken;
        CAPTURE(string);
        auto const theirs = urls::parse_uri(string);
        CHECK(theirs.has_value());
        if (!theirs) continue;
        CHECK(ours->host() == theirs->host_address());
        CHECK_FALSE(theirs->has_userinfo());
        CHECK(theirs->encoded_path().empty());
        CHECK_FALSE(theirs->has_query());
        CHECK_FALSE(theirs->has_fragment());
        if (theirs->has_port()) CHECK(ours->port() == theirs->port_number());
    }
    CHECK(taken > 100);
}

} // namespace url_oracle_tests
