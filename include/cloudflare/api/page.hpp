/// Lists that come in pages, and where they end.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0 {

/// What an envelope says about a list. Every field may be absent.
struct result_info {
    std::optional<std::int64_t> count;       ///< items on this page
    std::optional<std::int64_t> page;        ///< its number, from 1
    std::optional<std::int64_t> per_page;    ///< items that a full page has
    std::optional<std::int64_t> total_count; ///< items on all pages
    std::optional<std::int64_t> total_pages; ///< pages in all
};

/// One page of a list.
template <class T>
struct page {
    std::vector<T> items; ///< in the server's order
    result_info info;     ///< what the envelope says of the list
};

/// Decides whether there is a page after the one just read. Starts at page 1.
///
/// The rules, the most reliable first. The list ends at an empty page, and at a page that begins
/// with the same item as the one before it, because some endpoints ignore `page` and repeat one
/// page for ever (cloudflare-python #2584, typescript #2661). Otherwise it ends after `total_pages`
/// pages. Only where that is absent, it ends at a page that is not full: this is less reliable,
/// because a server that filters after paging, or caps `per_page` without saying so, has such pages
/// in between.
class page_cursor {
public:
    /// @param per_page as requested; empty where it was left to the server
    explicit page_cursor(std::optional<std::int64_t> per_page) noexcept : per_page_(per_page) {}

    /// The page to request next, from 1; empty at the end of the list.
    [[nodiscard]] std::optional<std::int64_t> next() const noexcept {
        return ended_ ? std::nullopt : std::optional(next_);
    }

    /// Records the page that was requested.
    ///
    /// @param size how many items it has
    /// @param first_id the id of its first item
    /// @return false where it repeats the page before it
    bool advance(std::size_t size, std::string_view first_id, result_info const& info) {
        bool const repeated = size != 0 && next_ > 1 && first_id == first_id_;
        ended_ = size == 0 || repeated || is_last(size, info);
        first_id_ = first_id;
        ++next_;
        return !repeated;
    }

private:
    [[nodiscard]] bool is_last(std::size_t size, result_info const& info) const noexcept {
        if (info.total_pages) return next_ >= *info.total_pages;
        auto const per_page = info.per_page ? info.per_page : per_page_;
        return per_page && static_cast<std::int64_t>(size) < *per_page;
    }

    std::optional<std::int64_t> per_page_;
    std::int64_t next_ = 1;
    bool ended_ = false;
    std::string first_id_;
};

} // namespace cloudflare::inline v0
