#include <cloudflare/http/headers.hpp>

#include <doctest/doctest.h>

#include <utility>

#include <type_traits>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace cloudflare;
using namespace std::string_view_literals;

static_assert(std::forward_iterator<http::headers::const_iterator>);
static_assert(http::same_name("Content-Type", "cONTENT-tYPE"));
static_assert(!http::same_name("Content-Type", "Content-Typ"));
static_assert(!http::same_name("Content-Type", "Content_Type"));
static_assert(!http::same_name("@", "`")); // 32 apart, and no letters
static_assert(!http::same_name("[", "{"));
static_assert(http::same_name("", ""));

TEST_CASE("fields without any are empty") {
    http::headers const h;
    CHECK(h.empty());
    CHECK(h.begin() == h.end());
    CHECK(h.wire_format().empty());
    CHECK(h.find("Accept").empty());
    CHECK_FALSE(h.contains("Accept"));
}

TEST_CASE("a field added is on the wire as name, colon, space, value, CR and LF") {
    http::headers h;
    CHECK(h.add("Accept", "application/json").has_value());
    CHECK(h.add("X-Empty", "").has_value());
    CHECK(h.wire_format() == "Accept: application/json\r\nX-Empty: \r\n");
    CHECK_FALSE(h.empty());
}

TEST_CASE("a field is found case-insensitively") {
    http::headers h;
    REQUIRE(h.add("Content-Type", "text/html").has_value());
    for (auto const name : {"Content-Type"sv, "content-type"sv, "CONTENT-TYPE"sv}) {
        CAPTURE(name);
        CHECK(h.find(name) == "text/html");
        CHECK(h.contains(name));
    }
    for (auto const name : {"Content-Typ"sv, "Content-Type "sv, "ontent-Type"sv, ""sv,
                            "text/html"sv, "Content-Type\0"sv}) {
        CAPTURE(name);
        CHECK(h.find(name).empty());
        CHECK_FALSE(h.contains(name));
    }
}

TEST_CASE("an empty value is there all the same") {
    http::headers h;
    REQUIRE(h.add("X-Empty", "").has_value());
    CHECK(h.contains("x-empty"));
    CHECK(h.find("x-empty").empty());
}

TEST_CASE("fields of one name stand in the order they were added, and the first is found") {
    http::headers h;
    REQUIRE(h.add("Via", "1").has_value());
    REQUIRE(h.add("Accept", "*/*").has_value());
    REQUIRE(h.add("via", "2").has_value());
    CHECK(h.find("VIA") == "1");
    CHECK(h.wire_format() == "Via: 1\r\nAccept: */*\r\nvia: 2\r\n");
}

TEST_CASE("setting a field takes the place of all of its name, whatever their case") {
    http::headers h;
    REQUIRE(h.add("Via", "1").has_value());
    REQUIRE(h.add("Accept", "*/*").has_value());
    REQUIRE(h.add("VIA", "2").has_value());
    CHECK(h.set("via", "3").has_value());
    CHECK(h.wire_format() == "Accept: */*\r\nvia: 3\r\n");
}

TEST_CASE("setting a field that is not there adds it") {
    http::headers h;
    CHECK(h.set("Accept", "*/*").has_value());
    CHECK(h.wire_format() == "Accept: */*\r\n");
}

TEST_CASE("removing takes out every field of the name and no other") {
    http::headers h;
    for (auto const name : {"A"sv, "B"sv, "a"sv, "A"sv, "AA"sv, "C"sv, "a"sv})
        REQUIRE(h.add(name, "a").has_value());
    h.remove("a");
    CHECK(h.wire_format() == "B: a\r\nAA: a\r\nC: a\r\n");
    h.remove("absent");
    h.remove("");
    CHECK(h.wire_format() == "B: a\r\nAA: a\r\nC: a\r\n");
    h.remove("C");
    h.remove("B");
    h.remove("aa");
    CHECK(h.empty());
}

