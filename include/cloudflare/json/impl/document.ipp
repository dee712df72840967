/// Parsing for `json_document`, by Boost.JSON's parser.
#pragma once

#include <cloudflare/json/document.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

/// Records what Boost.JSON's parser finds: a node for each value, in the order of the text.
class json_builder {
public:
    static constexpr auto max_array_size = (std::numeric_limits<std::size_t>::max)();
    static constexpr auto max_object_size = max_array_size;
    static constexpr auto max_string_size = max_array_size;
    static constexpr auto max_key_size = max_array_size;

    using failure = boost::system::error_code;
    using text_view = boost::json::string_view;

    json_builder(json_document& document, std::string_view text) noexcept
        : document_(document), text_(text) {}

    bool on_document_begin(failure&) noexcept { return true; }
    bool on_document_end(failure&) noexcept { return true; }

    bool on_object_begin(failure&) { return open(json_kind::object); }
    bool on_object_end(std::size_t size, failure&) noexcept { return close(size); }
    bool on_array_begin(failure&) { return open(json_kind::array); }
    bool on_array_end(std::size_t size, failure&) noexcept { return close(size); }

    bool on_key_part(text_view part, std::size_t, failure&) { return unescape(part); }
    bool on_key(text_view last, std::size_t size, failure&) {
        auto const key = whole(last, size);
        key_ = key.data();
        key_size_ = static_cast<std::uint32_t>(key.size());
        return true;
    }
    bool on_string_part(text_view part, std::size_t, failure&) { return unescape(part); }
    bool on_string(text_view last, std::size_t size, failure&) {
        auto const string = whole(last, size);
        auto& node = add(json_kind::string);
        node.value.string = string.data();
        node.size = static_cast<std::uint32_t>(string.size());
        return true;
    }

    bool on_number_part(text_view, failure&) noexcept { return true; }
    bool on_int64(std::int64_t number, text_view, failure&) {
        add(json_kind::integer).value.integer = number;
        return true;
    }
    bool on_uint64(std::uint64_t number, text_view, failure&) {
        add(json_kind::number).value.number = static_cast<double>(number);
        return true;
    }
    bool on_double(double number, text_view, failure&) {
        add(json_kind::number).value.number = number;
        return true;
    }
    bool on_bool(bool flag, failure&) {
        add(json_kind::boolean).value.boolean = flag;
        return true;
    }
    bool on_null(failure&) {
        add(json_kind::null);
        return true;
    }
    bool on_comment_part(text_view, failure&) noexcept { return true; }
    bool on_comment(text_view, failure&) noexcept { return true; }

private:
    json_node& add(json_kind kind) {
        if (size_ == capacity_) grow();
        auto& node = document_.nodes_[size_++];
        node.key = std::exchange(key_, nullptr);
        node.key_size = std::exchange(key_size_, 0);
        node.size = 0;
        node.span = 1;
        node.kind = kind;
        return node;
    }

    /// An array or object begins. Until it ends, its `span` is the index of the one around it.
    bool open(json_kind kind) {
        add(kind).span = open_;
        open_ = size_ - 1;
        return true;
    }
    bool close(std::size_t size) noexcept {
        auto const index = open_;
        auto& node = document_.nodes_[index];
        open_ = node.span;
        node.span = size_ - index;
        node.size = static_cast<std::uint32_t>(size);
        return true;
    }

    void grow() {
        auto const capacity = capacity_ * 4;
        auto larger = std::make_unique_for_overwrite<json_node[]>(capacity);
        std::copy_n(document_.nodes_, size_, larger.get());
        document_.more_ = std::move(larger);
        document_.nodes_ = document_.more_.get();
        capacity_ = capacity;
    }

    /// The complete string of `size` bytes, whose last part is `last`.
    [[nodiscard]] std::string_view whole(std::string_view last, std::size_t size) {
        if (size == last.size() && is_in_text(last)) return last;
        unescape(last);
        return std::string_view(document_.unescaped_).substr(document_.unescaped_.size() - size);
    }
    [[nodiscard]] bool is_in_text(std::string_view part) const noexcept {
        std::less_equal<> const at_most; // `<=` does not order pointers into different arrays
        return at_most(text_.data(), part.data()) &&
               at_most(part.data() + part.size(), text_.data() + text_.size());
    }
    bool unescape(std::string_view part) {
        // A string never grows by unescaping: the reserved memory suffices, and views stay valid.
        document_.unescaped_.reserve(text_.size());
        document_.unescaped_ += part;
        return true;
    }

    json_document& document_;
    std::string_view text_;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = json_document::inline_nodes;
    std::uint32_t open_ = 0;
    char const* key_ = nullptr;
    std::uint32_t key_size_ = 0;
};

} // namespace detail

CLOUDFLARE_DECL json_document::json_document(std::string_view text, json_limits limits) {
    // A text has at most as many values as bytes, so 32 bits can count them.
    limits.max_size =
        std::min<std::size_t>(limits.max_size, (std::numeric_limits<std::uint32_t>::max)());
    if (text.size() > limits.max_size) return;
    boost::json::parse_options options;
    options.max_depth = limits.max_depth;
    boost::json::basic_parser<detail::json_builder> parser(options, *this, text);
    boost::system::error_code failed;
    auto const read = parser.write_some(false, text.data(), text.size(), failed);
    valid_ = !failed && read == text.size();
}

} // namespace cloudflare::inline v0
