#include <cloudflare/http/spare_headers.hpp>

#include <doctest/doctest.h>

#include <utility>

using namespace cloudflare;

TEST_CASE("headers that are given back are taken again, without their fields") {
    detail::spare_headers spare;
    auto first = spare.take();
    CHECK(first.empty());
    first.reserve(500);
    REQUIRE(first.add("Authorization", "Bearer sample"));
    auto const* const memory = first.wire_format().data();
    spare.give_back(std::move(first));
    auto second = spare.take();
    CHECK(second.empty());
    CHECK_FALSE(second.contains("Authorization"));
    REQUIRE(second.add("A", "b"));
    CHECK(second.wire_format().data() == memory);
    CHECK(second.wire_format() == "A: b\r\n");
}
