#include <cloudflare/api/page.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace cloudflare;

namespace page_tests {
namespace {

result_info info(std::optional<std::int64_t> per_page, std::optional<std::int64_t> total_pages) {
    result_info i;
    i.per_page = per_page;
    i.total_pages = total_pages;
    return i;
}

} // namespace

TEST_CASE("a list begins with page 1") {
    CHECK(page_cursor(50).next() == 1);
    CHECK(page_cursor(std::nullopt).next() == 1);
}

TEST_CASE("a list ends at the last of total_pages, though the page is full") {
    page_cursor cursor(2);
    CHECK(cursor.advance(2, "a", info(2, 2)));
    CHECK(cursor.next() == 2);
    CHECK(cursor.advance(2, "c", info(2, 2)));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("a list ends where total_pages is less than the page asked for") {
    page_cursor cursor(2);
    CHECK(cursor.advance(2, "a", info(2, 0)));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("a list ends at an empty page, whatever total_pages says") {
    page_cursor cursor(2);
    CHECK(cursor.advance(2, "a", info(2, 100)));
    CHECK(cursor.next() == 2);
    cursor.advance(0, "", info(2, 100));
    CHECK(cursor.next() == std::nullopt);

    page_cursor nothing(std::nullopt);
    nothing.advance(0, "", result_info());
    CHECK(nothing.next() == std::nullopt);
}

TEST_CASE("a list ends at a page that is not full") {
    page_cursor cursor(2);
    CHECK(cursor.advance(1, "a", info(2, std::nullopt)));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("a list goes on while total_pages says so, though a page is not full") {
    page_cursor cursor(1000);
    CHECK(cursor.advance(100, "a", info(1000, 3)));
    CHECK(cursor.next() == 2);
    CHECK(cursor.advance(1, "b", info(1000, 3)));
    CHECK(cursor.next() == 3);
    CHECK(cursor.advance(1000, "c", info(1000, 3)));
    CHECK(cursor.next() == std::nullopt);

    page_cursor changing(2); // the server's own number may change from page to page
    CHECK(changing.advance(1, "a", info(std::nullopt, 2)));
    CHECK(changing.next() == 2);
    CHECK(changing.advance(1, "b", info(std::nullopt, 3)));
    CHECK(changing.next() == 3);
    CHECK(changing.advance(1, "c", info(2, std::nullopt)));
    CHECK(changing.next() == std::nullopt);
}

TEST_CASE("a repeated or an empty page ends the list, whatever total_pages says") {
    page_cursor cursor(1000);
    CHECK(cursor.advance(100, "a", info(1000, 9)));
    CHECK_FALSE(cursor.advance(100, "a", info(1000, 9)));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("without result_info a page is full by what was asked for") {
    page_cursor cursor(2);
    CHECK(cursor.advance(2, "a", result_info()));
    CHECK(cursor.next() == 2);
    CHECK(cursor.advance(1, "c", result_info()));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("a server that caps per_page has its own number believed") {
    page_cursor cursor(1000);
    CHECK(cursor.advance(50, "a", info(50, std::nullopt)));
    CHECK(cursor.next() == 2);
}

TEST_CASE("without any page size a page that has items may be followed by another") {
    page_cursor cursor(std::nullopt);
    CHECK(cursor.advance(7, "a", result_info()));
    CHECK(cursor.next() == 2);
}

TEST_CASE("a list ends at a page that begins like the one before it, and that page is not new") {
    page_cursor cursor(2);
    CHECK(cursor.advance(2, "a", result_info()));
    CHECK_FALSE(cursor.advance(2, "a", result_info()));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("a repeated page ends the list on a later page too") {
    page_cursor cursor(2);
    CHECK(cursor.advance(2, "a", info(2, 9)));
    CHECK(cursor.advance(2, "c", info(2, 9)));
    CHECK(cursor.next() == 3);
    CHECK_FALSE(cursor.advance(2, "c", info(2, 9)));
    CHECK(cursor.next() == std::nullopt);
}

TEST_CASE("the first page is new though its first id is empty") {
    page_cursor cursor(1);
    CHECK(cursor.advance(1, "", result_info()));
    CHECK(cursor.next() == 2);
}

TEST_CASE("a page of one item that comes again ends the list") {
    page_cursor list(1);
    CHECK(list.advance(1, "a", {}));
    CHECK(list.next() == 2);
    CHECK(!list.advance(1, "a", {}));
    CHECK(!list.next());
}

} // namespace page_tests
