#include <cloudflare/access/sealing_key.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>

#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace sealing_key_tests {
namespace {

using namespace cloudflare;
using access::sealing_key;
using access::sealing_keys;

std::string raw_bytes() {
    std::string bytes;
    for (int i = 0; i != 32; ++i)
        bytes += static_cast<char>(255 - 8 * i);
    return bytes;
}
std::string const hex = "fff7efe7dfd7cfc7bfb7afa79f978f877f776f675f574f473f372f271f170f07";
std::string const base64 = "//fv59/Xz8e/t6+nn5ePh393b2dfV09HPzcvJx8XDwc=";

} // namespace

TEST_CASE("a key is read as raw bytes, hexadecimal digits or base64") {
    std::string upper = hex;
    for (auto& c : upper)
        if (c >= 'a') c = static_cast<char>(c - 32);
    std::string for_urls = base64.substr(0, 43);
    for (auto& c : for_urls)
        c = c == '/' ? '_' : c == '+' ? '-' : c;
    for (auto const& string : {raw_bytes(), hex, hex + "\n", hex + "\r\n", upper, base64,
                               base64 + "\n", base64.substr(0, 43), for_urls, for_urls + "=\n"}) {
        CAPTURE(string);
        auto const key = sealing_key::parse("k", string);
        REQUIRE_MESSAGE(key.has_value(), key.error().to_string());
        CHECK(key->bytes() == secret(raw_bytes()));
        CHECK(key->id() == "k");
    }
}

TEST_CASE("what is no key of 32 random bytes is refused, and never shown") {
    std::string const letters = "abcdefghijklmnopqrstuvwxyz012345"; // 32: a password
    for (auto const& string : {std::string(),
                               std::string("short"),
                               hex.substr(1),
                               hex.substr(2),
                               hex + "0",
                               hex + " ",
                               std::string("x") + hex.substr(1),
                               hex.substr(0, 32),
                               letters,
                               base64.substr(0, 42),
                               base64 + "=",
                               base64.substr(0, 42) + "d=", // bits that no encoder sets
                               std::string(32, '\0'),
                               std::string(64, '0'),
                               raw_bytes() + "\n",
                               raw_bytes() + "x",
                               std::string(43, 'A'),
                               base64.substr(0, 43) + "A",
                               base64.substr(0, 43) + "x",
                               base64.substr(0, 42) + "=="}) {
        CAPTURE(string);
        auto const key = sealing_key::parse("k", string);
        REQUIRE(key.has_error());
        CHECK(key.error() == errc::invalid_argument);
        CHECK(key.error().to_string().find("key k: ") != std::string::npos);
        if (string.size() > 4)
            CHECK(key.error().to_string().find(string.substr(0, 5)) == std::string::npos);
    }
}

TEST_CASE("a key's id is what fits between colons") {
    for (auto const& id : {"2026-11", "a", "A_b.9", "-"})
        CHECK(sealing_key::make(id, secret(raw_bytes())).has_value());
    CHECK(sealing_key::make(std::string(64, 'k'), secret(raw_bytes())).has_value());
    for (auto const& id :
         {std::string(), std::string(65, 'k'), std::string("a:b"), std::string("a b"),
          std::string("a\n"), std::string("\xc3\xbc"), std::string("a/"), std::string("a@"),
          std::string("a["), std::string("a`"), std::string("a{"), std::string("a,")}) {
        CAPTURE(id);
        CHECK(sealing_key::make(id, secret(raw_bytes())).error() == errc::invalid_argument);
        CHECK(sealing_key::parse(id, raw_bytes()).error() == errc::invalid_argument);
    }
}

TEST_CASE("what is wrong with a key is said in one sentence") {
    auto const why = [](result<sealing_key> const& key) {
        return key.has_error() ? key.error().details().explanation : std::string();
    };
    CHECK(why(sealing_key::make("a b", secret(raw_bytes()))) ==
          "key id: must be 1 to 64 letters, digits, '-', '_' or '.'");
    for (std::size_t const size : {0U, 1U, 31U, 33U})
        CHECK(why(sealing_key::make("k", secret((raw_bytes() + "x").substr(0, size)))) ==
              "key k: must have 32 bytes, has " + std::to_string(size));
    CHECK(why(sealing_key::make("k", secret(std::string(32, 'x')))) ==
          "key k: is not random: all its bytes are the same");
    CHECK(why(sealing_key::parse("k", "abcdefghijklmnopqrstuvwxyz012345")) ==
          "key k: 32 printable characters are no random bytes");
    CHECK(why(sealing_key::parse("k", "short")) ==
          "key k: must be 32 raw bytes, 64 hexadecimal digits or 44 characters of base64");
    CHECK(sealing_key::parse("k", raw_bytes().substr(0, 31) + '\x1f').has_value());
}

