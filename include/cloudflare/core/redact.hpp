/// Text from outside made fit to print: one line, no control characters, nothing like a credential.
#pragma once

#include <cloudflare/core/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cloudflare::inline v0 {

namespace detail {

[[nodiscard]] constexpr bool is_credential_character(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
}

/// A run of token characters that may be a credential: Cloudflare's prefixes, and whatever is
/// longer than a UUID (36). The shortest credential without a prefix, an old global key, has 37.
[[nodiscard]] constexpr bool is_like_credential(std::string_view run) noexcept {
    for (std::string_view prefix : {"cfk_", "cfut_", "cfat_", "cfast_", "cfoat_"})
        if (run.find(prefix) != run.npos) return true;
    return run.size() > 36;
}

} // namespace detail

/// `text` in one line of at most `limit` bytes: control characters become spaces, a run of
/// characters that may be a credential becomes `[redacted]`, and a cut is marked by `...`. Bytes of
/// UTF-8 beyond ASCII stay.
///
/// Source of the credentials' forms:
/// developers.cloudflare.com/fundamentals/api/get-started/token-formats.
[[nodiscard]] inline std::string redact(std::string_view text, std::size_t limit = 200) {
    std::string line;
    for (std::size_t i = 0; i != text.size() && line.size() <= limit;) {
        std::size_t end = i;
        while (end != text.size() && detail::is_credential_character(text[end]))
            ++end;
        auto const run = text.substr(i, end - i);
        line += detail::is_like_credential(run) ? "[redacted]" : run;
        i = end;
        if (i == text.size()) break;
        auto const byte = static_cast<unsigned char>(text[i++]);
        line += byte < 0x20 || byte == 0x7f ? ' ' : static_cast<char>(byte);
    }
    if (line.size() <= limit) return line;
    auto const continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80;
    };
    while (limit != 0 && continues(limit))
        --limit; // not in the middle of a character
    line.resize(limit);
    return line += "...";
}

} // namespace cloudflare::inline v0
