// The list of idle connections, without a connection.
#include <cloudflare/transport/detail/idle_list.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <vector>

namespace idle_list_tests {
namespace {

using namespace std::chrono_literals;
using idle = cloudflare::detail::idle_list<std::unique_ptr<int>>; // as movable as a connection

idle::time_point at(std::chrono::seconds s) {
    return idle::time_point(s);
}

/// Numbers 1 to `count`, idle since as many seconds.
idle filled(int count) {
    idle list;
    for (int n = 1; n <= count; ++n)
        list.push(std::make_unique<int>(n), at(std::chrono::seconds(n)));
    return list;
}

std::vector<int> numbers(std::vector<std::unique_ptr<int>> const& all) {
    std::vector<int> found;
    for (auto const& n : all)
        found.push_back(*n);
    return found;
}

TEST_CASE("a new list of idle connections is empty") {
    idle list;
    CHECK(list.empty());
    CHECK_FALSE(list.take_newest(at(1s), 1h));
    CHECK(list.take_older(at(1s), 0s).empty());
}

TEST_CASE("the idle connection used last is taken first") {
    auto list = filled(3);
    CHECK(**list.take_newest(at(4s), 1h) == 3);
    CHECK(**list.take_newest(at(4s), 1h) == 2);
    CHECK(list.size() == 1);
    CHECK(list.oldest_since() == at(1s));
}

TEST_CASE("an idle connection is taken as long as the age allows, to the tick") {
    auto list = filled(1);
    CHECK_FALSE(list.take_newest(at(11s) + 1ns, 10s));
    CHECK(list.size() == 1); // it stays
    CHECK(**list.take_newest(at(11s), 10s) == 1);
    CHECK(list.empty());
}

TEST_CASE("the oldest idle connection makes way first") {
    auto list = filled(3);
    CHECK(*list.take_oldest() == 1);
    CHECK(list.oldest_since() == at(2s));
    CHECK(*list.take_oldest() == 2);
    CHECK(*list.take_oldest() == 3);
    CHECK(list.empty());
}

TEST_CASE("all idle connections past the age are taken at once, and no younger one") {
    auto list = filled(4);
    CHECK(numbers(list.take_older(at(12s), 10s)) == std::vector<int>{1});
    CHECK(numbers(list.take_older(at(12s), 10s)).empty());
    CHECK(numbers(list.take_older(at(14s), 10s)) == std::vector<int>{2, 3});
    CHECK(list.size() == 1);
    CHECK(numbers(list.take_older(at(100s), 0s)) == std::vector<int>{4});
    CHECK(list.empty());
}

} // namespace
} // namespace idle_list_tests
