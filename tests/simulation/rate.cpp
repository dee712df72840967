// Many issues under the API's rate limit end in time, and nothing is refused.
#include "rate.hpp"

#include <doctest/doctest.h>

using namespace simulation::rate;

namespace {

constexpr counting servers[] = {counting::fixed, counting::sliding, counting::bucket};

} // namespace

TEST_CASE("3,000 issues at once end within 1.05 x the least possible time, with no 429") {
    for (auto const server : servers)
        for (bool const headers : {true, false})
            for (std::uint64_t seed = 1; seed != 4; ++seed) {
                conditions const given{.server = server, .headers = headers, .seed = seed};
                CAPTURE(static_cast<int>(server));
                CAPTURE(headers);
                CAPTURE(seed);
                auto const seen = run(given);
                CHECK(seen.succeeded == 3000);
                CHECK(seen.refused == 0);
                CHECK(seen.requests == 6000);
                CHECK(seen.seconds < 1.05 * least_seconds(given));
            }
}

TEST_CASE("beside a stranger who uses a third they end within 1.15 x, with at most one 429") {
    for (auto const server : servers)
        for (bool const headers : {true, false})
            for (std::uint64_t seed = 1; seed != 4; ++seed) {
                conditions const given{
                    .server = server, .other = stranger::steady, .headers = headers, .seed = seed};
                CAPTURE(static_cast<int>(server));
                CAPTURE(headers);
                CAPTURE(seed);
                auto const seen = run(given);
                CHECK(seen.succeeded == 3000);
                CHECK(seen.refused <= 1);
                CHECK(seen.seconds < 1.15 * least_seconds(given));
            }
}

TEST_CASE("beside a stranger whose bursts find the permits used up all succeed, after few 429s") {
    for (auto const server : servers)
        for (bool const headers : {true, false}) {
            conditions const given{.server = server, .other = stranger::bursts, .headers = headers};
            CAPTURE(static_cast<int>(server));
            CAPTURE(headers);
            auto const seen = run(given);
            CHECK(seen.succeeded == 3000);
            CHECK(seen.refused <= 5);
            CHECK(seen.seconds < 3 * least_seconds(given));
        }
}

TEST_CASE("without a limiter the same issues meet with thousands of 429s") {
    auto const seen = run({.limited = false});
    CHECK(seen.refused > 1000);
    CHECK(seen.succeeded < 3000);
}
