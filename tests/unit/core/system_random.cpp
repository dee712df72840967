#include <cloudflare/core/detail/system_random.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using namespace cloudflare;

TEST_CASE("each of 64 bits of a random number is set now and then, and now and then not") {
    std::uint64_t ever_set = 0, always_set = ~std::uint64_t{};
    for (int i = 0; i != 128; ++i) { // 2^-121 is the chance that a right one fails
        auto const number = detail::system_random();
        ever_set |= number;
        always_set &= number;
    }
    CHECK(ever_set == ~std::uint64_t{});
    CHECK(always_set == 0);
}
