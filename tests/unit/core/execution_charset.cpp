// Compiled with an execution character set that is not UTF-8, as MSVC does on its own.
#include <cloudflare/core/token_duration.hpp>

#include <doctest/doctest.h>

#include <cloudflare/client.hpp>

using namespace cloudflare;

TEST_CASE("both micro signs are read as UTF-8, whatever the compiler's execution character set") {
    for (char const* string : {"5\xc2\xb5s", "5\xce\xbcs", "5us"}) {
        auto const d = token_duration::parse(string);
        REQUIRE(d.has_value());
        CHECK(d->value() == std::chrono::microseconds(5));
    }
    CHECK(token_duration::parse("5\xb5s").has_error()); // the sign in CP1252
}
