#include <cloudflare/transport/detail/beast/read_buffer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using cloudflare::detail::beast::read_buffer;

void put(read_buffer& b, std::string_view string) {
    while (!string.empty()) {
        auto const space = b.prepare();
        auto const size = std::min(space.size(), string.size());
        std::memcpy(space.data(), string.data(), size);
        b.commit(size);
        string.remove_prefix(size);
    }
}
std::string text_of(read_buffer const& b) {
    return {static_cast<char const*>(b.data().data()), b.data().size()};
}

TEST_CASE("bytes come out in the order in which they went in") {
    read_buffer b;
    CHECK(b.data().size() == 0);
    std::string all;
    std::size_t consumed = 0;
    for (int i = 0; i != 3000; ++i) {
        auto const piece = std::to_string(i) + ',';
        put(b, piece);
        all += piece;
        if (i % 3 == 0) {
            b.consume(5);
            consumed += 5;
        }
    }
    CHECK(text_of(b) == all.substr(consumed));
}

TEST_CASE("there is always space, and more of it where reads fill it") {
    read_buffer b;
    auto const first = b.prepare().size();
    CHECK(first != 0);
    put(b, std::string(first, 'x'));
    CHECK(b.prepare().size() != 0);
    b.consume(first);
    CHECK(b.prepare().size() > first); // it was filled: more is likely to follow
    for (int i = 0; i != 20; ++i) {
        auto const size = b.prepare().size();
        put(b, std::string(size, 'x'));
        b.consume(size);
    }
    CHECK(b.prepare().size() <= 32768);
}

TEST_CASE("a wipe overwrites all that ever lay in it") {
    read_buffer b;
    put(b, "a secret and more");
    auto const* const memory = static_cast<char const*>(b.data().data());
    b.consume(8);
    b.wipe();
    CHECK(b.data().size() == 0);
    CHECK(std::all_of(memory, memory + 17, [](char c) { return c == '\0'; }));
}

} // namespace