TEST_CASE("a key is read from a file that only its owner can read") {
    faults::scratch const s;
    faults::write(s.path(), base64 + "\n");
    for (unsigned const mode : {0600U, 0400U, 0700U}) {
        REQUIRE(::chmod(s.path().c_str(), mode) == 0);
        auto const key = sealing_key::from_file("k", s.path());
        REQUIRE_MESSAGE(key.has_value(), key.error().to_string());
        CHECK(key->bytes() == secret(raw_bytes()));
    }
    bool const is_root = ::geteuid() == 0; // whose files a group may read
    for (unsigned const mode : {0604U, 0602U, 0601U, 0620U, 0610U, 0644U, 0777U, 0640U, 0440U}) {
        if (is_root && (mode & 037U) == 0) continue;
        CAPTURE(mode);
        REQUIRE(::chmod(s.path().c_str(), mode) == 0);
        auto const key = sealing_key::from_file("k", s.path());
        REQUIRE(key.has_error());
        CHECK(key.error() == errc::secret_unreadable);
        CHECK(key.error().to_string().find(s.path()) != std::string::npos);
        std::string const digits{'0', static_cast<char>('0' + mode / 64),
                                 static_cast<char>('0' + mode / 8 % 8),
                                 static_cast<char>('0' + mode % 8)};
        CHECK(key.error().details().explanation ==
              s.path() + ": has mode " + digits + ", which is open to others: chmod 600");
    }
    if (!is_root) return;
    for (unsigned const mode : {0640U, 0440U}) {
        REQUIRE(::chmod(s.path().c_str(), mode) == 0);
        CHECK(sealing_key::from_file("k", s.path()).has_value());
    }
    REQUIRE(::chown(s.path().c_str(), 12345, 12345) == 0);
    CHECK(sealing_key::from_file("k", s.path()).error().to_string().find("another user") !=
          std::string::npos);
    REQUIRE(::chmod(s.directory.c_str(), 0711) == 0);
    REQUIRE(::seteuid(12345) == 0); // as that user: a group may not read it, though it might root's
    auto const own = sealing_key::from_file("k", s.path());
    REQUIRE(::chmod(s.path().c_str(), 0400) == 0);
    auto const closed = sealing_key::from_file("k", s.path());
    REQUIRE(::seteuid(0) == 0);
    CHECK(own.has_error());
    CHECK(closed.has_value());
}

TEST_CASE("what is no key's file is an error with its path") {
    faults::scratch const s;
    auto const error_of = [&](std::string const& name) {
        auto const key = sealing_key::from_file("k", s.path(name));
        REQUIRE(key.has_error());
        CHECK(key.error() == errc::secret_unreadable);
        CHECK(key.error().delivery() == delivery::not_sent);
        return key.error().to_string();
    };
    CHECK(error_of("missing").find(s.path("missing")) != std::string::npos);
    CHECK(error_of("missing").find("No such file") != std::string::npos);
    REQUIRE(::mkdir(s.path("directory").c_str(), 0700) == 0);
    CHECK(error_of("directory").find("no regular file") != std::string::npos);
    REQUIRE(::mkfifo(s.path("pipe").c_str(), 0600) == 0); // which nobody writes to
    CHECK(error_of("pipe").find("no regular file") != std::string::npos);
    faults::write(s.path("large"), std::string(1025, 'x'));
    REQUIRE(::chmod(s.path("large").c_str(), 0600) == 0);
    CHECK(error_of("large").find(s.path("large") + ": is too large for a key") !=
          std::string::npos);
    faults::write(s.path("large"), std::string(1024, 'x'));
    CHECK(sealing_key::from_file("k", s.path("large")).error() == errc::invalid_argument);
}

TEST_CASE("each key of a set has an id of its own") {
    auto const key = [](std::string id) {
        return sealing_key::make(std::move(id), secret(raw_bytes())).value();
    };
    sealing_keys keys(key("new"));
    REQUIRE(keys.add_older(key("old")).has_value());
    CHECK(keys.newest().id() == "new");
    CHECK(keys.find("old") != nullptr);
    CHECK(keys.find("ol") == nullptr);
    for (auto const* id : {"new", "old"})
        CHECK(keys.add_older(key(id)).error().details().explanation ==
              std::string("key id: ") + id + " is there already");
}

} // namespace sealing_key_tests
