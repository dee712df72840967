// Three copies of cloudflare-access in one process, one in each shared library and one in the program: what they give
// to one another agrees.
#include "library.hpp"

#include <cloudflare/core/result.hpp>

#include <doctest/doctest.h>

using namespace cloudflare;

TEST_CASE("each library has a copy of its own, or the rest of the test says nothing") {
    CHECK(&first::category() != &second::category());
    CHECK(&first::category() != &error_category());
}

TEST_CASE("error codes of different copies compare equal") {
    CHECK(first::category() == second::category());
    CHECK(first::rate_limited().code() == second::rate_limited().code());
    CHECK(first::rate_limited() == errc::rate_limited);
    CHECK(first::rate_limited().code() == condition::rate_limited);
    CHECK(first::rate_limited().code() != make_error_code(errc::not_found));
    CHECK(second::recognises(first::rate_limited()));
    CHECK(second::recognises(error(errc::rate_limited)));
    CHECK(!second::recognises(error(errc::not_found)));
}

TEST_CASE("an exception of one copy is caught by another, with the error in it") {
    CHECK_THROWS_AS(first::throw_rate_limited(), error_exception);
    CHECK(first::catches(second::throw_rate_limited));
    CHECK(second::catches(first::throw_rate_limited));
    CHECK(second::catches([] { throw error_exception(error(errc::rate_limited)); }));
}
