/// Makes strings from outside safe to print: one line, no control characters, no credentials.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/detail/utf8.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cloudflare::inline v0 {

namespace detail {

[[nodiscard]] constexpr bool is_credential_character(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
}

/// A run of token characters with one of Cloudflare's prefixes.
[[nodiscard]] constexpr bool has_credential_prefix(std::string_view run) noexcept {
    for (std::string_view prefix : {"cfk_", "cfut_", "cfat_", "cfast_", "cfoat_"})
        if (run.find(prefix) != run.npos) return true;
    return false;
}

/// A run of token characters that may be a credential: by its prefix, or longer than a UUID (36).
/// The shortest credential without a prefix, an old global key, has 37.
[[nodiscard]] constexpr bool is_like_credential(std::string_view run) noexcept {
    return run.size() > 36 || has_credential_prefix(run);
}

/// Whether more than 36 hexadecimal digits follow one another anywhere in the run. (An old client
/// secret has 64, an old global key at least 37.)
[[nodiscard]] constexpr bool has_credential_digits(std::string_view run) noexcept {
    std::size_t digits = 0;
    for (char const c : run) {
        digits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? digits + 1 : 0;
        if (digits > 36) return true;
    }
    return false;
}

/// A run of token characters that cannot be a name or path: by its prefix or its digits.
[[nodiscard]] constexpr bool is_surely_credential(std::string_view run) noexcept {
    return has_credential_digits(run) || has_credential_prefix(run);
}

} // namespace detail

namespace detail {

/// What a non-ASCII character prints as: itself; `?` for a control character (U+0080 to U+009F), a
/// line or paragraph separator, and what changes the direction of the text around it.
[[nodiscard]] constexpr std::string_view printable(std::string_view character) noexcept {
    auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(character[at]); };
    unsigned const first = byte(0), second = byte(1);
    if (first == 0xC2 && second < 0xA0) return "?";
    if (first == 0xD8 && second == 0x9C) return "?"; // U+061C
    if (first != 0xE2) return character;
    unsigned const third = byte(2);
    bool const marks = second == 0x80 && (third == 0x8E || third == 0x8F ||  // U+200E, U+200F
                                          (third >= 0xA8 && third <= 0xAE)); // U+2028 to U+202E
    bool const isolates = second == 0x81 && third >= 0xA6 && third <= 0xA9;  // U+2066 to U+2069
    return marks || isolates ? "?" : character;
}

/// Moves the first character of `string` to `line`, in its printable form.
inline void append_printable(std::string& line, std::string_view& string) {
    auto const byte = static_cast<unsigned char>(string.front());
    auto const length = utf8_length(string);
    if (length > 1) {
        line += printable(string.substr(0, length));
    } else if (length == 0) {
        line += '?'; // not UTF-8: a terminal may take such a byte for a control character
    } else {
        line += byte < 0x20 || byte == 0x7f ? ' ' : string.front();
    }
    string.remove_prefix(length == 0 ? 1 : length);
}

/// `redact` with a predicate that says which runs are credentials.
template <class Predicate>
[[nodiscard]] std::string redact_if(std::string_view string, std::size_t limit,
                                    Predicate is_credential) {
    std::string line;
    while (!string.empty() && line.size() <= limit) {
        std::size_t size = 0;
        while (size != string.size() && is_credential_character(string[size]))
            ++size;
        auto const run = string.substr(0, size);
        line += is_credential(run) ? std::string_view("[redacted]") : run;
        string.remove_prefix(size);
        if (!string.empty()) append_printable(line, string);
    }
    if (line.size() <= limit) return line;
    auto const continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80;
    };
    while (limit != 0 && continues(limit))
        --limit; // do not cut within a character
    line.resize(limit);
    return line += "...";
}

/// `redact` for the library's own messages, which may contain long names and paths.
[[nodiscard]] inline std::string redact_own(std::string_view string, std::size_t limit) {
    return redact_if(string, limit, is_surely_credential);
}

} // namespace detail

/// `string` in one line of at most `limit` bytes. ASCII control characters become spaces, a run of
/// characters that may be a credential becomes `[redacted]`, and `...` marks where it was cut.
/// Other characters in UTF-8 are kept; control characters among them, characters that change the
/// direction of text, and bytes that are not UTF-8 become `?`.
///
/// Source of the forms of credentials:
/// developers.cloudflare.com/fundamentals/api/get-started/token-formats.
[[nodiscard]] inline std::string redact(std::string_view string, std::size_t limit = 200) {
    return detail::redact_if(string, limit, detail::is_like_credential);
}

} // namespace cloudflare::inline v0
