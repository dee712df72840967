#include <cloudflare/core/result.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

using namespace cloudflare;

namespace result_tests {
namespace {

result<int> half(int number) {
    if (number % 2 != 0) return error(errc::invalid_argument, "number: must be even");
    return number / 2;
}

} // namespace

static_assert(std::is_same_v<result<int>::error_type, error>);

TEST_CASE("a value comes back as a value") {
    auto const r = half(42);
    REQUIRE(r.has_value());
    CHECK(*r == 21);
    CHECK(r.value() == 21);
    CHECK_FALSE(r.has_error());
}

TEST_CASE("an error comes back as an error") {
    auto const r = half(41);
    REQUIRE_FALSE(r.has_value());
    CHECK(r.error() == errc::invalid_argument);
    CHECK(r.error() == condition::invalid_input);
    CHECK(r.error().details().explanation == "number: must be even");
}

TEST_CASE("the error of a result that has a value is no failure") {
    auto const r = half(42);
    CHECK_FALSE(r.error().code().failed());
    CHECK(r.error() != errc::invalid_argument);
}

TEST_CASE("asking for a value that is not there throws the error") {
    auto const r = half(41);
    bool thrown = false;
    try {
        (void)r.value();
    } catch (error_exception const& e) {
        thrown = true;
        CHECK(e.error() == errc::invalid_argument);
        CHECK(std::string_view(e.what()) == "invalid argument: number: must be even");
    }
    CHECK(thrown);
    CHECK_THROWS_AS((void)r.value(), std::runtime_error);
}

TEST_CASE("a result of nothing tells success from failure") {
    result<void> const success;
    CHECK(success.has_value());
    CHECK_NOTHROW(success.value());

    result<void> const failure = error(errc::cancelled);
    CHECK_FALSE(failure.has_value());
    CHECK(failure.error() == condition::cancelled);
    CHECK_THROWS_AS(failure.value(), error_exception);
}

TEST_CASE("a code alone becomes the error of a result") {
    result<std::string> const r = errc::not_found;
    REQUIRE_FALSE(r.has_value());
    CHECK(r.error() == errc::not_found);
}

TEST_CASE("a string becomes the value of a result, not its error") {
    result<std::string> const r = "text";
    REQUIRE(r.has_value());
    CHECK(*r == "text");
}

TEST_CASE("a value that can only be moved is moved out of a result") {
    result<std::unique_ptr<int>> r = std::make_unique<int>(7);
    auto const owned = std::move(r).value();
    REQUIRE(owned);
    CHECK(*owned == 7);
}

} // namespace result_tests
