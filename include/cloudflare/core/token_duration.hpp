/// How long a service token is valid: Go's duration grammar, or `forever`.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/result.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A duration that is compared by value and keeps its text: `60m` equals `1h`, and each is sent as
/// it was written, because the API gives back what it was sent.
///
/// Always positive; at most 2^63-1 nanoseconds, about 292 years, as in Go.
class token_duration {
public:
    /// Reads a duration such as `8760h`, `2h45m`, `1.5h` or `300ms` (units ns, us, µs, ms, s, m,
    /// h), or `forever`.
    ///
    /// @return the duration, or `errc::invalid_argument` that names the rule.
    [[nodiscard]] static result<token_duration> parse(std::string_view text);

    /// `count` hours, written as such.
    /// @pre count is from 1 to 2562047 (292 years); what is outside is taken to the nearer end.
    [[nodiscard]] static token_duration hours(std::int64_t count) {
        constexpr auto most =
            std::chrono::floor<std::chrono::hours>(std::chrono::nanoseconds::max());
        if (count < 1) count = 1;
        if (count > most.count()) count = most.count();
        return {std::chrono::hours(count), std::to_string(count) + 'h'};
    }

    /// A token that does not expire.
    [[nodiscard]] static token_duration forever() { return {std::nullopt, "forever"}; }

    [[nodiscard]] bool is_forever() const noexcept { return !value_; }

    /// The length; nothing for `forever`.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> value() const noexcept { return value_; }

    /// The text as it was given, which is what is sent.
    [[nodiscard]] std::string const& text() const noexcept { return text_; }

    friend bool operator==(token_duration const& a, token_duration const& b) noexcept {
        return a.value_ == b.value_;
    }
    /// `forever` is longer than every other.
    friend std::strong_ordering operator<=>(token_duration const& a,
                                            token_duration const& b) noexcept {
        if (a.is_forever() || b.is_forever()) return a.is_forever() <=> b.is_forever();
        return *a.value_ <=> *b.value_;
    }
    friend std::ostream& operator<<(std::ostream& out, token_duration const& d) {
        return out << d.text_;
    }

private:
    token_duration(std::optional<std::chrono::nanoseconds> value, std::string text)
        : value_(value), text_(std::move(text)) {}

    std::optional<std::chrono::nanoseconds> value_;
    std::string text_;
};

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/core/token_duration_impl.hpp>
#endif
