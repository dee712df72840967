#include <cloudflare/transport/blocking.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using cloudflare::blocking;

namespace blocking_tests {
namespace {

blocking<int> number(int value) {
    co_return value;
}

blocking<void> note(std::string& log, std::string string) {
    log += string;
    co_return;
}

blocking<int> sum_of(int a, int b) {
    auto const first = co_await number(a);
    co_return first + co_await number(b);
}

blocking<int> failing() {
    throw std::runtime_error("broken");
    co_return 0;
}

blocking<void> failing_without_value() {
    throw std::runtime_error("broken");
    co_return;
}

blocking<int> passing_on() {
    co_return co_await failing();
}

blocking<std::unique_ptr<int>> owned(int value) {
    co_return std::make_unique<int>(value);
}

struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
};

blocking<no_default> made(int value) {
    co_return no_default(value);
}

} // namespace

static_assert(!std::is_copy_constructible_v<blocking<int>>);

TEST_CASE("a blocking call runs at once and gives its value") {
    std::string log;
    auto call = note(log, "a");
    CHECK(log == "a");
    call.get();
    CHECK(number(7).get() == 7);
}

TEST_CASE("blocking calls await one another in their order") {
    std::string log;
    auto const both = [&]() -> blocking<void> {
        co_await note(log, "a");
        log += "b";
        co_await note(log, "c");
    };
    both().get();
    CHECK(log == "abc");
    CHECK(sum_of(2, 3).get() == 5);
}

TEST_CASE("what a call throws is thrown by get, and passes through the calls above") {
    CHECK_THROWS_WITH_AS(failing().get(), "broken", std::runtime_error);
    CHECK_THROWS_WITH_AS(failing_without_value().get(), "broken", std::runtime_error);
    CHECK_THROWS_WITH_AS(passing_on().get(), "broken", std::runtime_error);
}

TEST_CASE("a call that threw may be dropped without get()") {
    auto const dropped = failing();
    static_cast<void>(dropped);
}

TEST_CASE("values that cannot be copied or made from nothing are given") {
    CHECK(*owned(3).get() == 3);
    CHECK(made(4).get().value == 4);
}

TEST_CASE("a call can be moved before its value is taken") {
    auto call = number(1);
    auto moved = std::move(call);
    CHECK(moved.get() == 1);
    auto other = number(2);
    other = number(3);
    CHECK(other.get() == 3);
}

} // namespace blocking_tests
