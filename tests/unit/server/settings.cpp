#include <cloudflare/server/settings.hpp>

#include "../access/scratch.hpp"

#include <doctest/doctest.h>

#include <boost/describe/class.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace settings_tests {

using namespace cloudflare;
using server::whole_number;

struct rule {
    std::string identity;
    std::vector<whole_number<0, 9>> levels;
    std::filesystem::path file{"default"};
};
BOOST_DESCRIBE_STRUCT(rule, (), (identity, levels, file))

struct settings {
    std::string address = "127.0.0.1";
    whole_number<0, 65535> port{8443};
    bool is_fast = false;
    std::filesystem::path key, page{"page.html"}, root{"/srv"};
    rule first;
    std::vector<rule> rules;
};
BOOST_DESCRIBE_STRUCT(settings, (), (address, port, is_fast, key, page, root, first, rules))

namespace {

struct world {
    faults::scratch scratch;
    std::string file = scratch.path("config.json");

    result<settings> read(std::string const& json) const {
        std::ofstream(file) << json;
        return server::read_settings<settings>(file);
    }
    /// Why this is refused, without the file's name.
    std::string fault(std::string const& json) const {
        auto const r = read(json);
        REQUIRE_FALSE(r.has_value());
        CHECK(r.error() == errc::invalid_argument);
        auto const& why = r.error().details().explanation;
        REQUIRE(why.starts_with(file));
        return why.substr(file.size());
    }
};

TEST_CASE("what the file has is read, and what it has not keeps its default") {
    world const w;
    auto const s = w.read(R"({"port": 0, "is_fast": true, "first": {"identity": "a"},
        "rules": [{"identity": "b", "levels": [0, 9]}, {}]})")
                       .value();
    CHECK(s.address == "127.0.0.1");
    CHECK(s.port.value() == 0);
    CHECK(s.is_fast);
    CHECK(s.first.identity == "a");
    REQUIRE(s.rules.size() == 2);
    CHECK(s.rules[0].levels.at(1).value() == 9);
    CHECK(s.rules[1].identity.empty());
    CHECK(w.read("{}").value().port.value() == 8443);
}

TEST_CASE(
    "paths are seen from the file's directory, defaults too, unless they are absolute or empty") {
    world const w;
    auto const s = w.read(R"({"key": "keys/a", "first": {"file": "/etc/b"}})").value();
    CHECK(s.key == w.scratch.path("keys/a"));
    CHECK(s.page == w.scratch.path("page.html"));
    CHECK(s.root == "/srv");
    CHECK(s.first.file == "/etc/b");
    auto const plain = w.read(R"({"page": ""})").value();
    CHECK(plain.page.empty());
    CHECK(plain.key.empty());
    CHECK(plain.first.file == w.scratch.path("default"));
}

TEST_CASE("what is refused is named, with the rule") {
    world const w;
    CHECK(w.fault(R"({"address": 1})") == ": address: must be a string");
    CHECK(w.fault(R"({"address": null})") == ": address: must be a string");
    CHECK(w.fault(R"({"key": 1})") == ": key: must be a string");
    CHECK(w.fault(R"({"address": "a\u0000b"})") == ": address: must have no NUL");
    CHECK(w.fault(R"({"key": "\u0000"})") == ": key: must have no NUL");
    CHECK(w.fault(R"({"is_fast": 1})") == ": is_fast: must be true or false");
    for (auto const* const port : {"-1", "65536", "1.5", "\"1\"", "18446744073709551615"})
        CHECK(w.fault(R"({"port": )" + std::string(port) + "}") ==
              ": port: must be a whole number from 0 to 65535");
    CHECK(w.fault(R"({"rules": {}})") == ": rules: must be an array");
    CHECK(w.fault(R"({"rules": [{}, {"levels": [1, 10]}]})") ==
          ": rules[1].levels[1]: must be a whole number from 0 to 9");
    CHECK(w.fault(R"({"first": []})") == ": first: must be an object");
    CHECK(w.fault(R"({"first": {"name": "a"}})") == ": first.name: is no setting");
    CHECK(w.fault(R"({"Port": 1})") == ": Port: is no setting");
    CHECK(w.fault("[]") == ": must be an object");
}

TEST_CASE("what is no JSON is refused with its line, and what is no file too") {
    world const w;
    CHECK(w.fault("{\n\"port\": 1,\n\"key\" 2}").starts_with(":3: is not JSON: "));
    CHECK(w.fault("{\n").starts_with(":2: is not JSON: "));
    CHECK(w.fault("").starts_with(":1: is not JSON: "));
    CHECK(w.fault("{} {}").starts_with(":1: is not JSON: "));
    auto const none = server::read_settings<settings>("/no/such/file");
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().details().explanation == "/no/such/file: cannot be read");
}

TEST_CASE("a number becomes an integer of any type that can hold its bounds, and no other") {
    static_assert(std::convertible_to<whole_number<0, 255>, std::uint8_t>);
    static_assert(!std::convertible_to<whole_number<0, 256>, std::uint8_t>);
    static_assert(!std::convertible_to<whole_number<-1, 1>, std::uint64_t>);
    static_assert(std::convertible_to<whole_number<-1, 1>, std::int8_t>);
    std::uint16_t const port = whole_number<0, 65535>(8443);
    CHECK(port == 8443);
    CHECK(whole_number<3, 5>().value() == 3);
}

} // namespace
} // namespace settings_tests
