/// Reading JSON: a bounded document whose memory is wiped, and a reader of its objects.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/core/wipe.hpp>

#include <boost/json/array.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// How large a JSON text the library reads.
struct json_limits {
    std::size_t max_depth = 32;
    std::size_t max_size = std::size_t{16} * 1024 * 1024; ///< bytes of text
};

namespace detail {

/// Memory that only grows, and is wiped as far as it was used when the arena ends. The first bytes
/// lie in the arena itself, further ones in blocks on the heap.
class wiping_arena final : public boost::json::memory_resource {
public:
    wiping_arena() noexcept : next_(first_), end_(first_ + sizeof first_) {}
    wiping_arena(wiping_arena const&) = delete;
    wiping_arena& operator=(wiping_arena const&) = delete;
    ~wiping_arena() {
        while (block_ != nullptr) {
            wipe(block_ + 1, static_cast<std::size_t>(next_ - begin(block_)));
            auto* const before = block_->before;
            next_ = block_->next_before;
            ::operator delete(std::exchange(block_, before));
        }
        wipe(first_, static_cast<std::size_t>(next_ - first_));
    }

private:
    struct alignas(std::max_align_t) block {
        block* before;
        unsigned char* next_before; ///< how far the block before was used
    };
    static unsigned char* begin(block* b) noexcept {
        return reinterpret_cast<unsigned char*>(b + 1);
    }

    void* do_allocate(std::size_t size, std::size_t alignment) override {
        auto const padding = (0 - reinterpret_cast<std::uintptr_t>(next_)) & (alignment - 1);
        if (static_cast<std::size_t>(end_ - next_) < padding + size) {
            add_block(size);
            return std::exchange(next_, next_ + size);
        }
        next_ += padding;
        return std::exchange(next_, next_ + size);
    }
    void do_deallocate(void*, std::size_t, std::size_t) noexcept override {}
    bool do_is_equal(memory_resource const& other) const noexcept override {
        return this == &other;
    }

    /// Each block is twice as large as the one before.
    void add_block(std::size_t at_least) {
        block_size_ = std::max(2 * block_size_, at_least);
        block_ = new (::operator new(sizeof(block) + block_size_)) block{block_, next_};
        next_ = begin(block_);
        end_ = next_ + block_size_;
    }

    alignas(std::max_align_t) unsigned char first_[4096];
    unsigned char* next_;
    unsigned char* end_;
    block* block_ = nullptr;
    std::size_t block_size_ = sizeof first_;
};

} // namespace detail

} // namespace cloudflare::inline v0

/// What lies in the arena need not be given back piece by piece.
template <>
struct boost::json::is_deallocate_trivial<cloudflare::detail::wiping_arena> {
    static constexpr bool value = true;
};

namespace cloudflare::inline v0 {

/// A parsed JSON text. Answers of usual size need no heap; all memory is wiped at the end.
class json_document {
public:
    /// Parses `text`; `root()` gives null where it is not JSON or exceeds `limits`.
    explicit json_document(std::string_view text, json_limits limits = json_limits()) {
        if (text.size() > limits.max_size) return;
        boost::json::parse_options options;
        options.max_depth = limits.max_depth;
        boost::json::parser parser(&arena_, options, scratch_, sizeof scratch_);
        parser.reset(&arena_);
        boost::system::error_code failed;
        parser.write(text.data(), text.size(), failed);
        if (!failed) root_.emplace(parser.release());
    }
    json_document(json_document const&) = delete;
    json_document& operator=(json_document const&) = delete;
    ~json_document() { wipe(scratch_, sizeof scratch_); }

