#include "printable.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace {

struct character {
    char32_t code = 0;
    std::size_t size = 1; // in bytes
    bool valid = false;   // else one byte that is not UTF-8
};

// The first character of a string that is not empty.
character decode(std::string_view text) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto const first = byte(0);
    if (first < 0x80) return {first, 1, true};
    std::size_t const size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
    char32_t code = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i != size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3FU);
    }
    bool const surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < smallest[size] || code > 0x10FFFF || surrogate) return {};
    return {code, size, true};
}

// Unicode's controls (Cc), format characters (Cf), line and paragraph separators (Zl, Zp), and what else has no width.
bool is_printable(char32_t c) {
    struct range {
        char32_t first, last;
    };
    static constexpr range hidden[] = {
        {0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},
        {0x0600, 0x0605},   {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},
        {0x0890, 0x0891},   {0x08E2, 0x08E2},   {0x115F, 0x1160},   {0x17B4, 0x17B5},
        {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
        {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
        {0xFFF0, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1345F},
        {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    for (auto const& r : hidden)
        if (c >= r.first && c <= r.last) return false;
    return (c & 0xFFFE) != 0xFFFE; // no characters
}

// Calls `hide` in place of what is not printable.
template <class Hide>
std::string replace_hidden(std::string_view text, Hide hide) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        auto const c = decode(text);
        if (c.valid && is_printable(c.code)) {
            shown.append(text.substr(0, c.size));
        } else {
            hide(shown, c.valid ? c.code : char32_t{0xFFFD});
        }
        text.remove_prefix(c.size);
    }
    return shown;
}

void append_escape(std::string& json, std::uint32_t unit) {
    constexpr std::string_view digits = "0123456789abcdef";
    json += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
        json += digits[unit >> shift & 15];
}

} // namespace

std::string printable(std::string_view text) {
    return replace_hidden(text, [](std::string& shown, char32_t) { shown += '?'; });
}

std::string printable_json(std::string_view json) {
    return replace_hidden(json, [](std::string& shown, char32_t c) {
        if (c < 0x10000) return append_escape(shown, c);
        append_escape(shown, 0xD800 + ((c - 0x10000) >> 10));
        append_escape(shown, 0xDC00 + ((c - 0x10000) & 0x3FF));
    });
}