TEST_CASE("fields are visited in their order") {
    http::headers h;
    REQUIRE(h.add("A", "1").has_value());
    REQUIRE(h.add("B", "").has_value());
    REQUIRE(h.add("C", "x: y:z, http://host").has_value());
    std::vector<std::string> seen;
    for (auto const [name, value] : h)
        seen.push_back(std::string(name) + '=' + std::string(value));
    CHECK(seen == std::vector<std::string>{"A=1", "B=", "C=x: y:z, http://host"});
    CHECK(std::distance(h.begin(), h.end()) == 3);

    auto it = h.begin();
    CHECK((*it++).name == "A");
    CHECK((*it).name == "B");
    CHECK((*++it).value == "x: y:z, http://host");
    CHECK(++it == h.end());
}

TEST_CASE("a header value with a newline is refused and nothing is added") {
    for (auto const value :
         {"a\nb"sv, "a\rb"sv, "a\r\nX-Injected: b"sv, "\n"sv, "a\n"sv, "a\r"sv, "a\r\n b"sv}) {
        CAPTURE(value);
        http::headers h;
        REQUIRE(h.add("A", "1").has_value());
        auto const added = h.add("B", value);
        REQUIRE_FALSE(added.has_value());
        CHECK(added.error() == errc::invalid_argument);
        CHECK(h.wire_format() == "A: 1\r\n");
    }
}

TEST_CASE("of the 256 bytes the control characters but the tab are refused within a value") {
    for (int byte = 0; byte != 256; ++byte) {
        CAPTURE(byte);
        std::string const value = std::string("a") + static_cast<char>(byte) + "b";
        bool const allowed = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        http::headers h;
        CHECK(h.add("A", value).has_value() == allowed);
        CHECK(h.find("A") == (allowed ? std::string_view(value) : std::string_view()));
        CHECK(h.empty() == !allowed);
    }
}

TEST_CASE("a value of UTF-8 is kept byte for byte") {
    http::headers h;
    REQUIRE(h.add("A", "caf\u00e9 \u65e5\u672c").has_value());
    CHECK(h.find("A") == "caf\u00e9 \u65e5\u672c");
}

TEST_CASE("white space is refused at either end of a value and kept within") {
    for (auto const value : {" a"sv, "a "sv, "\ta"sv, "a\t"sv, " "sv, "\t"sv, " a "sv}) {
        CAPTURE(value);
        http::headers h;
        CHECK_FALSE(h.add("A", value).has_value());
        CHECK(h.empty());
    }
    http::headers h;
    CHECK(h.add("A", "a b\tc").has_value());
    CHECK(h.find("A") == "a b\tc");
}

TEST_CASE("of the 256 bytes only those of a token are a header's name") {
    constexpr auto marks = "!#$%&'*+-.^_`|~"sv;
    for (int byte = 0; byte != 256; ++byte) {
        CAPTURE(byte);
        char const c = static_cast<char>(byte);
        bool const allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || (marks.find(c) != marks.npos);
        http::headers h;
        CHECK(h.add(std::string_view(&c, 1), "v").has_value() == allowed);
        CHECK(h.add(std::string("A") + c, "v").has_value() == allowed);
        CHECK(h.empty() == !allowed);
    }
}

TEST_CASE("a name that is empty or holds a colon, a space or a newline is refused") {
    for (auto const name : {""sv, "A:"sv, "A: 1\r\nB"sv, "A "sv, " A"sv, "A\n"sv, "A\0"sv}) {
        CAPTURE(name);
        http::headers h;
        auto const added = h.add(name, "v");
        REQUIRE_FALSE(added.has_value());
        CHECK(added.error() == errc::invalid_argument);
        CHECK(h.empty());
    }
}

TEST_CASE("setting a bad value leaves the old one") {
    http::headers h;
    REQUIRE(h.add("A", "1").has_value());
    CHECK_FALSE(h.set("A", "2\n").has_value());
    CHECK_FALSE(h.set("A", " 2").has_value());
    CHECK_FALSE(h.set("", "2").has_value());
    CHECK(h.wire_format() == "A: 1\r\n");
}

