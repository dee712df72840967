/// Reads all pages of a list, of any endpoint.
#pragma once

#include <cloudflare/api/call_options.hpp>
#include <cloudflare/api/operation.hpp>
#include <cloudflare/api/page.hpp>
#include <cloudflare/core/result.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

namespace detail {

template <class T>
concept has_id = requires(T const& item) {
    { item.id } -> std::convertible_to<std::string_view>;
};

/// The types of a list, from the function that makes its operations.
template <class MakePage>
struct listed {
    static_assert(std::invocable<MakePage&, std::int64_t>,
                  "make_page is called with the number of a page, a std::int64_t from 1");
    using operation_type = std::invoke_result_t<MakePage&, std::int64_t>;
    using result_type = typename checked_operation<operation_type>::result_type;
    static_assert(is_page<result_type>,
                  "make_page gives an operation whose result_type is cloudflare::page<...>");
    using item_type = typename decltype(result_type::items)::value_type;
    static_assert(has_id<item_type> || std::equality_comparable<item_type>,
                  "the items of a list need an id, or ==: a page that comes again ends the list");
};

/// Joins pages, and decides whether there is another one.
template <class T>
class page_collector {
public:
    /// @param per_page as requested; empty where it was left to the server
    explicit page_collector(std::optional<std::int64_t> per_page = std::nullopt) noexcept
        : cursor_(per_page) {}

    /// The page to request next, from 1; empty at the end of the list.
    [[nodiscard]] std::optional<std::int64_t> next_page() const noexcept { return cursor_.next(); }

    /// Adds the page that was requested.
    void add(page<T> one) {
        if (pages_++ == 0) total_count_ = one.info.total_count;
        if (one.info.total_count != total_count_) consistent_ = false;
        if (!cursor_.advance(one.items.size(), name_of_first(one.items), one.info)) {
            consistent_ = false;
            return;
        }
        for (auto& item : one.items) {
            if (is_new(item)) {
                items_.push_back(std::move(item));
            } else {
                consistent_ = false;
            }
        }
    }

    /// How many pages were added.
    [[nodiscard]] int pages() const noexcept { return pages_; }
    /// Whether the pages agree on `total_count`, no item came twice, and there are as many items as
    /// are counted; without a count, whether there was one page.
    [[nodiscard]] bool is_complete() const noexcept {
        auto const count = static_cast<std::int64_t>(items_.size());
        return consistent_ && (total_count_ ? *total_count_ == count : pages_ == 1);
    }
    [[nodiscard]] std::vector<T> take() { return std::move(items_); }

private:
    /// The id of a page's first item; for items without ids, a number that is the same for equal
    /// items that follow one another.
    [[nodiscard]] std::string name_of_first(std::vector<T> const& items) {
        if (items.empty()) return {};
        if constexpr (has_id<T>) {
            return std::string(std::string_view(items.front().id));
        } else {
            if (!first_ || !(*first_ == items.front())) ++firsts_;
            first_ = items.front();
            return std::to_string(firsts_);
        }
    }
    /// An item that was on the page before may have moved to this one meanwhile.
    [[nodiscard]] bool is_new(T const& item) {
        if constexpr (has_id<T>) {
            return ids_.insert(std::string(std::string_view(item.id))).second;
        } else {
            return true;
        }
    }

    page_cursor cursor_;
    std::vector<T> items_;
    std::optional<std::int64_t> total_count_;
    int pages_ = 0;
    bool consistent_ = true;
    std::unordered_set<std::string> ids_;
    std::optional<T> first_;
    int firsts_ = 0;
};

/// Reads all pages, and returns what `finish` makes of them; or the error of the first page that
/// failed.
template <class Client, class MakePage, class T, class Result>
typename Client::template task<result<Result>>
read_pages(Client client, MakePage make_page, call_options options, page_collector<T> all,
           Result (*finish)(page_collector<T>&)) {
    while (auto const number = all.next_page()) {
        auto pending = client.call(make_page(*number), options);
        auto response = co_await std::move(pending);
        if (!response) co_return response.error();
        all.add(std::move(*response));
    }
    co_return finish(all);
}

} // namespace detail

/// All items of a list, page by page from the first (see `page_cursor` for where it ends).
///
///     auto make_page = [zone](std::int64_t number) { return list_dns_records{zone, number}; };
///     auto pending = list_all(client, make_page);
///     auto const records = co_await std::move(pending);
///
/// Each page is a call of its own with its own deadline and retries. Items that are created or
/// deleted meanwhile may be missed; no item is returned twice, if items have an `id`.
///
/// @param client a `client<...>`
/// @param make_page returns the operation for the page of a number from 1; its `result_type` is
/// `page<T>`
/// @return all items; or the error of the first page that failed, and no items
///
/// Cancellation: as for `client::call`.
template <class Client, class MakePage>
[[nodiscard]]
typename Client::template task<result<std::vector<typename detail::listed<MakePage>::item_type>>>
list_all(Client client, MakePage make_page, call_options options = call_options()) {
    using pages = detail::page_collector<typename detail::listed<MakePage>::item_type>;
    return detail::read_pages(
        std::move(client), std::move(make_page), std::move(options), pages(),
        +[](pages& all) { return all.take(); });
}

} // namespace cloudflare::inline v0
