#include <cloudflare/transport/detail/beast/name_lookups.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

namespace {

using namespace std::chrono_literals;
using cloudflare::detail::beast::name_lookups;

TEST_CASE("all waiters for a name get its addresses, or the failure") {
    name_lookups all;
    for (auto const* name : {"localhost", "no-such-host.invalid"}) {
        CAPTURE(name);
        name_lookups::waiter a, b;
        std::promise<std::size_t> first, second;
        all.begin(name, a,
                  [&](auto ec, auto const& found) { first.set_value(ec ? 0 : found.size()); });
        all.begin(name, b,
                  [&](auto ec, auto const& found) { second.set_value(ec ? 0 : found.size()); });
        auto const count = first.get_future().get();
        CHECK(second.get_future().get() == count);
        CHECK((count != 0) == (std::string(name) == "localhost"));
    }
}

TEST_CASE("a waiter that has stopped is not called, and delays nobody") {
    // The tests' getaddrinfo takes long for this name.
    auto const begin = std::chrono::steady_clock::now();
    std::atomic<bool> told = false;
    {
        name_lookups all;
        name_lookups::waiter hangs;
        all.begin("never-answers.test", hangs, [&](auto, auto const&) { told = true; });
        std::promise<bool> other;
        name_lookups::waiter w;
        all.begin("localhost", w, [&](auto ec, auto const&) { other.set_value(!ec); });
        CHECK(other.get_future().get());
        hangs.stop();
    }
    CHECK_FALSE(told);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("a waiter may end at any moment") {
    name_lookups all;
    std::atomic<int> told = 0;
    for (int i = 0; i != 200; ++i) {
        name_lookups::waiter w;
        all.begin("localhost", w, [&](auto, auto const&) { ++told; });
        if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i * 3));
    }
    CHECK(told <= 200);
}

TEST_CASE("a waiter that never began can end") {
    name_lookups::waiter const w;
    CHECK(true);
}

} // namespace
