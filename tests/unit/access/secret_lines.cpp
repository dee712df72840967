// What stands in a token's file, as lines and as JSON, and how a secret is hidden in what is said: by value.
#include <cloudflare/access/detail/hidden_secret.hpp>
#include <cloudflare/access/detail/secret_json.hpp>
#include <cloudflare/access/detail/secret_lines.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

namespace secret_lines_tests {
namespace {

using namespace cloudflare;
namespace detail = access::detail;

std::string const tag(32, '1');

access::issued_service_token token_of(std::optional<std::int64_t> version = std::nullopt) {
    access::issued_service_token t;
    t.id = "id-1";
    t.client_id = "c.access";
    t.client_secret = secret("s3cret");
    t.client_secret_version = version;
    return t;
}
access::intent wanting(std::string key) {
    access::intent i(tag, access::account_scope::parse(std::string(32, 'a')).value(), "ci");
    i.key = std::move(key);
    return i;
}
std::string lines(access::issued_service_token const& token, access::intent const* of,
                  std::string_view old = {}) {
    return std::string(detail::secret_text(token, of, old));
}
std::string object(access::issued_service_token const& token, access::intent const* of,
                   std::string_view old = {}) {
    return std::string(detail::secret_object(token, of, old));
}

std::string const ids = "CF_ACCESS_TOKEN_ID=id-1\nCF_ACCESS_CLIENT_ID=c.access\n";
std::string const secret_line = "CF_ACCESS_CLIENT_SECRET=s3cret\n";

TEST_CASE(
    "a value is what stands behind its name at the beginning of a line, the first that does") {
    using detail::value_in;
    CHECK(value_in("A=1", "A=") == "1");
    CHECK(value_in("A=1\n", "A=") == "1");
    CHECK(value_in("B=2\nA=1\nA=3\n", "A=") == "1");
    CHECK(value_in("A=", "A=") == "");
    CHECK(value_in("\n\nA=1", "A=") == "1");
    CHECK_FALSE(value_in("", "A="));
    CHECK_FALSE(value_in("A", "A="));
    CHECK_FALSE(value_in(" A=1\nBA=1\nB A=1\n", "A="));
}

TEST_CASE("lines tell ids, version, key, tag and secret, each where it is there") {
    auto const all = detail::stored_in_lines(ids + secret_line +
                                             "CF_ACCESS_CLIENT_SECRET_VERSION=7\n"
                                             "CF_ACCESS_TOKEN_KEY=a%20b\nCF_ACCESS_TOKEN_TAG=t\n");
    CHECK(all.token.token_id == "id-1");
    CHECK(all.token.client_id == "c.access");
    CHECK(all.token.version == 7);
    CHECK(all.token.tag == "t");
    CHECK(all.key == "a%20b");
    CHECK(all.client_secret->reveal() == "s3cret");
    CHECK(detail::ids_in(std::string_view("CF_ACCESS_CLIENT_SECRET_VERSION=789", 33)).version == 7);
    auto const none = detail::stored_in_lines("X=1\nCF_ACCESS_CLIENT_SECRET_VERSION=x\n");
    CHECK(none.token.token_id.empty());
    CHECK(none.token.client_id.empty());
    CHECK(none.token.version == 0);
    CHECK(none.token.tag.empty());
    CHECK_FALSE(none.key);
    CHECK_FALSE(none.client_secret);
}

TEST_CASE("what is written: version, key and tag where they are known, other lines as they were") {
    auto const keyed = wanting("a b"), keyless = wanting(tag), empty = wanting("");
    auto untagged = wanting("k");
    untagged.tag.clear();
    CHECK(lines(token_of(), nullptr) == ids + secret_line);
    CHECK(lines(token_of(1), nullptr) == ids + secret_line + "CF_ACCESS_CLIENT_SECRET_VERSION=1\n");
    auto const with_tag = "CF_ACCESS_TOKEN_TAG=" + tag + "\n";
    CHECK(lines(token_of(), &keyed) ==
          ids + secret_line + "CF_ACCESS_TOKEN_KEY=a%20b\n" + with_tag);
    CHECK(lines(token_of(), &keyless) == ids + secret_line + with_tag);
    CHECK(lines(token_of(), &empty) == ids + secret_line + with_tag);
    CHECK(lines(token_of(), &untagged) == ids + secret_line + "CF_ACCESS_TOKEN_KEY=k\n");

    // A line stays where it is; one that is there twice is written once; one of no use goes.
    auto const old = "# mine\nCF_ACCESS_CLIENT_SECRET=old\nX=1\nCF_ACCESS_CLIENT_SECRET=older\n"
                     "CF_ACCESS_CLIENT_SECRET_VERSION=1\nCF_ACCESS_TOKEN_KEY=k\n"
                     "CF_ACCESS_TOKEN_TAG=t\n\nlast";
    CHECK(lines(token_of(), nullptr, old) == "# mine\n" + secret_line +
                                                 "X=1\nCF_ACCESS_TOKEN_KEY=k\n"
                                                 "CF_ACCESS_TOKEN_TAG=t\n\nlast\n" +
                                                 ids);
    CHECK(lines(token_of(2), &keyless, old) == "# mine\n" + secret_line +
                                                   "X=1\nCF_ACCESS_CLIENT_SECRET_VERSION=2\n" +
                                                   with_tag + "\nlast\n" + ids);
}

TEST_CASE("control characters are those below a space, and delete") {
    for (std::string_view const part : {"\x1f", "\n", "a\x7f", "\x01z"})
        CHECK(detail::has_controls(part));
    CHECK(detail::has_controls(std::string_view("\0", 1)));
    for (std::string_view const part : {"", " ", "~", "a b", "\x80", "\xc3\xbc"})
        CHECK_FALSE(detail::has_controls(part));
}

TEST_CASE("JSON is what begins with a brace, behind white space") {
    for (std::string_view const text : {"{", " {}", "\t\r\n {\"a\":1}"})
        CHECK(detail::is_json_object(text));
    for (std::string_view const text : {"", " ", "[]", "A={", "\"{\"", "q{", "q {"})
        CHECK_FALSE(detail::is_json_object(text));
}

TEST_CASE("as JSON the same is written, and other members as they were") {
    auto const keyed = wanting("a b"), keyless = wanting(tag), empty = wanting("");
    auto untagged = wanting("k");
    untagged.tag.clear();
    std::string const begin = R"({"id":"id-1","client_id":"c.access","client_secret":"s3cret")";
    CHECK(object(token_of(), nullptr) == begin + "}\n");
    CHECK(object(token_of(1), nullptr) == begin + R"(,"client_secret_version":1)" + "}\n");
    auto const with_tag = R"(,"tag":")" + tag + "\"}\n";
    CHECK(object(token_of(), &keyed) == begin + R"(,"key":"a%20b")" + with_tag);
    CHECK(object(token_of(), &keyless) == begin + with_tag);
    CHECK(object(token_of(), &empty) == begin + with_tag);
    CHECK(object(token_of(), &untagged) == begin + R"(,"key":"k"})" + "\n");
    CHECK(
        object(token_of(), nullptr, R"({"tag":"t","x":1,"client_secret":"a","key":"k"})") ==
        R"({"tag":"t","x":1,"client_secret":"s3cret","key":"k","id":"id-1","client_id":"c.access"})"
        "\n");
    CHECK(
        object(token_of(2), &keyless, R"({"key":"k","client_secret_version":1,"id":"x"})") ==
        R"({"client_secret_version":2,"id":"id-1","client_id":"c.access","client_secret":"s3cret")" +
            with_tag);
}

TEST_CASE("every JSON value of a user's comes back as it was") {
    for (std::string const value :
         {"1", "-9223372036854775808", "2.5", "1e+300", "true", "false", "null", "\"\"", "[]", "{}",
          R"([1,[2,{}],"a"])", R"({"a":{"b":[null]},"c":"d"})", R"("\"\\/\u0001\u001f \u007f")"}) {
        CAPTURE(value);
        auto const old = R"({"mine":)" + value + "}";
        auto const written = object(token_of(), nullptr, old);
        auto const begin = written.find("\"mine\":") + 7;
        auto kept = written.substr(begin, written.find(",\"id\"") - begin);
        auto wanted = value;
        if (auto const at = wanted.find("\\u007f"); at != wanted.npos)
            wanted.replace(at, 6, "\x7f"); // need not be escaped
        CHECK(kept == wanted);
        CHECK(object(token_of(), nullptr, written) == written); // and again
    }
}

TEST_CASE("JSON tells ids, version, key, tag and secret, each where it is there") {
    auto const all = detail::stored_in_json(
        R"({"id":"id-1","client_id":"c","client_secret":"s","client_secret_version":7,)"
        R"("key":"k","tag":"t"})");
    CHECK(all.token.token_id == "id-1");
    CHECK(all.token.client_id == "c");
    CHECK(all.token.version == 7);
    CHECK(all.token.tag == "t");
    CHECK(all.key == "k");
    CHECK(all.client_secret->reveal() == "s");
    auto const none = detail::stored_in_json("{}");
    CHECK(none.token.token_id.empty());
    CHECK(none.token.version == 0);
    CHECK_FALSE(none.key);
    CHECK_FALSE(none.client_secret);
}

TEST_CASE(
    "a secret is hidden whole, in parts of eight characters, and in base64 of either alphabet") {
    std::string const hidden = "0123456789";
    auto const shown = [&](std::string_view said) { return detail::without(hidden, said); };
    CHECK(shown("") == "");
    CHECK(shown("nothing") == "nothing");
    CHECK(shown("a 0123456789 b") == "a [redacted] b");
    CHECK(shown("01234567") == "[redacted]");
    CHECK(shown("23456789x") == "[redacted]x");
    CHECK(shown("0123456") == "0123456"); // seven
    CHECK(shown("1234567 23456789") == "1234567 [redacted]");
    CHECK(shown("01234567890123456789") == "[redacted][redacted]");
    CHECK(shown("MDEyMzQ1Njc4OQ") == "[redacted]"); // its base64
    CHECK(shown("xMDEyMzQ1x") == "x[redacted]x");
    CHECK(detail::without("short", "a short one") == "a [redacted] one");
    CHECK(detail::without("", "a short one") == "a short one");
    std::string const bytes = "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7"; // with - and _ in it
    CHECK(detail::without(bytes, "__79_Pv6-fj3") == "[redacted]");
    CHECK(detail::without(bytes, "//79/Pv6+fj3") == "[redacted]");
}

} // namespace
} // namespace secret_lines_tests
