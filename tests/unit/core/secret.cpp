#include <cloudflare/core/secret.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

using namespace cloudflare;
using namespace std::string_view_literals;

namespace {

// Blocks of this size are inspected when they are freed.
std::size_t watched_size = 0;
int watched_wiped = 0;
int watched_dirty = 0;

} // namespace

// What `new char[n]` takes and gives back: the size stands in front of the block.
void* operator new[](std::size_t size) {
    auto* const block = static_cast<char*>(std::malloc(size + 16));
    if (block == nullptr) std::abort();
    std::memcpy(block, &size, sizeof size);
    return block + 16;
}
void operator delete[](void* memory) noexcept {
    if (memory == nullptr) return;
    auto* const block = static_cast<char*>(memory) - 16;
    std::size_t size = 0;
    std::memcpy(&size, block, sizeof size);
    if (watched_size != 0 && size == watched_size) {
        auto const bytes = std::string_view(block + 16, size);
        ++(bytes.find_first_not_of('\0') == bytes.npos ? watched_wiped : watched_dirty);
    }
    std::free(block);
}
void operator delete[](void* memory, std::size_t) noexcept {
    operator delete[](memory);
}

// Nothing takes a secret by accident ...
static_assert(!std::is_constructible_v<std::string_view, secret>);
static_assert(!std::is_constructible_v<std::string, secret>);
static_assert(!std::is_constructible_v<bool, secret>);
static_assert(!std::is_convertible_v<secret, char const*>);
static_assert(!std::is_convertible_v<secret, int>);
static_assert(!std::is_assignable_v<std::string&, secret>);
static_assert(!std::totally_ordered<secret>);
static_assert(!std::equality_comparable_with<secret, std::string_view>);
// ... and no string becomes a secret by accident, or the caller's string would seem to be wiped.
static_assert(!std::is_convertible_v<std::string, secret>);
static_assert(!std::is_convertible_v<std::string_view, secret>);
static_assert(!std::is_convertible_v<char const*, secret>);

static_assert(std::is_nothrow_move_constructible_v<secret>);
static_assert(std::is_nothrow_default_constructible_v<secret>);

TEST_CASE("a secret gives its value through reveal() only, byte for byte") {
    for (auto const string : {""sv, "x"sv, "open sesame"sv, "with\0NUL"sv, "\r\n\xff\x80"sv}) {
        secret const s(string);
        CHECK(s.reveal() == string);
        CHECK(s.size() == string.size());
        CHECK(s.empty() == string.empty());
    }
}

TEST_CASE("a secret prints as [redacted], an empty one too") {
    for (auto const string : {""sv, "open sesame"sv}) {
        std::ostringstream out;
        out << secret(string);
        CHECK(out.str() == "[redacted]");
    }
}

TEST_CASE("a secret made of nothing is empty") {
    secret const s;
    CHECK(s.empty());
    CHECK(s.size() == 0);
    CHECK(s.reveal().empty());
    CHECK(s == secret(""));
}

TEST_CASE("a secret keeps its own copy of the string") {
    std::string string = "open sesame";
    secret const s(string);
    string[0] = 'O';
    CHECK(s.reveal() == "open sesame");
}

TEST_CASE("taking a string leaves the source empty") {
    std::string long_text(100, 'x');
    secret const from_long = secret::take(long_text);
    CHECK(from_long.reveal() == std::string(100, 'x'));
    CHECK(long_text.empty());

    std::string short_text = "short";
    secret const from_short = secret::take(short_text);
    CHECK(from_short.reveal() == "short");
    CHECK(short_text.empty());

    std::string none;
    CHECK(secret::take(none).empty());
    CHECK(none.empty());
}

TEST_CASE("a copy is equal and independent") {
    secret original("open sesame");
    secret const copy = original;
    CHECK(copy == original);
    CHECK(copy.reveal().data() != original.reveal().data());
    original = secret("another");
    CHECK(copy.reveal() == "open sesame");
    CHECK(original.reveal() == "another");
}

