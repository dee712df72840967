/// A text that nobody sees unless they ask for it by name.
#pragma once

#include <cloudflare/core/wipe.hpp>

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A secret: wiped when it dies or is moved from, printed as `[redacted]`, compared in constant
/// time, and readable only through `reveal()`.
///
/// It converts to nothing, so that no logger, formatter or serialiser takes it by accident.
class secret {
public:
    secret() noexcept = default;

    /// Copies `text`; the caller's copy stays the caller's to wipe (see `take`).
    explicit secret(std::string_view text)
        : text_(text.empty() ? nullptr : new char[text.size()]), size_(text.size()) {
        text.copy(text_.get(), size_);
    }

    /// Takes the text out of `text`, which is wiped and left empty.
    template <class Allocator>
    [[nodiscard]] static secret
    take(std::basic_string<char, std::char_traits<char>, Allocator>& text) {
        secret taken{std::string_view(text)};
        wipe(text);
        return taken;
    }

    secret(secret const& other) : secret(other.reveal()) {}
    secret(secret&& other) noexcept
        : text_(std::move(other.text_)), size_(std::exchange(other.size_, 0)) {}
    secret& operator=(secret other) noexcept {
        std::swap(text_, other.text_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~secret() { wipe(text_.get(), size_); }

    /// The text itself, valid while this secret lives and is not assigned to.
    [[nodiscard]] std::string_view reveal() const noexcept { return {text_.get(), size_}; }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Equality in a time that depends on the lengths only, never on the texts.
    friend bool operator==(secret const& a, secret const& b) noexcept {
        if (a.size_ != b.size_) return false;
        unsigned char difference = 0;
        for (std::size_t i = 0; i != a.size_; ++i)
            difference |= static_cast<unsigned char>(a.text_[i] ^ b.text_[i]);
        return difference == 0;
    }

    friend std::ostream& operator<<(std::ostream& out, secret const&) {
        return out << "[redacted]";
    }

private:
    std::unique_ptr<char[]> text_;
    std::size_t size_ = 0;
};

} // namespace cloudflare::inline v0
