#include "next_command.hpp"

#include "command_table.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace cf = cloudflare;

namespace {

constexpr std::string_view program = "access-token ";

// What is repeated of a run's options.
constexpr std::string_view repeated = "intents profile account zone credentials-file "
                                      "credentials-command base-url allow-insecure-http ca-file";

bool is_plain(char c) {
    constexpr std::string_view others = "@%+=:,./-_~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != others.npos;
}

command_info const* command_of(int argc, char const* const* argv) {
    for (int i = 1; i < argc; ++i)
        if (auto const* const found = find_command(argv[i])) return found;
    return nullptr;
}

} // namespace

std::string as_one_word(std::string_view word) {
    if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
    std::string text = "'";
    for (char const c : word)
        c == '\'' ? text += "'\\''" : text += c;
    return text + '\'';
}

std::string to_type(options const& o, std::string const& words) {
    auto text = std::string(program) + words;
    auto const* const command = find_command(words.substr(0, words.find(' ')));
    if (command == nullptr) return text;
    bool const is_local = command->name == "intents";
    for (auto const name : split(repeated)) {
        if (!takes(*command, name) || (is_local && name != "intents")) continue;
        for (auto const& [given, value] : o.given_options) {
            if (given != name) continue;
            text += " --" + given;
            if (!value.empty()) text += ' ' + as_one_word(value);
        }
    }
    return text;
}

std::string as_secret_option(std::string const& path) {
    std::error_code failed;
    if (path.empty() || !std::filesystem::exists(path, failed)) return {};
    bool const is_directory = std::filesystem::is_directory(path, failed);
    return (is_directory ? "--secret-dir " : "--secret-file ") + as_one_word(path);
}

cf::error with_next_command(cf::error const& e, int argc, char const* const* argv) {
    if (e.details().explanation.find(program) != std::string::npos) return e;
    auto const* const command = command_of(argc, argv);
    auto const next =
        command == nullptr ? std::string("help") : std::string(command->name) + " --help";
    return e.with(
        [&](auto& details) { details.explanation.append("; see: ").append(program).append(next); });
}
