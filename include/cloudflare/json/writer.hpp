/// Writing the JSON of a request's body.
#pragma once

#include <cloudflare/core/detail/utf8.hpp> // is_utf8, the precondition of strings

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

/// Appends `string` as a JSON string. It must be UTF-8 (see `is_utf8`).
inline void append_json_string(std::string& json, std::string_view string) {
    constexpr std::string_view hex = "0123456789abcdef";
    auto const is_plain = [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    };
    json += '"';
    for (;;) {
        auto const plain = std::find_if_not(string.begin(), string.end(), is_plain);
        json.append(string.begin(), plain);
        if (plain == string.end()) break;
        auto const byte = static_cast<unsigned char>(*plain);
        if (byte >= 0x20) {
            (json += '\\') += *plain;
        } else {
            ((json += "\\u00") += hex[byte >> 4]) += hex[byte & 15];
        }
        string = {plain + 1, string.end()};
    }
    json += '"';
}

/// Appends a number in the shortest form that reads back as the same number; `null` for infinities
/// and NaN, which JSON does not have.
inline void append_json_number(std::string& json, std::floating_point auto number) {
    if (!std::isfinite(number)) {
        json += "null";
        return;
    }
    char digits[std::numeric_limits<long double>::max_digits10 + 16];
    json.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
concept string_like = std::convertible_to<T const&, std::string_view>;
template <class T>
concept has_append_to = requires(T const& value, std::string& json) { value.append_to(json); };
template <class T>
concept has_to_json = requires(T const& value) {
    { value.to_json() } -> has_append_to;
};
template <class T> // without <ranges>, which takes long to compile
concept iterable = requires(T const& value) {
    { std::begin(value) } -> std::input_iterator;
    std::end(value);
};

} // namespace detail

/// What can be written as a JSON value: a boolean, a number, a string in UTF-8 (see `is_utf8`),
/// `nullptr`, another writer, a class whose `to_json() const` returns a writer, and a range of any
/// of these.
template <class T>
concept json_writable = (std::is_arithmetic_v<T> && !detail::character<T>) ||
                        std::same_as<T, std::nullptr_t> || detail::string_like<T> ||
                        detail::has_append_to<T> || detail::has_to_json<T> || detail::iterable<T>;

namespace detail {

template <json_writable T>
void append_json(std::string& json, T const& value) {
    if constexpr (std::same_as<T, bool>) {
        json += value ? "true" : "false";
    } else if constexpr (std::same_as<T, std::nullptr_t>) {
        json += "null";
    } else if constexpr (std::integral<T>) {
        json += std::to_string(value);
    } else if constexpr (std::floating_point<T>) {
        append_json_number(json, value);
    } else if constexpr (string_like<T>) {
        append_json_string(json, value);
    } else if constexpr (has_append_to<T>) {
        value.append_to(json);
    } else if constexpr (has_to_json<T>) {
        value.to_json().append_to(json);
    } else {
        char separator = '[';
        for (auto const& element : value) {
            json += std::exchange(separator, ',');
            append_json<std::iter_value_t<decltype(std::begin(value))>>(json, element);
        }
        if (separator == '[') json += '[';
        json += ']';
    }
}

} // namespace detail

/// Writes a JSON object, member by member.
///
///     json_object_writer()
///         .add("type", "A")
///         .add("tags", tags) // a std::vector<std::string>
///         .add("settings", json_object_writer().add("flatten_cname", false));
class json_object_writer {
public:
    json_object_writer() { json_.reserve(192); }

    /// Adds a member. The key is escaped.
    template <json_writable T>
    json_object_writer& add(std::string_view key, T const& value) {
        json_ += json_.empty() ? '{' : ',';
        detail::append_json_string(json_, key);
        json_ += ':';
        detail::append_json(json_, value);
        return *this;
    }
    /// Leaves the member out where there is no value. (`nullptr` is written as null.)
    template <json_writable T>
    json_object_writer& add(std::string_view key, std::optional<T> const& value) {
        return value ? add(key, *value) : *this;
    }

    /// The object as JSON; the writer must not be used again.
    [[nodiscard]] std::string finish() { return std::move(json_ += json_.empty() ? "{}" : "}"); }
    /// Appends the object to `json`; the writer may be used further.
    void append_to(std::string& json) const { (json += json_) += json_.empty() ? "{}" : "}"; }

private:
    std::string json_;
};

/// Writes a JSON array, value by value: for values of different types, and for a body that is an
/// array.
class json_array_writer {
public:
    /// Adds an element.
    template <json_writable T>
    json_array_writer& add(T const& value) {
        json_ += json_.empty() ? '[' : ',';
        detail::append_json(json_, value);
        return *this;
    }

    /// The array as JSON; the writer must not be used again.
    [[nodiscard]] std::string finish() { return std::move(json_ += json_.empty() ? "[]" : "]"); }
    /// Appends the array to `json`; the writer may be used further.
    void append_to(std::string& json) const { (json += json_) += json_.empty() ? "[]" : "]"; }

private:
    std::string json_;
};

} // namespace cloudflare::inline v0
