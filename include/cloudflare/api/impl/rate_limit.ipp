/// The definitions of `parse_rate_limit`.
#pragma once

#include <cloudflare/api/rate_limit.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <system_error>

namespace cloudflare::inline v0 {

namespace detail {

/// Consumes `list` up to the next `separator` that is not in a quoted string, and returns that
/// part.
[[nodiscard]] inline std::string_view take_item(std::string_view& list, char separator) noexcept {
    bool quoted = false;
    std::size_t end = 0;
    for (; end != list.size() && (quoted || list[end] != separator); ++end) {
        if (list[end] == '"') quoted = !quoted;
        if (quoted && list[end] == '\\' && end + 1 != list.size()) ++end;
    }
    auto const item = list.substr(0, end);
    list.remove_prefix((std::min)(list.size(), end + 1));
    return item;
}

[[nodiscard]] inline std::optional<std::int64_t> parameter_value(std::string_view parameter,
                                                                 std::string_view key) noexcept {
    parameter.remove_prefix((std::min)(parameter.size(), parameter.find_first_not_of(' ')));
    if (!parameter.starts_with(key)) return std::nullopt;
    parameter.remove_prefix(key.size());
    std::int64_t value = 0;
    auto const failed =
        std::from_chars(parameter.data(), parameter.data() + parameter.size(), value);
    parameter.remove_prefix(static_cast<std::size_t>(failed.ptr - parameter.data()));
    bool const whole = parameter.find_first_not_of(' ') == parameter.npos;
    return failed.ec == std::errc() && whole && value >= 0 ? std::optional(value) : std::nullopt;
}

} // namespace detail

CLOUDFLARE_DECL std::optional<rate_limit> parse_rate_limit(std::string_view list) noexcept {
    std::optional<rate_limit> least;
    while (!list.empty()) {
        auto item = detail::take_item(list, ',');
        std::optional<std::int64_t> remaining, resets;
        while (!item.empty()) {
            auto const parameter = detail::take_item(item, ';');
            if (auto const r = detail::parameter_value(parameter, "r=")) remaining = r;
            if (auto const t = detail::parameter_value(parameter, "t=")) resets = t;
        }
        if (!remaining || (least && least->remaining <= *remaining)) continue;
        auto const resets_in = std::chrono::seconds(resets.value_or(0));
        least = rate_limit{*remaining, (std::min)(resets_in, http::max_retry_after)};
    }
    return least;
}

CLOUDFLARE_DECL std::optional<rate_limit> parse_rate_limit(http::headers const& fields) {
    std::optional<rate_limit> least;
    for (auto const [name, value] : fields) {
        if (!http::same_name(name, "Ratelimit")) continue;
        auto const limit = parse_rate_limit(value);
        if (limit && (!least || limit->remaining < least->remaining)) least = limit;
    }
    return least;
}

} // namespace cloudflare::inline v0
