#include "table.hpp"

#include "printable.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace {

// Characters, each as wide as any: bytes that do not continue one.
std::size_t width(std::string_view string) {
    return static_cast<std::size_t>(std::count_if(string.begin(), string.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::string line(std::vector<std::string> const& cells, std::vector<std::size_t> const& widths) {
    std::string text;
    for (std::size_t i = 0; i != cells.size(); ++i) {
        text += cells[i];
        if (i + 1 != cells.size()) text.append(widths[i] - width(cells[i]) + 2, ' ');
    }
    return text;
}

} // namespace

std::string table::str(bool colours) const {
    auto shown = rows;
    std::vector<std::size_t> widths;
    for (auto const& title : header)
        widths.push_back(width(title));
    for (auto& row : shown)
        for (std::size_t i = 0; i != row.size(); ++i) {
            row[i] = row[i].empty() ? "-" : printable(row[i]);
            widths[i] = std::max(widths[i], width(row[i]));
        }
    auto text = line(header, widths);
    if (colours) text = "\x1b[1m" + text + "\x1b[0m";
    text += '\n';
    for (auto const& row : shown)
        text += line(row, widths) + '\n';
    return text;
}
