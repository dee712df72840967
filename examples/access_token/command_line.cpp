#include "command_line.hpp"

#include "completion.hpp"
#include "help.hpp"
#include "manual.hpp"
#include "next_command.hpp"
#include "output.hpp"
#include "suggestion.hpp"

#include <cloudflare/core/version.hpp>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace cf = cloudflare;
namespace po = boost::program_options;

namespace {

po::options_description described_options() {
    po::options_description all;
    for (auto const& o : all_options()) {
        auto name = std::string(o.name);
        if (o.letter != 0) name.append(",").append(1, o.letter);
        if (o.value.empty()) {
            all.add_options()(name.c_str(), "");
        } else {
            all.add_options()(name.c_str(), po::value<std::string>());
        }
    }
    all.add_options()("words", po::value<std::vector<std::string>>());
    return all;
}

std::vector<std::string_view> names_of_commands() {
    std::vector<std::string_view> names;
    for (auto const& c : all_commands())
        names.push_back(c.name);
    return names;
}

cf::error unknown_option(std::string const& typed) {
    auto given = typed.substr(0, typed.find('='));
    if (given.size() < 3) return usage("no such option: " + given); // one letter
    given.erase(0, given.find_first_not_of('-'));
    std::vector<std::string_view> names;
    for (auto const& o : all_options())
        names.push_back(o.name);
    auto const best = nearest(given, names);
    return usage("no such option: --" + given +
                 (best.empty() ? "" : "; did you mean --" + std::string(best) + '?'));
}

// Each option that is given must be the command's, say something, and have one of its values.
cf::result<void> check_options(po::variables_map const& given, command_info const& c) {
    for (auto const& [name, value] : given) {
        if (name == "words") continue;
        if (!takes(c, name)) return usage(std::string(c.name) + " does not take --" + name);
        auto const& option = *find_option(name);
        if (option.value.empty()) continue;
        auto const& text = value.as<std::string>();
        if (text.empty()) return usage("--" + name + " must not be empty");
        auto const choices = name == "output" ? c.outputs : option.choices;
        if (choices.empty() || has_word(choices, text)) continue;
        std::string list;
        for (auto const choice : split(choices))
            list.append(list.empty() ? "" : ", ").append(choice);
        return usage("--" + name + ' ' + text + ": " + std::string(c.name) + " has " + list +
                     did_you_mean(text, split(choices)));
    }
    return {};
}

cf::result<void> check_arguments(std::vector<std::string> const& arguments, command_info const& c) {
    auto const name = std::string(c.name);
    if (c.name == "intents") {
        bool const forgets = !arguments.empty() && arguments[0] == "forget";
        if (forgets && arguments.size() != 2)
            return usage("intents forget takes one argument: TAG");
        if (!forgets && !arguments.empty())
            return usage("intents takes no argument, or: forget TAG" +
                         did_you_mean(arguments[0], {"forget"}));
        return {};
    }
    auto const count = arguments.size();
    if (count == (c.argument.empty() ? 0U : 1U)) return {};
    if (count == 0 && c.argument.starts_with('[')) return {};
    if (count > 1 && c.argument == "ID...") return {};
    auto const meant =
        takes(c, "secret-file") && count != 0 ? as_secret_option(arguments.back()) : "";
    return usage(name +
                 (c.argument.empty() ? " takes no argument"
                                     : " takes one argument: " + std::string(c.argument)) +
                 (meant.empty() ? "" : "; did you mean " + meant + '?'));
}

cf::result<command_info const*> command_named(std::string const& name) {
    if (auto const* const found = find_command(name)) return found;
    return usage("no such command: " + name + did_you_mean(name, names_of_commands()));
}

// Help and version, also as commands: whether that was all.
cf::result<bool> is_shown(po::variables_map const& given, std::vector<std::string> const& words) {
    auto const first = words.empty() ? std::string() : words[0];
    bool const asks_help = given.count("help") != 0;
    if (given.count("version") != 0 || (first == "version" && !asks_help)) {
        static_cast<void>(write_to_stdout("access-token " + std::string(cf::version) + '\n'));
        return true;
    }
    if (first == "manual" && !asks_help) {
        static_cast<void>(write_to_stdout(manual_page()));
        return true;
    }
    if (first == "completion" && !asks_help) {
        auto const script = words.size() == 2 ? completion_of(words[1]) : std::nullopt;
        if (!script)
            return usage("completion takes one argument: bash, zsh or fish" +
                         did_you_mean(words.size() == 2 ? words[1] : "", {"bash", "zsh", "fish"}));
        static_cast<void>(write_to_stdout(*script));
        return true;
    }
    if (first != "help" && !asks_help) return false;
    bool const is_of_other = first == "help" && !asks_help;
    auto const about = is_of_other ? (words.size() > 1 ? words[1] : std::string()) : first;
    if (about.empty()) {
        static_cast<void>(write_to_stdout(help()));
        return true;
    }
    auto const c = command_named(about);
    if (!c) return c.error();
    static_cast<void>(write_to_stdout(help(**c)));
    return true;
}

// Where the first `--` stands.
int end_of_options(int argc, char const* const* argv) {
    for (int i = 1; i < argc; ++i)
        if (std::string_view(argv[i]) == "--") return i;
    return argc;
}

cf::result<po::variables_map> parse(int argc, char const* const* argv) {
    po::variables_map given;
    try {
        auto const described = described_options();
        po::positional_options_description positions;
        positions.add("words", -1);
        using style = po::command_line_style::style_t;
        auto const long_names = po::command_line_style::unix_style & ~style::allow_guessing;
        po::store(po::command_line_parser(argc, argv)
                      .options(described)
                      .positional(positions)
                      .style(long_names)
                      .run(),
                  given);
    } catch (po::unknown_option const& e) {
        return unknown_option(e.get_option_name());
    } catch (po::invalid_command_line_syntax const& e) {
        auto const typed = e.get_option_name();
        auto const* const option = find_option(typed.substr(typed.find_first_not_of('-')));
        return usage(option == nullptr ? std::string(e.what())
                     : option->value.empty()
                         ? typed + " takes no value"
                         : typed + " needs a value: " + std::string(option->value));
    } catch (po::error const& e) {
        return usage(e.what());
    }
    return given;
}

} // namespace

cf::error usage(std::string text) {
    return {cf::errc::invalid_argument, std::move(text)};
}

cf::result<command_line> read_command_line(int argc, char const* const* argv) {
    int const end = end_of_options(argc, argv);
    auto given = parse(end, argv);
    if (!given) return given.error();
    std::vector<std::string> words;
    if (given->count("words") != 0) words = (*given)["words"].as<std::vector<std::string>>();
    std::vector<std::string> behind;
    if (end < argc) behind.assign(argv + end + 1, argv + argc);
    auto const shown = is_shown(*given, words);
    if (!shown) return shown.error();
    if (*shown) return command_line();
    if (words.empty()) return usage("a command is missing; type: access-token help");
    auto const c = command_named(words[0]);
    if (!c) return c.error();
    words.erase(words.begin());
    if ((*c)->name != "exec")
        words.insert(words.end(), std::make_move_iterator(behind.begin()),
                     std::make_move_iterator(behind.end()));
    else if (behind.empty())
        return usage("exec: which command? type it behind --, as in: access-token exec "
                     "--secret-file FILE -- COMMAND");
    auto ok = check_arguments(words, **c);
    if (ok) ok = check_options(*given, **c);
    if (!ok) return ok.error();
    return command_line{std::move(*given), *c, std::move(words), std::move(behind)};
}
