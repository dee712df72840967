#include "command_table.hpp"
#include "completion.hpp"

namespace {

std::string quoted(std::string_view text) {
    std::string made = "'";
    for (char const c : text) {
        if (c == '\'' || c == '\\') made += '\\';
        made += c;
    }
    return made + '\'';
}

std::string line(option_info const& o, command_info const& c) {
    auto text = "complete -c access-token -n '__fish_seen_subcommand_from " + std::string(c.name) +
                "' -l " + std::string(o.name);
    if (o.letter != 0) text.append(" -s ").append(1, o.letter);
    auto const choices = o.name == "output" ? c.outputs : o.choices;
    if (!choices.empty())
        text += " -x -a " + quoted(choices);
    else if (o.value == "FILE")
        text += " -r -F";
    else if (o.value == "DIR")
        text += " -x -a '(__fish_complete_directories)'";
    else if (!o.value.empty())
        text += " -x";
    return text + " -d " + quoted(o.help) + '\n';
}

} // namespace

std::string fish_completion() {
    std::string text = "# fish completion of access-token; made by: access-token completion fish\n"
                       "complete -c access-token -f\n";
    std::string names;
    for (auto const& c : all_commands()) {
        names.append(names.empty() ? "" : " ").append(c.name);
        text += "complete -c access-token -n __fish_use_subcommand -a " + std::string(c.name) +
                " -d " + quoted(c.summary) + '\n';
        for (auto const* o : options_of(c))
            text += line(*o, c);
    }
    auto const arguments = [](std::string_view command, std::string_view words) {
        return "complete -c access-token -n '__fish_seen_subcommand_from " + std::string(command) +
               "' -a " + quoted(words) + '\n';
    };
    return text + arguments("help", names) + arguments("completion", "bash zsh fish") +
           arguments("intents", "forget") +
           "complete -c access-token -n '__fish_seen_subcommand_from exec' -a "
           "'(__fish_complete_subcommand)'\n";
}
