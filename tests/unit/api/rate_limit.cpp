#include <cloudflare/api/rate_limit.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace rate_limit_tests {
TEST_CASE("a Ratelimit field is read, however odd it is") {
    struct row {
        char const* text;
        std::int64_t remaining;
        std::chrono::seconds resets_in;
    };
    for (auto const& [text, remaining, resets_in] : {
             row{R"("default";r=50;t=30)", 50, 30s}, row{R"("default";r=1199;t=1)", 1199, 1s},
             row{R"(default;r=7;t=2)", 7, 2s},         // a token, not a string
             row{R"("default";t=30;r=50)", 50, 30s},   // another order
             row{R"("default"; r=50; t=30)", 50, 30s}, // spaces
             row{R"(  "default";  r=50;t=30  )", 50, 30s}, row{R"("default";r=50)", 50, 0s}, // no t
             row{R"("default";r=0;t=300)", 0, 300s},
             row{R"("default";q=100;w=60;r=5;pk=:cGs=:;t=9;x)", 5, 9s}, // unknown parameters
             row{R"("burst";r=90;t=5, "sustained";r=3;t=200)", 3, 200s},
             row{R"("burst";r=3;t=5,"sustained";r=90;t=200)", 3, 5s},
             row{R"("odd",  "default";r=50;t=30)", 50, 30s}, // an item without r
             row{R"("a,b;r=1;t=1";r=50;t=30)", 50, 30s},     // separators in the string
             row{R"("a b";"c";r=1)", 1, 0s}, row{R"(,,"default";r=50;t=30,)", 50, 30s},
             row{R"("default";r=5;r=6;t=30)", 6, 30s}, // RFC 9651: the last one counts
         }) {
        CAPTURE(text);
        auto const limit = parse_rate_limit(text);
        REQUIRE(limit.has_value());
        CHECK(limit->remaining == remaining);
        CHECK(limit->resets_in == resets_in);
    }
}

TEST_CASE("a Ratelimit window beyond all bounds is the longest one") {
    CHECK(parse_rate_limit(R"("x";r=1;t=9223372036854775807)")->resets_in == http::max_retry_after);
    CHECK(parse_rate_limit(R"("x";r=1;t=4294967295)")->resets_in == http::max_retry_after);
    CHECK(parse_rate_limit(R"("x";r=1;t=4294967294)")->resets_in == 4294967294s);
}

TEST_CASE("the lists of several fields are one, of which the least counts") {
    http::headers fields;
    CHECK_FALSE(parse_rate_limit(fields).has_value());
    REQUIRE(fields.add("ratelimit", R"("a";r=9;t=1)").has_value());
    REQUIRE(fields.add("X-Ratelimit", R"("b";r=1;t=2)").has_value());
    REQUIRE(fields.add("Ratelimit", R"("c";r=3;t=4)").has_value());
    REQUIRE(fields.add("RateLimit", R"("d";r=5;t=6)").has_value());
    auto const limit = parse_rate_limit(fields);
    REQUIRE(limit.has_value());
    CHECK(limit->remaining == 3);
    CHECK(limit->resets_in == 4s);
}

TEST_CASE("of fields with as little left the first counts") {
    http::headers fields;
    REQUIRE(fields.add("Ratelimit", R"("a";r=3;t=10)").has_value());
    REQUIRE(fields.add("Ratelimit", R"("b";r=3;t=20)").has_value());
    CHECK(parse_rate_limit(fields)->resets_in == 10s);
    CHECK(parse_rate_limit(R"("a";r=3;t=10, "b";r=3;t=20)")->resets_in == 10s);
}

TEST_CASE("an escaped quote does not end the name of a Ratelimit item") {
    auto const limit = parse_rate_limit(R"("a\"b";r=5;t=1)");
    REQUIRE(limit.has_value());
    CHECK(limit->remaining == 5);
    CHECK(limit->resets_in == 1s);
}

TEST_CASE("a Ratelimit field without a usable r says nothing") {
    for (char const* text :
         {"", " ", ",", ";", "\"", "\"default\"", R"("default";t=30)", R"("a b";"c";q=1)",
          R"("default";r=)", R"("default";r=x)", R"("default";rr=5)", R"("default";R=5)",
          R"("unclosed;r=5;t=1)", R"("default";r=99999999999999999999)", "100, 100;w=60"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rate_limit(text).has_value());
    }
}

TEST_CASE("an odd Ratelimit is read to its end") {
    // In a buffer of just that size, for AddressSanitizer.
    for (auto const text : {"\"a\\", "\"a", "\"", "\\", "\"a\\\"", "a;r=1;\"\\"}) {
        CAPTURE(text);
        std::string const list(text);
        static_cast<void>(parse_rate_limit(list));
    }
    CHECK(parse_rate_limit("\"a\\\"\";r=3,\"b;r=1\";r=4")->remaining == 3);
}

} // namespace rate_limit_tests
