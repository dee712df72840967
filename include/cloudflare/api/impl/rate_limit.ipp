/// The definitions of `retry_after` and `parse_rate_limit`.
#pragma once

#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/http/date.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <system_error>

namespace cloudflare::inline v0 {

CLOUDFLARE_DECL std::optional<std::chrono::seconds>
retry_after(http::headers const& fields) noexcept {
    using namespace std::chrono;
    auto const text = fields.find("Retry-After");
    if (!text.empty() && text.find_first_not_of("0123456789") == text.npos) {
        std::uint32_t count = 0;
        auto const failed = std::from_chars(text.data(), text.data() + text.size(), count).ec;
        return failed == std::errc() ? seconds(count) : longest_retry_after;
    }
    auto const until = http::parse_date(text);
    if (!until) return std::nullopt;
    if (auto const now = http::parse_date(fields.find("Date")))
        return std::clamp(*until - *now, seconds(0), longest_retry_after);
    if (*until >= sys_days(year(2200) / 1 / 1)) return longest_retry_after;
    return std::nullopt;
}

namespace detail {

/// The part of `list` up to the next `separator` outside a quoted string, taken off its front.
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
        least = rate_limit{*remaining, (std::min)(resets_in, longest_retry_after)};
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
