#include <cloudflare/json/object_reader.hpp>

#include <doctest/doctest.h>

#include <cloudflare/json/document.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace cloudflare;

namespace json_object_reader_tests {
namespace {

struct sample {
    std::string id;
    std::optional<std::string> name;
    std::optional<std::int64_t> version;
    std::optional<bool> enabled;
    std::optional<timestamp> created_at;
    std::optional<token_duration> duration;
    std::optional<secret> client_secret;
};

result<sample> read(std::string_view json) {
    json_document const document(json);
    REQUIRE(document.is_valid());
    json_object_reader in(document.root());
    sample s;
    in.required("id", s.id);
    in.optional("name", s.name);
    in.optional("version", s.version);
    in.optional("enabled", s.enabled);
    in.optional("created_at", s.created_at);
    in.optional("duration", s.duration);
    in.optional("client_secret", s.client_secret);
    return in.finish(std::move(s));
}

} // namespace

TEST_CASE("all types of field are read") {
    auto const s = read(R"({"id":"1","name":"n","version":2,"enabled":false,"duration":"60m",)"
                        R"("created_at":"2025-09-25T22:26:26Z","client_secret":"broken-sample"})");
    REQUIRE(s.has_value());
    CHECK(s->id == "1");
    CHECK(s->name == "n");
    CHECK(s->version == 2);
    CHECK(s->enabled == false);
    CHECK(s->duration == token_duration::hours(1));
    CHECK(s->duration->str() == "60m");
    CHECK(s->created_at->to_string() == "2025-09-25T22:26:26Z");
    CHECK(s->client_secret == secret("broken-sample"));
}

TEST_CASE("an optional field that is absent, null or of another type counts as absent") {
    for (char const* json : {
             R"({"id":"1"})",
             R"({"id":"1","name":null,"version":null,"enabled":null,"created_at":null,)"
             R"("duration":null,"client_secret":null})",
             R"({"id":"1","name":7,"version":"2","enabled":"true","created_at":5,)"
             R"("duration":8760,"client_secret":["broken"]})",
             R"({"id":"1","name":{},"version":1.5,"enabled":0,"created_at":"yesterday",)"
             R"("duration":"1d","client_secret":{}})",
         }) {
        CAPTURE(json);
        auto const s = read(json);
        REQUIRE(s.has_value());
        CHECK(s->id == "1");
        CHECK_FALSE(s->name);
        CHECK_FALSE(s->version);
        CHECK_FALSE(s->enabled);
        CHECK_FALSE(s->created_at);
        CHECK_FALSE(s->duration);
        CHECK_FALSE(s->client_secret);
    }
}

TEST_CASE("a required field that is missing, null or of another type is named by the error") {
    for (char const* json : {"{}", R"({"id":null})", R"({"id":7})", R"({"ID":"1"})"}) {
        CAPTURE(json);
        auto const s = read(json);
        REQUIRE(s.has_error());
        CHECK(s.error() == errc::missing_field);
        CHECK(s.error().details().explanation == "result.id");
    }
}

TEST_CASE("of several missing fields the first is named") {
    json_document const document("{}");
    json_object_reader in(document.root());
    std::string a, b;
    in.required("first", a);
    in.required("second", b);
    CHECK(in.finish(0).error().details().explanation == "result.first");
}

TEST_CASE("a value that is no object is an error, not a crash") {
    for (char const* json : {"null", "[]", "\"text\"", "1"}) {
        CAPTURE(json);
        auto const s = read(json);
        REQUIRE(s.has_error());
        CHECK(s.error() == errc::missing_field);
    }
}

TEST_CASE("unknown fields are ignored") {
    auto const s = read(R"({"new":{"deep":[1,2]},"id":"1","other":null})");
    REQUIRE(s.has_value());
    CHECK(s->id == "1");
}

TEST_CASE("an integer is read from a whole double, and from nothing else") {
    struct row {
        char const* json;
        std::optional<std::int64_t> value;
    };
    for (auto const& [json, value] : {
             row{"1", 1},
             row{"1.0", 1},
             row{"2e3", 2000},
             row{"-3", -3},
             row{"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
             row{"9223372036854775808", std::nullopt},
             row{"18446744073709551615", std::nullopt},
             row{"1.5", std::nullopt},
             row{"1e300", std::nullopt},
             row{"-1e300", std::nullopt},
             row{"0e400", std::nullopt}, // not a number, as Boost.JSON 1.81 reads it
             row{"\"1\"", std::nullopt},
             row{"true", std::nullopt},
         }) {
        CAPTURE(json);
        auto const s = read(R"({"id":"1","version":)" + std::string(json) + "}");
        REQUIRE(s.has_value());
        CHECK(s->version == value);
    }
}

TEST_CASE("a secret that is empty or all asterisks counts as absent") {
    for (char const* masked : {"", "*", "****************"}) {
        CAPTURE(masked);
        auto const s = read(R"({"id":"1","client_secret":")" + std::string(masked) + "\"}");
        REQUIRE(s.has_value());
        CHECK_FALSE(s->client_secret);
    }
    CHECK(read(R"({"id":"1","client_secret":"***x"})")->client_secret == secret("***x"));
}

TEST_CASE("a field of another type leaves what stood there") {
    json_document const document(R"({"on":"yes","count":"1","name":1,"whole":1.5})");
    auto const field = [&](std::string_view name) { return document.root().find(name); };
    bool on = true;
    std::int64_t count = 7, whole = 8;
    std::string name = "before";
    CHECK(!read_json(field("on"), on));
    CHECK(!read_json(field("count"), count));
    CHECK(!read_json(field("whole"), whole));
    CHECK(!read_json(field("name"), name));
    CHECK(on);
    CHECK(count == 7);
    CHECK(whole == 8);
    CHECK(name == "before");
}

namespace {

struct point {
    double x = 0;
    double y = 0;
    static result<point> from_json(json_value v) {
        json_object_reader in(v);
        point p;
        in.required("x", p.x);
        in.optional("y", p.y);
        return in.finish(p);
    }
};

struct shape {
    point center{};
    std::vector<point> corners{};
    std::vector<std::vector<int>> grid{};
    std::vector<std::string> tags{};
    std::optional<point> mark{};
    unsigned char level = 0;
    static result<shape> from_json(json_value v) {
        json_object_reader in(v);
        shape s;
        in.required("center", s.center);
        in.required("corners", s.corners);
        in.optional("grid", s.grid);
        in.optional("tags", s.tags);
        in.optional("mark", s.mark);
        in.optional("level", s.level);
        return in.finish(std::move(s));
    }
};

result<shape> read_shape(std::string_view text) {
    json_document const document(text);
    return shape::from_json(document.root());
}

} // namespace

TEST_CASE("nested objects, arrays, doubles and numbers of any width are read") {
    auto const s = read_shape(R"({"center":{"x":1.5,"y":-2},"corners":[{"x":1},{"x":2,"y":3e2}],)"
                              R"("grid":[[1,2],[],[3]],"tags":["a","b"],"mark":{"x":7},)"
                              R"("level":255})");
    REQUIRE(s.has_value());
    CHECK(s->center.x == 1.5);
    CHECK(s->center.y == -2);
    REQUIRE(s->corners.size() == 2);
    CHECK(s->corners[1].y == 300);
    CHECK(s->grid == std::vector<std::vector<int>>{{1, 2}, {}, {3}});
    CHECK(s->tags == std::vector<std::string>{"a", "b"});
    REQUIRE(s->mark.has_value());
    CHECK(s->mark->x == 7);
    CHECK(s->level == 255);
}

TEST_CASE("the place of what is missing is told, however deep it is") {
    struct row {
        char const* text;
        char const* explanation;
    };
    for (auto const& [text, explanation] : {
             row{R"({"corners":[]})", "result.center: must be an object"},
             row{R"({"center":{},"corners":[]})", "result.center.x"},
             row{R"({"center":{"x":"1"},"corners":[]})", "result.center.x"},
             row{R"({"center":{"x":1}})", "result.corners: must be an array"},
             row{R"({"center":{"x":1},"corners":{}})", "result.corners: must be an array"},
             row{R"({"center":{"x":1},"corners":[{"x":1},{"y":1}]})", "result.corners[1].x"},
             row{R"({"center":{"x":1},"corners":[{"x":1},7]})",
                 "result.corners[1]: must be an object"},
         }) {
        CAPTURE(text);
        auto const s = read_shape(text);
        REQUIRE(s.has_error());
        CHECK(s.error() == errc::missing_field);
        CHECK(s.error().details().explanation == explanation);
    }
}

TEST_CASE("an odd value in an optional array or object makes all of it absent") {
    auto const s = read_shape(R"({"center":{"x":1},"corners":[],"grid":[[1],["x"]],)"
                              R"("tags":["a",1],"mark":{"y":1},"level":256})");
    REQUIRE(s.has_value());
    CHECK(s->grid.empty());
    CHECK(s->tags.empty());
    CHECK_FALSE(s->mark);
    CHECK(s->level == 0);
    CHECK(read_shape(R"({"center":{"x":1},"corners":[],"level":-1})")->level == 0);
}

} // namespace json_object_reader_tests
