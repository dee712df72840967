/// An SQL statement with its values, and the reply to it.
#pragma once

#include <cloudflare/core/detail/utf8.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail::postgres {

/// A statement whose `$1`, `$2` ... stand for values, which must not contain a NUL byte.
struct statement {
    explicit statement(std::string text) : sql(std::move(text)) {}

    statement& value(std::string_view text) {
        values.emplace_back(text);
        return *this;
    }
    statement& value(std::int64_t number) { return value(std::to_string(number)); }
    statement& writing() {
        writes = true;
        return *this;
    }

    std::string sql;
    std::vector<wiped_string> values{}; // one of them may be a secret
    bool writes = false; ///< if its connection is lost, it matters whether it was committed
};

/// A row: a value for each column, as text.
using row = std::vector<wiped_string>;

/// The reply to a statement.
struct reply {
    std::vector<row> rows{};
    std::int64_t affected = 0; ///< rows that were inserted, updated, deleted or selected
};

/// Strings must be UTF-8 without NUL, which PostgreSQL's type `text` cannot hold.
[[nodiscard]] inline result<void> check_string(std::string_view field, std::string_view string) {
    if (string.find('\0') == string.npos && is_utf8(string)) return {};
    return error(errc::invalid_argument, std::string(field) + ": must be UTF-8 without a NUL byte");
}

[[nodiscard]] inline std::string_view string_at(row const& r, std::size_t column) noexcept {
    return column < r.size() ? std::string_view(r[column]) : std::string_view();
}

/// @return zero if the column is no number
[[nodiscard]] inline std::int64_t number_at(row const& r, std::size_t column) noexcept {
    auto const string = string_at(r, column);
    std::int64_t number = 0;
    auto const* const end = string.data() + string.size();
    auto const read = std::from_chars(string.data(), end, number);
    return read.ec == std::errc() && read.ptr == end ? number : 0;
}

} // namespace cloudflare::inline v0::access::detail::postgres
