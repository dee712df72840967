#include <cloudflare/api/list_all.hpp>

#include <doctest/doctest.h>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace cloudflare;
using testing::scripted_transport;

namespace list_all_tests {
namespace {

struct record {
    std::string id{};
    static result<record> from_json(json_value v) {
        json_object_reader in(v);
        record r;
        in.required("id", r.id);
        return in.finish(std::move(r));
    }
};

/// Has no id, and is equal to others.
struct number {
    std::int64_t value = 0;
    static result<number> from_json(json_value v) {
        number n;
        if (!read_json(v, n.value)) return error(errc::missing_field, "result: must be a number");
        return n;
    }
    friend bool operator==(number, number) = default;
};

template <class Item>
struct list {
    using result_type = page<Item>;
    static constexpr std::string_view name = "list";
    static constexpr auto method = http::method::get;
    static constexpr auto idempotency = cloudflare::idempotency::safe;
    result<std::string> target() const { return "/records?page=" + std::to_string(page_number); }
    std::int64_t page_number;
};

template <class Item>
list<Item> page_of(std::int64_t page_number) {
    return {page_number};
}

std::string envelope(std::string_view items, std::string_view info = "") {
    return R"({"success":true,"result":[)" + std::string(items) + R"(],"result_info":{)" +
           std::string(info) + "}}";
}

client<scripted_transport> over(scripted_transport script) {
    return {std::move(script), *api_token::make("sample")};
}

std::string ids_of(std::vector<record> const& records) {
    std::string ids;
    for (auto const& r : records)
        ids += r.id;
    return ids;
}

} // namespace

TEST_CASE("a list is read to its last page, each page once") {
    scripted_transport script;
    script.respond(200, envelope(R"({"id":"a"},{"id":"b"})", R"("per_page":2,"total_pages":3)"))
        .respond(200, envelope(R"({"id":"c"},{"id":"d"})", R"("per_page":2,"total_pages":3)"))
        .respond(200, envelope(R"({"id":"e"})", R"("per_page":2,"total_pages":3)"));
    auto const all = list_all(over(script), page_of<record>).get();
    REQUIRE(all.has_value());
    CHECK(ids_of(*all) == "abcde");
    REQUIRE(script.requests().size() == 3);
    CHECK(script.requests()[2].target == "/client/v4/records?page=3");
}

TEST_CASE("a list without any information ends at an empty page") {
    scripted_transport script;
    script.respond(200, envelope(R"({"id":"a"})"))
        .respond(200, envelope(R"({"id":"b"})"))
        .respond(200, envelope(""));
    CHECK(ids_of(list_all(over(script), page_of<record>).get().value()) == "ab");
    CHECK(script.requests().size() == 3);
}

TEST_CASE("an endpoint that gives the same page for ever ends the list, with ids or without") {
    scripted_transport script;
    script.respond(200, envelope(R"({"id":"a"})")).respond(200, envelope(R"({"id":"a"})"));
    CHECK(ids_of(list_all(over(script), page_of<record>).get().value()) == "a");
    CHECK(script.requests().size() == 2);

    scripted_transport numbers;
    for (char const* items : {"1,1", "2", "2"})
        numbers.respond(200, envelope(items));
    auto const all = list_all(over(numbers), page_of<number>).get();
    REQUIRE(all.has_value());
    CHECK(*all == std::vector<number>{{1}, {1}, {2}});
    CHECK(numbers.requests().size() == 3);
}

TEST_CASE("an item that moved from one page to the next is given once") {
    scripted_transport script;
    script.respond(200, envelope(R"({"id":"a"},{"id":"b"})", R"("total_pages":2)"))
        .respond(200, envelope(R"({"id":"b"},{"id":"c"})", R"("total_pages":2)"));
    CHECK(ids_of(list_all(over(script), page_of<record>).get().value()) == "abc");
}

TEST_CASE("the error of any page is the list's") {
    scripted_transport script;
    script.respond(200, envelope(R"({"id":"a"})")).respond(200, envelope(R"({"name":"b"})"));
    auto const all = list_all(over(script), page_of<record>).get();
    REQUIRE(all.has_error());
    CHECK(all.error().details().explanation == "result[0].id");
    CHECK(all.error().details().operation == "list");
}

TEST_CASE("options of a call are those of each page") {
    scripted_transport script;
    script.respond(200, envelope(R"({"id":"a"})")).respond(200, envelope(""));
    CHECK(list_all(over(script), page_of<record>, call_options().header("X-A", "1"))
              .get()
              .has_value());
    for (auto const& r : script.requests())
        CHECK(r.fields.find("X-A") == "1");
}

TEST_CASE("pages are a complete list where they agree, repeat nothing and are as many as counted") {
    auto const page_with = [](std::vector<record> items, std::optional<std::int64_t> total_count) {
        page<record> p{.items = std::move(items), .info = {}};
        p.info.total_count = total_count;
        p.info.total_pages = 2;
        return p;
    };
    auto const is_complete = [](std::vector<page<record>> pages) {
        cloudflare::detail::page_collector<record> all;
        for (auto& p : pages)
            all.add(std::move(p));
        CHECK(all.pages() == static_cast<int>(pages.size()));
        return all.is_complete();
    };
    record const a{"a"}, b{"b"}, c{"c"};
    CHECK(is_complete({page_with({a, b}, 3), page_with({c}, 3)}));
    CHECK(is_complete({page_with({a, b}, std::nullopt)}));
    CHECK(is_complete({page_with({}, 0)}));
    CHECK_FALSE(is_complete({}));
    CHECK_FALSE(is_complete({page_with({a, b}, 3)}));
    CHECK_FALSE(is_complete({page_with({a, b}, 2), page_with({c}, 3)}));
    CHECK_FALSE(is_complete({page_with({a, b}, 3), page_with({b, c}, 3)}));
    CHECK_FALSE(is_complete({page_with({a, b}, 2), page_with({a, b}, 2)}));
    CHECK_FALSE(is_complete({page_with({a, b}, std::nullopt), page_with({c}, std::nullopt)}));
}

} // namespace list_all_tests
