#include "help.hpp"

#include <algorithm>
#include <utility>

namespace {

constexpr std::size_t line_width = 80;
constexpr std::size_t help_column = 26;

std::string written(option_info const& o) {
    return "--" + std::string(o.name) + (o.value.empty() ? "" : ' ' + std::string(o.value));
}

std::string option_lines(option_info const& o) {
    auto line = std::string("  ");
    if (o.letter != 0) line.append("-").append(1, o.letter).append(", ");
    line += written(o);
    if (line.size() + 2 > help_column)
        line += '\n' + std::string(help_column, ' ');
    else
        line.append(help_column - line.size(), ' ');
    return line + wrapped(o.help, help_column, help_column) + '\n';
}

std::string option_lines(std::string_view names) {
    std::string text;
    for (auto const name : split(names))
        text += option_lines(*find_option(name));
    return text;
}

std::string usage_of(command_info const& c) {
    auto words = std::string(c.name);
    if (!c.argument.empty()) words.append(" ").append(c.argument);
    if (!c.required.empty()) words.append(" ").append(c.required);
    return words;
}

std::string joined(std::string_view words, std::string_view between) {
    std::string text;
    for (auto const word : split(words))
        text.append(text.empty() ? "" : between).append(word);
    return text;
}

std::string sentence(std::string_view words) {
    auto text = std::string(words);
    if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text.back() == '.' ? text : text + '.';
}

std::string indented(std::string_view lines) {
    std::string text = "  ";
    for (char const c : lines) {
        text += c;
        if (c == '\n') text += "  ";
    }
    return text + '\n';
}

} // namespace

std::string wrapped(std::string_view words, std::size_t indent, std::size_t at) {
    std::string text;
    for (auto const word : split(words)) {
        bool const is_first = text.empty();
        if (!is_first && at + 1 + word.size() > line_width) {
            text += '\n' + std::string(indent, ' ');
            at = indent;
        } else if (!is_first) {
            text += ' ';
            ++at;
        }
        text += word;
        at += word.size();
    }
    return text;
}

std::string help() {
    std::string text =
        "access-token manages the service tokens of a Cloudflare account or zone.\n\n"
        "Usage: access-token COMMAND [OPTIONS]\n\nCommands:\n";
    for (auto const& c : all_commands()) {
        auto words = usage_of(c);
        for (auto const name : split(c.options)) {
            if (has_word(c.required, "--" + std::string(name))) continue;
            // Blanks within an option stay together.
            auto option = '[' + written(*find_option(name)) + ']';
            std::replace(option.begin(), option.end(), ' ', '\1');
            words += ' ' + option;
        }
        auto line = "  " + wrapped(words, 6, 2) + '\n';
        std::replace(line.begin(), line.end(), '\1', ' ');
        text += line + "      " + wrapped(c.summary, 6, 6) + '\n';
    }
    text += "\nOptions of all commands:\n" + option_lines(general_options) +
            "\nOptions of all that talk to the API:\n" + option_lines(connection_options) +
            "\nEnvironment:\n";
    for (auto const& v : all_variables()) {
        auto line = "  " + std::string(v.name) + "  ";
        if (line.size() < help_column) line.append(help_column - line.size(), ' ');
        text += line + wrapped(v.help, help_column, line.size()) + '\n';
    }
    text += '\n' + wrapped("Exit status: " + std::string(exit_statuses), 0, 0) +
            "\n\nMore of a command, with an example: access-token COMMAND --help\n";
    return text;
}

std::string help(command_info const& c) {
    auto text =
        "Usage: access-token " + usage_of(c) + (c.options.empty() ? "\n\n" : " [OPTIONS]\n\n");
    text += wrapped(sentence(c.summary), 0, 0) + '\n';
    if (!c.text.empty()) text += wrapped(c.text, 0, 0) + '\n';
    if (!c.options.empty()) text += "\nOptions:\n" + option_lines(c.options);
    if (!c.outputs.empty()) text += "\nOutput: -o " + joined(c.outputs, "|") + '\n';
    if (c.takes_connection)
        text += "\nBesides: --account ID, --quiet, --verbose and others; see access-token help\n";
    text += '\n' + wrapped("Exit status: " + std::string(exit_statuses), 0, 0) + '\n';
    return text + "\nExample:\n" + indented(c.example);
}
