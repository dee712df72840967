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
    [[nodiscard]] std::optional<std::int64_t> next_page() const noexcept { return cursor_.next(); }

    void add(page<T> one) {
        if (!cursor_.advance(one.items.size(), name_of_first(one.items), one.info)) return;
        for (auto& item : one.items)
            if (is_new(item)) items_.push_back(std::move(item));
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

    page_cursor cursor_{std::nullopt};
    std::vector<T> items_;
    std::unordered_set<std::string> ids_;
    std::optional<T> first_;
    int firsts_ = 0;
};

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
    detail::page_collector<typename detail::listed<MakePage>::item_type> all;
    while (auto const number = all.next_page()) {
        auto pending = client.call(make_page(*number), options);
        auto response = co_await std::move(pending);
        if (!response) co_return response.error();
        all.add(std::move(*response));
    }
    co_return all.take();
}

} // namespace cloudflare::inline v0
