#include "command_table.hpp"
#include "completion.hpp"

#include <set>

namespace {

std::string options_line(command_info const& c) {
    std::string words;
    for (auto const* o : options_of(c)) {
        words.append(words.empty() ? "" : " ").append("--").append(o->name);
        if (o->letter != 0) words.append(" -").append(1, o->letter);
    }
    return words;
}

// The forms of the options that this is true of, as a pattern of `case`.
template <class Predicate>
std::string pattern(Predicate is_wanted) {
    std::string words;
    for (auto const& o : all_options()) {
        if (!is_wanted(o)) continue;
        words.append(words.empty() ? "" : "|").append("--").append(o.name);
        if (o.letter != 0) words.append("|-").append(1, o.letter);
    }
    return words;
}

std::string cases_of_choices() {
    std::string text;
    for (auto const& o : all_options())
        if (!o.choices.empty())
            text += "    --" + std::string(o.name) + ") COMPREPLY=($(compgen -W '" +
                    std::string(o.choices) + "' -- \"$cur\")); return ;;\n";
    return text;
}

// What stands in the place of an argument.
std::string cases_of_arguments() {
    std::string names;
    for (auto const& c : all_commands())
        names.append(names.empty() ? "" : " ").append(c.name);
    return "    '' | help) COMPREPLY=($(compgen -W '" + names +
           "' -- \"$cur\")) ;;\n"
           "    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")) ;;\n"
           "    intents) COMPREPLY=($(compgen -W 'forget' -- \"$cur\")) ;;\n";
}

std::string cases_of_commands() {
    std::string text;
    for (auto const& c : all_commands())
        text += "    " + std::string(c.name) + ") options='" + options_line(c) + "' formats='" +
                std::string(c.outputs) + "' ;;\n";
    return text;
}

} // namespace

std::string bash_completion() {
    auto const with_value = pattern([](auto const& o) { return !o.value.empty(); });
    auto const files = pattern([](auto const& o) { return o.value == "FILE"; });
    auto const directories = pattern([](auto const& o) { return o.value == "DIR"; });
    return "# bash completion of access-token; made by: access-token completion bash\n"
           "_access_token() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' i\n"
           "    local options='--help --version' formats=''\n"
           "    COMPREPLY=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "        --)\n"
           "            [ \"$command\" = exec ] && mapfile -t COMPREPLY < <(compgen -c -f -- "
           "\"$cur\")\n"
           "            return ;;\n"
           "        " +
           with_value +
           ") ((i++)) ;;\n"
           "        -*) ;;\n"
           "        *) [ -n \"$command\" ] || command=${COMP_WORDS[i]} ;;\n"
           "        esac\n"
           "    done\n"
           "    case $command in\n" +
           cases_of_commands() +
           "    esac\n"
           "    case $prev in\n"
           "    --output|-o) COMPREPLY=($(compgen -W \"$formats\" -- \"$cur\")); return ;;\n" +
           cases_of_choices() + "    " + files +
           ") compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); "
           "return ;;\n"
           "    " +
           directories +
           ") compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); "
           "return ;;\n"
           "    " +
           with_value +
           ") return ;;\n"
           "    esac\n"
           "    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")); return ;;\n"
           "    esac\n"
           "    case $command in\n" +
           cases_of_arguments() +
           "    esac\n"
           "}\n"
           "complete -F _access_token access-token\n";
}
