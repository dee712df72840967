/// A value in a parsed JSON text, read in place.
#pragma once

#include <cloudflare/core/config.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace cloudflare::inline v0 {

namespace detail {

enum class json_kind : unsigned char {
    null,
    boolean,
    integer,
    number,
    string,
    array,
    object
};

/// One value of a text. The elements of an array or object follow it directly, each followed by its
/// own.
struct json_node {
    union content {
        char const* string;
        std::int64_t integer;
        double number;
        bool boolean;
    };

    char const* key;        ///< for a member of an object
    content value;          ///< for all but null, arrays and objects
    std::uint32_t key_size; ///< bytes
    std::uint32_t size;     ///< bytes of a string; elements of an array or object
    std::uint32_t span;     ///< number of nodes of this value: itself and all that is nested in it
    json_kind kind;
};

} // namespace detail

/// A value in a `json_document`; JSON's null where there is none. A cheap handle: it and the
/// strings it returns are valid as long as both the document and the text that was parsed.
///
///     for (json_value const token : document.root().find("result"))
///         if (auto const id = token.find("id").if_string()) ...
class json_value {
public:
    class iterator;

    /// JSON's null.
    json_value() noexcept = default;
    /// Of a document.
    explicit json_value(detail::json_node const* node) noexcept : node_(node) {}

    /// Whether it is JSON's null, or absent.
    [[nodiscard]] bool is_null() const noexcept { return kind() == detail::json_kind::null; }
    /// Whether it is an array.
    [[nodiscard]] bool is_array() const noexcept { return kind() == detail::json_kind::array; }
    /// Whether it is an object.
    [[nodiscard]] bool is_object() const noexcept { return kind() == detail::json_kind::object; }

    /// The string; empty for another type.
    [[nodiscard]] std::optional<std::string_view> if_string() const noexcept {
        if (kind() != detail::json_kind::string) return std::nullopt;
        return std::string_view(node_->value.string, node_->size);
    }
    /// The boolean; empty for another type.
    [[nodiscard]] std::optional<bool> if_bool() const noexcept {
        if (kind() != detail::json_kind::boolean) return std::nullopt;
        return node_->value.boolean;
    }
    /// The integer, which may be written as `1`, `1.0` or `1e3`; empty for another type, for a
    /// fraction, and for what exceeds 64 bits.
    [[nodiscard]] std::optional<std::int64_t> if_integer() const noexcept {
        if (kind() == detail::json_kind::integer) return node_->value.integer;
        if (kind() != detail::json_kind::number) return std::nullopt;
        // Beyond 2^53 a double is no longer exact.
        auto const number = node_->value.number;
        if (std::trunc(number) != number || std::fabs(number) > 9e15) return std::nullopt;
        return static_cast<std::int64_t>(number);
    }
    /// The number, rounded to a double; empty for another type.
    [[nodiscard]] std::optional<double> if_number() const noexcept {
        if (kind() == detail::json_kind::integer) return static_cast<double>(node_->value.integer);
        if (kind() != detail::json_kind::number) return std::nullopt;
        return node_->value.number;
    }

    /// The elements of an array, or the members of an object, in the order of the text; none for
    /// another type.
    [[nodiscard]] iterator begin() const noexcept;
    /// Behind the last element or member.
    [[nodiscard]] iterator end() const noexcept;
    /// How many elements or members there are; 0 for another type.
    [[nodiscard]] std::size_t size() const noexcept {
        return is_array() || is_object() ? node_->size : 0;
    }

    /// The first member of that name; JSON's null where there is none, or where this is not an
    /// object.
    [[nodiscard]] json_value find(std::string_view key) const noexcept;

    /// The name of a member of an object; empty for another value.
    [[nodiscard]] std::string_view key() const noexcept {
        return node_ != nullptr ? std::string_view(node_->key, node_->key_size)
                                : std::string_view();
    }

private:
    [[nodiscard]] detail::json_kind kind() const noexcept {
        return node_ != nullptr ? node_->kind : detail::json_kind::null;
    }

    detail::json_node const* node_ = nullptr;
};

/// Iterates over the elements of an array or the members of an object.
class json_value::iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = json_value;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = json_value;

    iterator() noexcept = default;
    /// At a node of a document.
    explicit iterator(detail::json_node const* node) noexcept : node_(node) {}

    [[nodiscard]] json_value operator*() const noexcept { return json_value(node_); }
    iterator& operator++() noexcept {
        node_ += node_->span;
        return *this;
    }
    iterator operator++(int) noexcept {
        auto const before = *this;
        ++*this;
        return before;
    }
    /// The same node.
    friend bool operator==(iterator const&, iterator const&) noexcept = default;

private:
    detail::json_node const* node_ = nullptr;
};

inline json_value::iterator json_value::begin() const noexcept {
    return iterator(node_ != nullptr ? node_ + 1 : nullptr);
}
inline json_value::iterator json_value::end() const noexcept {
    return iterator(node_ != nullptr ? node_ + node_->span : nullptr);
}

inline json_value json_value::find(std::string_view key) const noexcept {
    if (is_object())
        for (json_value const member : *this)
            if (member.key() == key) return member;
    return json_value();
}

} // namespace cloudflare::inline v0
