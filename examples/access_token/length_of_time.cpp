#include "length_of_time.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace {

// Hours of a unit that the API does not know; 0 for any other.
std::int64_t hours_of(std::string_view unit) {
    if (unit == "d" || unit == "day" || unit == "days") return 24;
    if (unit == "w" || unit == "week" || unit == "weeks") return 7 * 24;
    if (unit == "y" || unit == "year" || unit == "years") return 365 * 24;
    return 0;
}

} // namespace

std::string in_hours(std::string_view written) {
    constexpr std::int64_t most = 1'000'000; // of a unit: more is refused by the API
    std::int64_t hours = 0;
    bool is_long = false;
    std::string rest;
    if (written.find('.') != written.npos) return std::string(written);
    for (auto left = written; !left.empty();) {
        std::int64_t count = 0;
        auto const [end, failed] = std::from_chars(left.data(), left.data() + left.size(), count);
        auto const digits = static_cast<std::size_t>(end - left.data());
        auto const after = left.substr(digits);
        auto const unit = after.substr(0, after.find_first_of("0123456789"));
        auto const length = hours_of(unit);
        bool const is_whole = failed == std::errc() && count >= 0 && count <= most;
        if (is_whole && length != 0) {
            is_long = true;
            hours += count * length;
        } else if (is_whole && unit == "h" && is_long) {
            hours += count;
        } else {
            if (!is_whole || unit.empty()) return std::string(written);
            rest.append(left.substr(0, digits + unit.size()));
        }
        left.remove_prefix(digits + unit.size());
    }
    if (!is_long) return std::string(written);
    if (hours == 0) return rest.empty() ? "0s" : rest;
    return std::to_string(hours) + 'h' + rest;
}
