#include <cloudflare/http/detail/header_buffer_pool.hpp>

#include <doctest/doctest.h>

#include <vector>

#include <string>

#include <set>

#include <thread>

#include <algorithm>
#include <atomic>

#include <utility>

using namespace cloudflare;

TEST_CASE("headers that are given back are taken again, without their fields") {
    detail::header_buffer_pool spare;
    auto first = spare.acquire();
    CHECK(first.empty());
    first.reserve(500);
    REQUIRE(first.add("Authorization", "Bearer sample"));
    auto const* const memory = first.wire_format().data();
    spare.release(std::move(first));
    auto second = spare.acquire();
    CHECK(second.empty());
    CHECK_FALSE(second.contains("Authorization"));
    REQUIRE(second.add("A", "b"));
    CHECK(second.wire_format().data() == memory);
    CHECK(second.wire_format() == "A: b\r\n");
}

TEST_CASE("no more than 64 are kept") {
    detail::header_buffer_pool spare;
    std::set<char const*> memory;
    std::vector<http::headers> used(70);
    for (auto& h : used) {
        h.reserve(500);
        memory.insert(h.wire_format().data());
    }
    for (auto& h : used)
        spare.release(std::move(h));
    used.clear();
    std::vector<http::headers> taken;
    for (int i = 0; i != 70; ++i)
        taken.push_back(spare.acquire());
    CHECK(std::count_if(taken.begin(), taken.end(), [&](http::headers const& h) {
              return memory.count(h.wire_format().data()) == 1;
          }) == 64);
}

TEST_CASE("threads that share the buffers never hold the same one") {
    detail::header_buffer_pool spare;
    std::atomic<int> wrong = 0;
    auto const use = [&] {
        for (int i = 0; i != 1000; ++i) {
            auto h = spare.acquire();
            wrong += !h.empty();
            wrong += !h.add("A", std::to_string(i)).has_value();
            wrong += h.find("A") != std::to_string(i);
            spare.release(std::move(h));
        }
    };
    std::thread other(use);
    use();
    other.join();
    CHECK(wrong == 0);
}
