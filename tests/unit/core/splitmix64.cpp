#include <cloudflare/core/detail/splitmix64.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>

using namespace cloudflare;

TEST_CASE("SplitMix64 gives the numbers on record for seed 1234567") {
    // Source: rosettacode.org, Pseudo-random numbers/Splitmix64.
    std::uint64_t state = 1234567;
    for (std::uint64_t const expected :
         {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL,
          4593380528125082431ULL, 16408922859458223821ULL})
        CHECK(detail::splitmix64(state += detail::splitmix64_step) == expected);
}
