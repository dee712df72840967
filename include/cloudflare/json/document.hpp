/// A JSON text, parsed within limits. What it stores of the text is wiped.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cloudflare::inline v0 {

/// Limits of a JSON text; a text that exceeds one is invalid.
struct json_limits {
    std::size_t max_depth = 32;                           ///< of arrays and objects in each other
    std::size_t max_size = std::size_t{16} * 1024 * 1024; ///< in bytes, at most 2^32 - 1
};

namespace detail {
class json_builder;
}

/// A parsed JSON text. A response of typical size needs no heap memory. Strings are views into the
/// text; those with escapes are unescaped into a buffer that is wiped on destruction.
class json_document {
public:
    /// Parses `text`, which must outlive the document.
    explicit json_document(std::string_view text, json_limits limits = json_limits());
    template <class Allocator>
    explicit json_document(std::basic_string<char, std::char_traits<char>, Allocator>&& text,
                           json_limits limits = json_limits()) = delete;
    json_document(json_document const&) = delete;
    json_document& operator=(json_document const&) = delete;

    /// Whether the text is JSON, in UTF-8, and within the limits.
    [[nodiscard]] bool is_valid() const noexcept { return valid_; }

    /// The text's value, which refers to this document; JSON's null where the text is not valid.
    [[nodiscard]] json_value root() const noexcept {
        return valid_ ? json_value(nodes_) : json_value();
    }

private:
    friend class detail::json_builder;
    using node = detail::json_node;

    static constexpr std::uint32_t inline_nodes = 40; ///< enough for a response with one token
    node first_[inline_nodes];
    std::unique_ptr<node[]> more_;
    node* nodes_ = first_;
    wiped_string unescaped_; ///< reserved once for the text's size, which it never exceeds
    bool valid_ = false;
};

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/json/impl/document.ipp>
#endif