TEST_CASE("the error names the field and never the value") {
    http::headers h;
    auto const added = h.set("Authorization", "Bearer sesame\n");
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().to_string().find("Authorization") != std::string::npos);
    CHECK(added.error().to_string().find("sesame") == std::string::npos);
}

TEST_CASE("a credential's field prints as [redacted], whatever its case") {
    for (auto const name :
         {"Authorization"sv, "authorization"sv, "X-Auth-Key"sv, "x-auth-user-service-key"sv,
          "CF-Access-Client-Secret"sv, "cf-access-client-secret"sv, "Proxy-Authorization"sv,
          "Cookie"sv, "SET-COOKIE"sv, "CF-Access-Token"sv, "cf-access-jwt-assertion"sv}) {
        CAPTURE(name);
        CHECK(http::is_sensitive(name));
        http::headers h;
        REQUIRE(h.add(name, "sesame").has_value());
        std::ostringstream out;
        out << h;
        CHECK(out.str() == std::string(name) + ": [redacted]\n");
        CHECK(h.find(name) == "sesame");
    }
}

TEST_CASE("other fields print with their value, a line each") {
    http::headers h;
    REQUIRE(h.add("CF-Access-Client-Id", "0123456789abcdef.access").has_value());
    REQUIRE(h.add("X-Auth-Email", "somebody@example.com").has_value());
    REQUIRE(h.add("X-Tab", "a\tb").has_value());
    std::ostringstream out;
    out << h;
    CHECK(out.str() == "CF-Access-Client-Id: 0123456789abcdef.access\n"
                       "X-Auth-Email: somebody@example.com\n"
                       "X-Tab: a b\n");
}

TEST_CASE("a credential in a field of another name is not printed either") {
    http::headers h;
    REQUIRE(h.add("X-Custom", "Bearer cfut_tooshort").has_value());
    REQUIRE(h.add("X-Other", std::string(37, 'z')).has_value());
    std::ostringstream out;
    out << h;
    CHECK(out.str() == "X-Custom: Bearer [redacted]\nX-Other: [redacted]\n");
}

TEST_CASE("fields for which space was reserved are not moved as they are set") {
    http::headers h;
    h.reserve(200);
    REQUIRE(h.add("A", "1").has_value());
    auto const* const memory = h.wire_format().data();
    REQUIRE(h.add("B", std::string(150, 'x')).has_value());
    CHECK(h.wire_format().data() == memory);
}

TEST_CASE("a copy of fields is independent") {
    http::headers h;
    REQUIRE(h.add("A", "1").has_value());
    http::headers const copy = h;
    REQUIRE(h.set("A", "2").has_value());
    CHECK(copy.find("A") == "1");
    CHECK(h.find("A") == "2");
}

TEST_CASE("a field may be made of a view into the same headers") {
    http::headers fields;
    fields.add("A", "old").value();
    fields.add("Long", std::string(40, 'x')).value();
    for (int i = 0; i != 20; ++i)
        fields.add("Copy", fields.find("Long")).value();
    fields.set("A", fields.find("Long")).value();
    CHECK(fields.find("A") == std::string(40, 'x'));
    CHECK(fields.find("Copy") == std::string(40, 'x'));
}

TEST_CASE("what a parser has checked already is a field like any other") {
    http::headers h;
    h.add_unchecked("A", "");
    h.add_line_unchecked("B: b, c\r\n");
    REQUIRE(h.add("C", "d").has_value());
    CHECK(h.wire_format() == "A: \r\nB: b, c\r\nC: d\r\n");
    CHECK(h.find("b") == "b, c");
}

static_assert(std::is_same_v<std::iterator_traits<http::headers::const_iterator>::iterator_category,
                             std::input_iterator_tag>); // its reference is no reference

