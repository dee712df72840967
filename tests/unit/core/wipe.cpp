#include <cloudflare/core/wipe.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

using namespace cloudflare;

namespace wipe_tests {
namespace {

/// Gives out memory that the test owns, so that it can be inspected when the string is done.
std::array<char, 4096> arena;
std::size_t arena_used = 0;

template <class T>
struct arena_allocator {
    using value_type = T;
    arena_allocator() noexcept = default;
    template <class U>
    arena_allocator(arena_allocator<U> const&) noexcept {}
    T* allocate(std::size_t n) {
        T* const p = arena.data() + arena_used;
        arena_used += n;
        return p;
    }
    void deallocate(T*, std::size_t) noexcept {}
    friend bool operator==(arena_allocator const&, arena_allocator const&) noexcept { return true; }
};
using arena_string = std::basic_string<char, std::char_traits<char>, arena_allocator<char>>;

/// What `wiping_allocator` is tried on: four bytes, as it hands over whole objects, not bytes.
struct observed {
    std::array<unsigned char, 4> bytes;
};
std::array<observed, 8> observed_memory;
std::size_t observed_given_back = 0;

} // namespace
} // namespace wipe_tests

/// The allocator beneath `wiping_allocator<observed>`: memory stays there to be inspected.
template <>
struct std::allocator<wipe_tests::observed> {
    using value_type = wipe_tests::observed;
    value_type* allocate(std::size_t) { return wipe_tests::observed_memory.data(); }
    void deallocate(value_type*, std::size_t n) noexcept { wipe_tests::observed_given_back = n; }
};

namespace wipe_tests {

TEST_CASE("wiping overwrites the bytes asked for and no other") {
    std::array<unsigned char, 10> bytes;
    bytes.fill(0xAB);
    wipe(bytes.data() + 2, 5);
    std::array<unsigned char, 10> const expected = {0xAB, 0xAB, 0, 0, 0, 0, 0, 0xAB, 0xAB, 0xAB};
    CHECK(bytes == expected);
}

TEST_CASE("wiping nothing is allowed, without memory too") {
    std::array<unsigned char, 2> bytes = {0xAB, 0xAB};
    wipe(bytes.data(), 0);
    CHECK(bytes[0] == 0xAB);
    wipe(nullptr, 0);
}

TEST_CASE("a wiped string is empty and usable") {
    for (std::size_t const length : {0u, 1u, 15u, 16u, 1000u}) {
        CAPTURE(length);
        std::string string(length, 'x');
        wipe(string);
        CHECK(string.empty());
        string = "again";
        CHECK(string == "again");
    }
}

TEST_CASE("a wiped string leaves nothing in its memory, not even of earlier, longer strings") {
    arena.fill('#');
    arena_used = 0;
    arena_string string(200, 'x');
    auto const* const memory = string.data();
    auto const capacity = string.capacity();
    string = "short";
    REQUIRE(string.data() == memory);
    REQUIRE(std::count(arena.begin(), arena.end(), 'x') > 100);

    wipe(string);

    CHECK(string.empty());
    CHECK(std::all_of(memory, memory + capacity, [](char c) { return c == '\0'; }));
    CHECK(arena[arena_used] == '#');
}

TEST_CASE("the allocator wipes all it gives back") {
    for (auto& o : observed_memory)
        o.bytes.fill(0xAB);
    wiping_allocator<observed> allocator;
    observed* const p = allocator.allocate(3);
    allocator.deallocate(p, 3);

    CHECK(observed_given_back == 3);
    for (std::size_t i = 0; i != observed_memory.size(); ++i) {
        CAPTURE(i);
        auto const expected = static_cast<unsigned char>(i < 3 ? 0 : 0xAB);
        for (auto const byte : observed_memory[i].bytes)
            CHECK(byte == expected);
    }
}

TEST_CASE("the allocators of all types are alike") {
    wiping_allocator<int> const of_int;
    wiping_allocator<char> const of_char(of_int);
    CHECK(of_char == wiping_allocator<char>());
}

TEST_CASE("a wiped_string is a string with that allocator") {
    static_assert(std::is_same_v<wiped_string::allocator_type, wiping_allocator<char>>);
    wiped_string string;
    for (int i = 0; i != 1000; ++i)
        string += static_cast<char>('a' + i % 26);
    CHECK(string.size() == 1000);
    CHECK(string[999] == static_cast<char>('a' + 999 % 26));
    CHECK(std::string_view(string).substr(0, 26) == "abcdefghijklmnopqrstuvwxyz");
    wiped_string const copy = string;
    wiped_string const moved = std::move(string);
    CHECK(copy == moved);
}

TEST_CASE("a wiping allocator equals its rebound self, in either order") {
    wiping_allocator<char> const bytes;
    wiping_allocator<int> const numbers(bytes);
    CHECK(bytes == numbers);
    CHECK(numbers == bytes);
    CHECK_FALSE(bytes != numbers);
    CHECK(bytes == bytes);
}

} // namespace wipe_tests
