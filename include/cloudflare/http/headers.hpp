/// HTTP header fields: checked when set, found case-insensitively, printed without credentials.
#pragma once

#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/detail/same_name.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::http {

/// Whether a field of this name carries a credential, so that its value is never printed.
[[nodiscard]] constexpr bool is_sensitive(std::string_view name) noexcept {
    for (std::string_view sensitive : {"Authorization", "X-Auth-Key", "X-Auth-User-Service-Key",
                                       "CF-Access-Client-Secret", "Proxy-Authorization", "Cookie",
                                       "Set-Cookie", "CF-Access-Token", "Cf-Access-Jwt-Assertion"})
        if (same_name(name, sensitive)) return true;
    return false;
}

namespace detail {

inline constexpr std::string_view reserved_names[] = {
    "Host",       "Content-Length",   "Transfer-Encoding", "Connection",
    "Keep-Alive", "Proxy-Connection", "Upgrade",           "Expect",
    "TE",         "Trailer",          "Accept-Encoding"};

/// Whether a name is in a list of names of less than 32 characters. The length alone excludes most.
template <auto const& Names>
[[nodiscard]] constexpr bool is_one_of(std::string_view name) noexcept {
    constexpr std::uint32_t lengths = [] { // bit n: some name has n characters
        std::uint32_t bits = 0;
        for (std::string_view const n : Names)
            bits |= std::uint32_t{1} << n.size();
        return bits;
    }();
    if (name.size() >= 32 || (lengths >> name.size() & 1) == 0) return false;
    for (std::string_view const n : Names)
        if (same_name(n, name)) return true;
    return false;
}

} // namespace detail

/// Whether only the library or the transport may set a field of this name: the fields that frame
/// the message or control the connection, and `Accept-Encoding`, because no response is
/// decompressed.
[[nodiscard]] constexpr bool is_reserved(std::string_view name) noexcept {
    return detail::is_one_of<detail::reserved_names>(name);
}

namespace detail {

/// Which bytes may occur in a field's name (a token of RFC 9110, section 5.6.2) and in its value.
struct field_bytes {
    constexpr field_bytes() noexcept {
        for (int byte = 0; byte != 256; ++byte)
            in_value[byte] = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        for (char const c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "abcdefghijklmnopqrstuvwxyz!#$%&'*+-.^_`|~"))
            in_name[static_cast<unsigned char>(c)] = true;
    }
    bool in_name[256] = {};
    bool in_value[256] = {};
};
inline constexpr field_bytes allowed;

[[nodiscard]] constexpr bool all_in(bool const (&table)[256], std::string_view string) noexcept {
    return std::all_of(string.begin(), string.end(),
                       [&](char c) { return table[static_cast<unsigned char>(c)]; });
}

} // namespace detail

/// The fields of a message in order. They are stored in wire format, as one string
/// (`Name: value\r\n` ...): setting a field copies it once, and sending copies the whole string.
///
/// The memory is wiped before it is freed. Printing shows `[redacted]` in place of a credential.
class headers {
public:
    /// One field: views of the headers, valid until these change.
    struct field {
        std::string_view name;  ///< as it was added, in any case
        std::string_view value; ///< without white space at its ends
    };

    /// Iterates over the fields in their order. Adding or removing a field makes it invalid.
    class const_iterator {
    public:
        using iterator_concept = std::forward_iterator_tag;
        using iterator_category =
            std::input_iterator_tag; // C++17 demands a true reference for more
        using value_type = field;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = field;

        const_iterator() noexcept = default;
        /// At the first field of a block in wire format.
        explicit const_iterator(std::string_view rest) noexcept : rest_(rest) {}

        field operator*() const noexcept {
            auto const colon = rest_.find(':');
            return {rest_.substr(0, colon), rest_.substr(colon + 2, line_end() - colon - 2)};
        }
        const_iterator& operator++() noexcept {
            rest_.remove_prefix(line_end() + 2);
            return *this;
        }
        const_iterator operator++(int) noexcept {
            auto const before = *this;
            ++*this;
            return before;
        }
        /// The same place in the same headers.
        friend bool operator==(const_iterator const& a, const_iterator const& b) noexcept {
            return a.rest_.size() == b.rest_.size();
        }

    private:
        [[nodiscard]] std::size_t line_end() const noexcept { return rest_.find('\r'); }
        std::string_view rest_;
    };