TEST_CASE("a name that points into the headers themselves sets and removes that field alone") {
    auto const made = [] {
        http::headers h;
        for (auto const& [name, value] :
             {std::pair("A", "1"), std::pair("B", "2"), std::pair("C", "3"), std::pair("a", "4")})
            h.add(name, value).value();
        return h;
    };
    auto first = made();
    CHECK(first.set((*first.begin()).name, "9").has_value());
    CHECK(first.wire_format() == "B: 2\r\nC: 3\r\nA: 9\r\n");

    auto second = made();
    CHECK(second.set((*std::next(second.begin())).name, (*second.begin()).value).has_value());
    CHECK(second.wire_format() == "A: 1\r\nC: 3\r\na: 4\r\nB: 1\r\n");

    auto third = made();
    third.remove((*third.begin()).name);
    CHECK(third.wire_format() == "B: 2\r\nC: 3\r\n");

    auto last = made();
    last.remove((*std::next(last.begin(), 3)).name);
    CHECK(last.wire_format() == "B: 2\r\nC: 3\r\n");

    auto whole = made(); // a value of its own block as a name: "2" is no field's
    whole.remove((*std::next(whole.begin())).value);
    CHECK(whole.wire_format() == made().wire_format());

    http::headers long_name;
    std::string const name(100, 'x');
    long_name.add(name, "1").value();
    long_name.add("B", "2").value();
    long_name.add(name, "3").value();
    long_name.remove((*long_name.begin()).name);
    CHECK(long_name.wire_format() == "B: 2\r\n");
}

TEST_CASE("fields that frame the message or encode the response are reserved") {
    for (auto const name : {"Host"sv, "content-length"sv, "TRANSFER-ENCODING"sv, "Connection"sv,
                            "keep-alive"sv, "Proxy-Connection"sv, "Upgrade"sv, "expect"sv, "te"sv,
                            "Trailer"sv, "accept-encoding"sv}) {
        CAPTURE(name);
        CHECK(http::is_reserved(name));
        CHECK_FALSE(http::is_reserved(name.substr(1)));
        CHECK_FALSE(http::is_reserved(std::string(name) + "x"));
    }
    for (auto const name : {""sv, "Authorization"sv, "Accept"sv, "User-Agent"sv, "Content-Type"sv,
                            "Content-Encoding"sv, "12345678901234567890123456789012"sv,
                            "1234567890123456789012345678901234567890123456789012345678901234"sv}) {
        CAPTURE(name);
        CHECK_FALSE(http::is_reserved(name));
    }
}

TEST_CASE("each error says which rule a header breaks") {
    struct row {
        std::string_view name;
        std::string_view value;
        std::string_view explanation;
    };
    std::string_view const control =
        "header X: must hold no CR, LF, NUL or other control character";
    std::string_view const blank = "header X: must not begin or end with white space";
    std::string_view const name_rule = "header name: must be a token of RFC 9110";
    for (auto const& [name, value, explanation] : {
             row{"", "v", name_rule},
             row{"a b", "v", name_rule},
             row{"X", "a\nb", control},
             row{"X", "\x7f", control},
             row{"X", " a", blank},
             row{"X", "a ", blank},
             row{"X", "\ta", blank},
             row{"X", "a\t", blank},
         }) {
        CAPTURE(explanation);
        http::headers fields;
        auto const added = fields.add(name, value);
        REQUIRE(added.has_error());
        CHECK(added.error() == errc::invalid_argument);
        CHECK(added.error().details().explanation == explanation);
        CHECK(fields.wire_format().empty());
        CHECK(fields.set(name, value).error() == errc::invalid_argument);
    }
}

TEST_CASE("names are compared ignoring case, in all letters and in nothing else") {
    CHECK(http::same_name("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"));
    CHECK(http::same_name("", ""));
    CHECK(!http::same_name("a", "ab"));
    CHECK(!http::same_name("@", "`")); // 32 apart, before A and a
    CHECK(!http::same_name("[", "{")); // behind Z and z
    CHECK(!http::same_name("-", "\r"));
}
