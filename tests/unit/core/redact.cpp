#include <cloudflare/core/redact.hpp>

#include <doctest/doctest.h>

#include <cloudflare/core/detail/splitmix64.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::string_view_literals;

namespace redact_tests {
namespace {

/// Whether `string` is a beginning of `whole` that ends where a character of UTF-8 ends.
bool is_cut_between_characters(std::string_view string, std::string_view whole) {
    return whole.starts_with(string) &&
           (string.size() == whole.size() ||
            (static_cast<unsigned char>(whole[string.size()]) & 0xC0) != 0x80);
}

} // namespace

TEST_CASE("an ordinary string stays as it is") {
    for (auto const string :
         {""sv, "Authentication error"sv, "access.api.error.not_found"sv, "a/b?c=d&e=%20"sv,
          "{\"success\":false}"sv, "87b9cc94-06e5-4000-8000-000000000000"sv}) {
        CAPTURE(string);
        CHECK(redact(string) == string);
    }
}

TEST_CASE("each control character becomes one space") {
    CHECK(redact("a\r\nb"sv) == "a  b");
    CHECK(redact("a\0b"sv) == "a b");
    CHECK(redact("\x1b[0m\t\x7f"sv) == " [0m  ");
    for (int byte = 0; byte != 128; ++byte) {
        CAPTURE(byte);
        char const c = static_cast<char>(byte);
        bool const control = byte < 0x20 || byte == 0x7f;
        CHECK(redact(std::string_view(&c, 1)) == std::string(1, control ? ' ' : c));
    }
}

TEST_CASE("UTF-8 beyond ASCII stays") {
    CHECK(redact("caf\u00e9 \u00fcber \u65e5\u672c \U0001F511") ==
          "caf\u00e9 \u00fcber \u65e5\u672c \U0001F511");
}

TEST_CASE("a word with one of Cloudflare's prefixes is redacted, whatever its length") {
    for (auto const prefix : {"cfk_"sv, "cfut_"sv, "cfat_"sv, "cfast_"sv, "cfoat_"sv}) {
        CAPTURE(prefix);
        std::string const sample = std::string(prefix) + "tooshort";
        CHECK(redact(sample) == "[redacted]");
        CHECK(redact(prefix) == "[redacted]");
        CHECK(redact("Bearer " + sample + ", again") == "Bearer [redacted], again");
        CHECK(redact("{\"client_secret\":\"" + sample + "\"}") ==
              "{\"client_secret\":\"[redacted]\"}");
        CHECK(redact("x" + sample) == "[redacted]");
        CHECK(redact("token=" + sample + "\n") == "token=[redacted] ");
    }
}

TEST_CASE("a run of token characters is redacted from 37 on") {
    CHECK(redact(std::string(36, 'z')) == std::string(36, 'z'));
    CHECK(redact(std::string(37, 'z')) == "[redacted]");
    CHECK(redact("(" + std::string(37, '_') + ")") == "([redacted])");
    CHECK(redact(std::string(37, '-') + "." + std::string(36, 'Z')) ==
          "[redacted]." + std::string(36, 'Z'));
}

TEST_CASE("all credentials of a string are redacted") {
    CHECK(redact("cfk_1 cfut_2 cfat_3") == "[redacted] [redacted] [redacted]");
}

TEST_CASE("a run longer than the limit shows nothing of itself") {
    CHECK(redact(std::string(5000, 'z'), 10) == "[redacted]");
    CHECK(redact(std::string(5000, 'z'), 4) == "[red...");
}

TEST_CASE("a string of exactly the limit is not cut") {
    CHECK(redact("abcde", 5) == "abcde");
    CHECK(redact("ab de", 5) == "ab de");
    CHECK(redact("abcd ", 5) == "abcd ");
    CHECK(redact("", 0) == "");
}

TEST_CASE("a string beyond the limit is cut and the cut is marked") {
    struct row {
        std::string_view string;
        std::size_t limit;
        std::string_view expected;
    };
    for (auto const& [string, limit, expected] : {
             row{"abcdef", 5, "abcde..."},
             row{"ab cdef", 5, "ab cd..."},
             row{"abcd efg", 5, "abcd ..."},
             row{"a.b.c.d.e", 4, "a.b...."},
             row{".....", 3, "......"},
             row{"a\nb\nc", 4, "a b ..."},
             row{"a", 0, "..."},
         }) {
        CAPTURE(string);
        CAPTURE(limit);
        CHECK(redact(string, limit) == expected);
    }
}

TEST_CASE("a cut does not split a character of UTF-8") {
    std::string const string = "a\u00e9b\u65e5 \U0001F511c \u00e9\u00e9\u00e9";
    for (std::size_t limit = 0; limit <= string.size(); ++limit) {
        CAPTURE(limit);
        auto line = redact(string, limit);
        if (limit == string.size()) {
            CHECK(line == string);
            continue;
        }
        REQUIRE(line.ends_with("..."));
        line.resize(line.size() - 3);
        CHECK(is_cut_between_characters(line, string));
        CHECK(line.size() <= limit);
        CHECK(line.size() + 4 > limit); // no more than the broken character is missing
    }
}

TEST_CASE("no control character of C1 and none that turns text around comes through") {
    for (unsigned point = 0x80; point != 0xA0; ++point) {
        CAPTURE(point);
        std::string const string = {'a', '\xC2', static_cast<char>(point), 'b'};
        CHECK(redact(string) == "a?b");
        CHECK(redact(std::string{'a', static_cast<char>(point), 'b'}) == "a?b"); // a raw byte
    }
    CHECK(redact("a\u00a0b") == "a\u00a0b");
    for (auto const hidden :
         {"\u200e"sv, "\u200f"sv, "\u061c"sv, "\u202a"sv, "\u202b"sv, "\u202c"sv, "\u202d"sv,
          "\u202e"sv, "\u2066"sv, "\u2067"sv, "\u2068"sv, "\u2069"sv, "\u2028"sv, "\u2029"sv}) {
        CAPTURE(hidden);
        CHECK(redact("a" + std::string(hidden) + "b") == "a?b");
        CHECK(redact(hidden) == "?");
    }
    for (auto const kept : {"\u200d"sv, "\u2010"sv, "\u2027"sv, "\u202f"sv, "\u2065"sv, "\u206a"sv,
                            "\u061b"sv, "\u061d"sv, "\u20ac"sv}) {
        CAPTURE(kept);
        CHECK(redact("a" + std::string(kept) + "b") == "a" + std::string(kept) + "b");
    }
}

TEST_CASE("what comes out is UTF-8, whatever bytes go in and wherever it is cut") {
    std::uint64_t state = 7;
    for (int round = 0; round != 2000; ++round) {
        std::string string;
        for (auto n = detail::splitmix64(state += detail::splitmix64_step) % 12; n != 0; --n) {
            constexpr std::string_view bytes =
                "a \x80\x8e\x9b\xa8\xc2\xd8\x9c\xe2\x81\xf0\x9f\xed\xff\n";
            string += bytes[static_cast<std::size_t>(
                detail::splitmix64(state += detail::splitmix64_step) % bytes.size())];
        }
        for (std::size_t limit : {0U, 1U, 2U, 3U, 5U, 100U}) {
            auto const line = redact(string, limit);
            CAPTURE(string);
            REQUIRE(is_utf8(line));
            REQUIRE(line.size() <= limit + 3);
            REQUIRE(line.find("\xC2\x9b") == line.npos);
            REQUIRE(line.find('\n') == line.npos);
        }
    }
}

TEST_CASE("each byte that is not UTF-8 becomes a question mark") {
    for (auto const string : {"\x80\x80\x80\x80"sv, "\xff\xfe"sv, "\xc3"sv, "a\xf0"sv}) {
        for (std::size_t limit = 0; limit != 5; ++limit) {
            CAPTURE(limit);
            CHECK(redact(string, limit).size() <= limit + 3);
        }
        CHECK(redact(string).size() == string.size());
        CHECK(redact(string).find_first_not_of("?a") == std::string::npos);
    }
}

TEST_CASE("letters, digits, - and _ make a run, and what stands beside them in ASCII does not") {
    for (char const c : "09AZaz-_"sv) {
        CAPTURE(c);
        CHECK(redact(std::string(18, 'x') + c + std::string(18, 'x')) == "[redacted]");
    }
    for (char const c : "/:@[`{,."sv) {
        CAPTURE(c);
        auto const string = std::string(18, 'x') + c + std::string(18, 'x');
        CHECK(redact(string) == string);
    }
}

TEST_CASE("of the library's own words a run of 37 hexadecimal digits is taken for a credential") {
    std::string const digits = "0123456789abcdef0123456789abcdef0123";
    CHECK(detail::redact_own(digits, 100) == digits);
    CHECK(detail::redact_own(digits + 'f', 100) == "[redacted]");
    CHECK(detail::redact_own(digits + 'q', 100) == digits + 'q');
    CHECK(detail::redact_own(digits + 'g', 100) == digits + 'g');
    for (std::string_view const before : {"g", "AP", "f174e90a-", "_", "x-0"})
        for (std::string_view const behind : {"", "g", "_a", "-"}) {
            auto const run = std::string(before) + digits + 'f' + std::string(behind);
            CHECK(detail::redact_own("of the " + run + '.', 100) == "of the [redacted].");
        }
    CHECK(detail::redact_own(digits + '-' + digits, 100) == digits + '-' + digits);
    CHECK(detail::redact_own("cfut_x", 100) == "[redacted]");
}

TEST_CASE("a character of other bytes than those that hide is shown") {
    for (auto const kept : {"\u308e"sv, "\u300e"sv, "\u1064"sv, "\u3066"sv, "\uc080"sv}) {
        CAPTURE(kept);
        CHECK(redact(kept) == kept);
    }
}

TEST_CASE("UTF-8 that ends too early is none, whatever stands behind it in memory") {
    constexpr auto string = "\u00e9\u20ac\U0001F511"sv;
    for (std::size_t size = 0; size <= string.size(); ++size) {
        CAPTURE(size);
        CHECK(is_utf8(string.substr(0, size)) ==
              (size == 0 || size == 2 || size == 5 || size == 9));
    }
}

} // namespace redact_tests