    /// The first field.
    [[nodiscard]] const_iterator begin() const noexcept { return const_iterator(block_); }
    /// Behind the last field.
    [[nodiscard]] const_iterator end() const noexcept { return {}; }
    /// Whether there is no field.
    [[nodiscard]] bool empty() const noexcept { return block_.empty(); }

    /// Reserves space for `bytes` of fields, so that setting them allocates once.
    void reserve(std::size_t bytes) { block_.reserve(bytes); }

    /// Appends a field; fields of the same name are kept.
    ///
    /// @return `errc::invalid_argument`, and nothing is added, where the name is not a token of
    /// RFC 9110, or the value contains CR, LF, NUL or another control character, or begins or ends
    /// with white space
    [[nodiscard]] result<void> add(std::string_view name, std::string_view value) {
        if (auto const ok = check(name, value); !ok) return ok;
        append(block_, name, value);
        return {};
    }

    /// Appends a field unchecked. Precondition: `add` would accept it; otherwise these headers are
    /// corrupted.
    void add_unchecked(std::string_view name, std::string_view value) {
        append(block_, name, value);
    }

    /// Appends a field given as `Name: value\r\n`. Precondition: `add` would accept it.
    void add_line_unchecked(std::string_view line) { block_ += line; }

    /// Appends a field and removes the others of the same name. Both views may point into these
    /// headers. Errors as for `add`.
    [[nodiscard]] result<void> set(std::string_view name, std::string_view value) {
        if (auto const ok = check(name, value); !ok) return ok;
        wiped_string line; // a copy, because name and value may point into the block
        append(line, name, value);
        remove_all(std::string_view(line).substr(0, name.size()));
        block_ += line;
        return {};
    }

    /// Removes every field of this name, which may point into these headers.
    void remove(std::string_view name) { remove_all(std::string(name)); }

    /// Removes every field; the memory is wiped and kept.
    void clear() noexcept { wipe(block_); }

    /// The value of the first field of this name, or an empty string; valid until the next change.
    [[nodiscard]] std::string_view find(std::string_view name) const noexcept {
        for (auto const f : *this)
            if (same_name(f.name, name)) return f.value;
        return {};
    }

    /// Whether a field has this name, in any case.
    [[nodiscard]] bool contains(std::string_view name) const noexcept {
        return std::any_of(begin(), end(), [&](field f) { return same_name(f.name, name); });
    }

    /// All fields in wire format, without the empty line after them. Shows credentials.
    [[nodiscard]] std::string_view wire_format() const noexcept { return block_; }

    /// Prints a field a line, `[redacted]` in place of a credential.
    friend std::ostream& operator<<(std::ostream& out, headers const& h) {
        for (auto const f : h)
            out << f.name << ": " << (is_sensitive(f.name) ? "[redacted]" : redact(f.value, 400))
                << '\n';
        return out;
    }

private:
    [[nodiscard]] static result<void> check(std::string_view name, std::string_view value) {
        if (name.empty() || !detail::all_in(detail::allowed.in_name, name))
            return error(errc::invalid_argument, "header name: must be a token of RFC 9110");
        // The value may be a credential: the message names the field only.
        if (!detail::all_in(detail::allowed.in_value, value))
            return error(errc::invalid_argument, "header " + std::string(name) +
                                                     ": must hold no CR, LF, NUL or other control "
                                                     "character");
        auto const blank = [](char c) { return c == ' ' || c == '\t'; };
        if (!value.empty() && (blank(value.front()) || blank(value.back())))
            return error(errc::invalid_argument, "header " + std::string(name) +
                                                     ": must not begin or end with white space");
        return {};
    }

    /// @param name must not point into the block
    void remove_all(std::string_view name) noexcept {
        std::size_t begin = 0;
        while (begin != block_.size()) {
            auto const colon = block_.find(':', begin);
            auto const next = block_.find('\r', begin) + 2;
            if (same_name(std::string_view(block_).substr(begin, colon - begin), name)) {
                block_.erase(begin, next - begin);
            } else {
                begin = next;
            }
        }
    }

    /// Appends a line to `block`, which may hold `name` and `value` itself.
    static void append(wiped_string& block, std::string_view name, std::string_view value) {
        auto const size = block.size() + name.size() + value.size() + 4;
        wiped_string grown;
        bool const grows = size > block.capacity();
        if (grows) {
            grown.reserve((std::max)(size, 2 * block.capacity()));
            grown = block;
        }
        auto& target = grows ? grown : block;
        target.append(name).append(": ", 2).append(value).append("\r\n", 2);
        if (grows) block.swap(grown);
    }

    wiped_string block_;
};

} // namespace cloudflare::inline v0::http
