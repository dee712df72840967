#include "command_table.hpp"
#include "completion.hpp"

namespace {

// Between single quotes, within a specification of `_arguments`.
std::string escaped(std::string_view help) {
    std::string text;
    for (char const c : help) {
        if (c == '\'') {
            text += "'\\''";
            continue;
        }
        if (c == '[' || c == ']' || c == ':' || c == '\\') text += '\\';
        text += c;
    }
    return text;
}

std::string action(option_info const& o, command_info const& c) {
    if (o.value.empty()) return {};
    auto const choices = o.name == "output" ? c.outputs : o.choices;
    auto const how = !choices.empty()    ? '(' + std::string(choices) + ')'
                     : o.value == "FILE" ? "_files"
                     : o.value == "DIR"  ? "_files -/"
                                         : " ";
    return ':' + std::string(o.value) + ':' + how;
}

std::string specification(option_info const& o, command_info const& c) {
    auto const rest = '[' + escaped(o.help) + ']' + action(o, c) + '\'';
    auto const name = "--" + std::string(o.name);
    if (o.letter == 0) return '\'' + name + rest;
    auto const letter = std::string("-") + o.letter;
    return "'(" + letter + ' ' + name + ")'{" + letter + ',' + name + "}'" + rest;
}

std::string arguments_of(command_info const& c) {
    if (c.name == "help") return " '1:command:_access_token_commands'";
    if (c.name == "completion") return " '1:shell:(bash zsh fish)'";
    if (c.name == "intents") return " '1:forget:(forget)' '2:tag: '";
    if (c.name == "exec") return " '*:::command: _normal'";
    return c.argument.empty() ? "" : " '*:" + escaped(c.argument) + ": '";
}

} // namespace

std::string zsh_completion() {
    std::string commands, cases;
    for (auto const& c : all_commands()) {
        commands += "        '" + std::string(c.name) + ':' + escaped(c.summary) + "'\n";
        cases += "    " + std::string(c.name) + ")\n        _arguments -s";
        for (auto const* o : options_of(c))
            cases += " \\\n            " + specification(*o, c);
        cases +=
            " \\\n           " + (arguments_of(c).empty() ? " '*: : '" : arguments_of(c)) + " ;;\n";
    }
    return "#compdef access-token\n"
           "# zsh completion of access-token; made by: access-token completion zsh\n"
           "_access_token_commands() {\n"
           "    local -a commands=(\n" +
           commands +
           "    )\n"
           "    _describe command commands\n"
           "}\n"
           "_access_token() {\n"
           "    local curcontext=$curcontext context state line\n"
           "    typeset -A opt_args\n"
           "    _arguments -C '--help[show the help, and end]' '--version[show the version, and "
           "end]' \\\n"
           "        '1:command:_access_token_commands' '*::argument:->arguments'\n"
           "    [[ $state == arguments ]] || return 0\n"
           "    case $line[1] in\n" +
           cases +
           "    esac\n"
           "}\n"
           "if [[ $funcstack[1] == _access-token ]]; then _access_token \"$@\"; else compdef "
           "_access_token access-token; fi\n";
}