    /// The value, valid while the document lives; null where there is none.
    [[nodiscard]] boost::json::value const* root() const noexcept {
        return root_ ? &*root_ : nullptr;
    }

private:
    detail::wiping_arena arena_;
    unsigned char scratch_[1024];
    std::optional<boost::json::value> root_;
};

/// The member of `object` named `key`; null where it is absent or JSON's null.
[[nodiscard]] inline boost::json::value const* find_member(boost::json::object const& object,
                                                           std::string_view key) noexcept {
    // Not `if_contains`, which is not inlined: the API's objects have few members.
    for (auto const& member : object)
        if (member.key().size() == key.size() && member.key() == key)
            return member.value().is_null() ? nullptr : &member.value();
    return nullptr;
}

// Each overload gives false, and leaves `out` alone, where the value is not of that type.

[[nodiscard]] inline bool read_json(boost::json::value const& v, std::string& out) {
    auto const* text = v.if_string();
    if (text != nullptr) out.assign(text->data(), text->size());
    return text != nullptr;
}
[[nodiscard]] inline bool read_json(boost::json::value const& v, bool& out) noexcept {
    auto const* flag = v.if_bool();
    if (flag != nullptr) out = *flag;
    return flag != nullptr;
}
/// Integers, and doubles that are whole: the API's document calls its integers `number`.
[[nodiscard]] inline bool read_json(boost::json::value const& v, std::int64_t& out) noexcept {
    if (auto const* integer = v.if_int64()) {
        out = *integer;
        return true;
    }
    auto const* number = v.if_double();
    if (number == nullptr || std::trunc(*number) != *number || std::fabs(*number) > 9e15)
        return false;
    out = static_cast<std::int64_t>(*number);
    return true;
}
[[nodiscard]] inline bool read_json(boost::json::value const& v, timestamp& out) {
    auto const* text = v.if_string();
    auto const parsed = text != nullptr ? timestamp::parse({text->data(), text->size()})
                                        : result<timestamp>(error(errc::invalid_argument));
    if (parsed) out = *parsed;
    return parsed.has_value();
}
[[nodiscard]] inline bool read_json(boost::json::value const& v,
                                    std::optional<token_duration>& out) {
    auto const* text = v.if_string();
    if (text == nullptr) return false;
    auto parsed = token_duration::parse({text->data(), text->size()});
    if (parsed) out = std::move(*parsed);
    return parsed.has_value();
}
/// A secret that comes back as asterisks is masked, which is as good as absent.
[[nodiscard]] inline bool read_json(boost::json::value const& v, secret& out) {
    auto const* text = v.if_string();
    if (text == nullptr || text->find_first_not_of('*') == boost::json::string::npos) return false;
    out = secret({text->data(), text->size()});
    return true;
}

/// Reads the members of one object, and remembers the first required one that is missing.
///
///     json_object_reader in(value);
///     in.required("id", token.id);
///     in.optional("name", token.name);
///     return in.finish(std::move(token));
///
/// Unknown members are passed over. An optional member of another type than expected counts as
/// absent: an oddity in a field that the caller may not even want must not cost a client secret.
class json_object_reader {
public:
    explicit json_object_reader(boost::json::value const& value) noexcept
        : object_(value.if_object()) {}

    template <class T>
    void required(std::string_view key, T& out) {
        auto const* member = find(key);
        if ((member == nullptr || !read_json(*member, out)) && missing_.empty()) missing_ = key;
    }

    template <class T>
    void optional(std::string_view key, T& out) {
        if (auto const* member = find(key)) static_cast<void>(read_json(*member, out));
    }

    template <class T>
        requires std::default_initializable<T>
    void optional(std::string_view key, std::optional<T>& out) {
        T value{};
        if (auto const* member = find(key); member != nullptr && read_json(*member, value))
            out = std::move(value);
    }

    /// `value`, or `errc::missing_field` that names the first required member not found.
    template <class T>
    [[nodiscard]] result<T> finish(T value) const {
        if (object_ == nullptr) return error(errc::missing_field, "result: must be an object");
        if (!missing_.empty()) return error(errc::missing_field, "result." + std::string(missing_));
        return value;
    }

private:
    [[nodiscard]] boost::json::value const* find(std::string_view key) const noexcept {
        return object_ != nullptr ? find_member(*object_, key) : nullptr;
    }

    boost::json::object const* object_;
    std::string_view missing_;
};

} // namespace cloudflare::inline v0