TEST_CASE("a move hands the memory over, so that no second copy is made, and leaves nothing") {
    secret source("open sesame");
    auto const* const memory = source.reveal().data();
    secret target = std::move(source);
    CHECK(target.reveal() == "open sesame");
    CHECK(target.reveal().data() == memory);
    CHECK(source.empty()); // NOLINT(bugprone-use-after-move): that is what is tested
    CHECK(source.reveal().empty());
}

TEST_CASE("a moved-from secret can be copied, compared, printed and assigned to") {
    secret source("open sesame");
    secret const target = std::move(source);
    secret const copy = source; // NOLINT(bugprone-use-after-move)
    CHECK(copy.empty());
    CHECK(source == secret());
    CHECK(source != target);
    std::ostringstream out;
    out << source;
    CHECK(out.str() == "[redacted]");
    source = secret("again");
    CHECK(source.reveal() == "again");
}

TEST_CASE("move assignment replaces the value and leaves the source empty") {
    secret target("old");
    secret source("open sesame");
    target = std::move(source);
    CHECK(target.reveal() == "open sesame");
    CHECK(source.empty()); // NOLINT(bugprone-use-after-move)
}

TEST_CASE("a secret may be assigned to itself") {
    secret s("open sesame");
    secret& same = s;
    s = same;
    CHECK(s.reveal() == "open sesame");
    s = std::move(same);
    CHECK(s.reveal() == "open sesame");
}

TEST_CASE("two secrets are equal if length and every byte are") {
    struct row {
        std::string_view a;
        std::string_view b;
        bool equal;
    };
    for (auto const& [a, b, equal] : {
             row{"", "", true}, row{"", "x", false}, row{"open sesame", "open sesame", true},
             row{"open sesame", "Open sesame", false}, row{"open sesame", "open sesamE", false},
             row{"open sesame", "open tesame", false}, row{"open sesame", "open sesame ", false},
             row{"open sesame", "open sesam", false}, row{"a\0b"sv, "a\0b"sv, true},
             row{"a\0b"sv, "a\0c"sv, false}, row{"\xff", "\x7f", false},
             row{"\x80", "\x00"sv, false},
             row{"ab", "ba", false}, // the differences of the bytes cancel out under xor and +
         }) {
        CAPTURE(a);
        CAPTURE(b);
        CHECK((secret(a) == secret(b)) == equal);
        CHECK((secret(b) == secret(a)) == equal);
        CHECK((secret(a) != secret(b)) == !equal);
    }
}

TEST_CASE("a difference in any one bit makes two secrets unequal") {
    std::string const string = "open sesame";
    for (std::size_t i = 0; i != string.size(); ++i) {
        for (int bit = 0; bit != 8; ++bit) {
            CAPTURE(i);
            CAPTURE(bit);
            std::string other = string;
            other[i] = static_cast<char>(other[i] ^ (1 << bit));
            CHECK(secret(string) != secret(other));
        }
    }
}

TEST_CASE("a secret takes its value out of a string of either kind, which is wiped") {
    std::string plain(40, 'p');
    auto const* const memory = plain.data();
    CHECK(secret::take(plain).reveal() == std::string(40, 'p'));
    CHECK(plain.empty());
    CHECK(std::string_view(memory, 40) == std::string(40, '\0'));
    wiped_string wiped(40, 'w');
    CHECK(secret::take(wiped).reveal() == std::string(40, 'w'));
    CHECK(wiped.empty());
}

TEST_CASE("a secret's memory is wiped before it is given back") {
    constexpr std::string_view string = "a secret of a length of its own: 47 characters.";
    auto const is_wiped_at_end = [&](auto use) {
        watched_size = string.size();
        watched_wiped = watched_dirty = 0;
        use();
        watched_size = 0;
        CHECK(watched_dirty == 0);
        return watched_wiped;
    };
    CHECK(is_wiped_at_end([&] { secret const s(string); }) == 1);
    CHECK(is_wiped_at_end([&] {
              secret const s(string);
              secret const copy = s;
          }) == 2);
    CHECK(is_wiped_at_end([&] {
              secret s(string);
              s = secret(string);
          }) == 2);
    CHECK(is_wiped_at_end([&] {
              secret s(string);
              secret const taken = std::move(s);
          }) == 1);
    CHECK(is_wiped_at_end([&] {
              secret s(string);
              s = secret();
          }) == 1);
}
