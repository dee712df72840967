/// A string that is readable only through `reveal()`.
#pragma once

#include <cloudflare/core/wipe.hpp>

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A secret: wiped on destruction and when moved from, printed as `[redacted]`, compared in
/// constant time, and readable only through `reveal()`.
///
/// It has no conversions, so that no logger, formatter or serializer takes it by accident.
class secret {
public:
    secret() noexcept = default;

    /// Copies `string`, which is not wiped (see `take`).
    explicit secret(std::string_view string)
        : data_(string.empty() ? nullptr : new char[string.size()]), size_(string.size()) {
        string.copy(data_.get(), size_);
    }

    /// Moves the contents out of `string`, which is wiped and left empty.
    template <class Allocator>
    [[nodiscard]] static secret
    take(std::basic_string<char, std::char_traits<char>, Allocator>& string) {
        secret taken{std::string_view(string)};
        wipe(string);
        return taken;
    }

    /// A copy of its own, wiped on its own.
    secret(secret const& other) : secret(other.reveal()) {}
    /// Leaves `other` empty.
    secret(secret&& other) noexcept
        : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
    /// Wipes what was held.
    secret& operator=(secret other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~secret() { wipe(data_.get(), size_); }

    /// The contents. The view is valid until this object is assigned to, moved from or destroyed.
    [[nodiscard]] std::string_view reveal() const noexcept { return {data_.get(), size_}; }

    /// Whether there is none: a moved-from secret is empty.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// In bytes.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Takes the same time wherever two secrets of one length differ.
    friend bool operator==(secret const& a, secret const& b) noexcept {
        if (a.size_ != b.size_) return false;
        unsigned char difference = 0;
        for (std::size_t i = 0; i != a.size_; ++i)
            difference |= static_cast<unsigned char>(a.data_[i] ^ b.data_[i]);
        return difference == 0;
    }

    /// Prints `[redacted]`.
    friend std::ostream& operator<<(std::ostream& out, secret const&) {
        return out << "[redacted]";
    }

private:
    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
};

} // namespace cloudflare::inline v0
