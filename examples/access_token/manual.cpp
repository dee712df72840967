#include "manual.hpp"

#include "command_table.hpp"
#include "help.hpp"

namespace {

// Text that mdoc takes for nothing but text.
std::string plain(std::string_view text) {
    std::string made;
    for (char const c : text) {
        if (c == '\\') {
            made += "\\e";
        } else {
            made += c == '-' ? std::string("\\-") : std::string(1, c);
        }
    }
    return made;
}

// A line a sentence, as mdoc wants it; none begins with a dot or an apostrophe.
std::string lines(std::string_view text) {
    std::string made;
    while (!text.empty()) {
        auto const end = text.find(". ");
        auto const sentence = text.substr(0, end == text.npos ? end : end + 1);
        text.remove_prefix(end == text.npos ? text.size() : end + 2);
        made += "\\&";
        for (char const c : wrapped(plain(sentence), 0, 4)) {
            made += c;
            if (c == '\n') made += "\\&";
        }
        made += '\n';
    }
    return made;
}

std::string section(std::string_view title) {
    return ".Sh " + std::string(title) + '\n';
}

std::string flag(option_info const& o) {
    std::string text;
    if (o.letter != 0) text.append("Fl ").append(1, o.letter).append(" , ");
    text += "Fl \\-" + plain(o.name);
    if (!o.value.empty()) text += " Ar " + plain(o.value);
    return text;
}

std::string option_list(std::string_view names) {
    std::string text = ".Bl -tag -width Ds\n";
    for (auto const name : split(names)) {
        auto const& o = *find_option(name);
        auto help = std::string(o.help);
        if (!o.choices.empty()) help += "; one of: " + std::string(o.choices);
        text += ".It " + flag(o) + '\n' + lines(help);
    }
    return text + ".El\n";
}

std::string command_entry(command_info const& c) {
    auto text = ".It Xo\n.Cm " + std::string(c.name) + '\n';
    if (!c.argument.empty()) text += ".Ar " + plain(c.argument) + '\n';
    if (!c.required.empty()) text += ".Li " + plain(c.required) + '\n';
    text += ".Xc\n" + lines(c.summary);
    if (!c.text.empty()) text += ".Pp\n" + lines(c.text);
    if (!c.outputs.empty()) text += ".Pp\n" + lines("Output: " + std::string(c.outputs) + '.');
    if (!c.options.empty()) text += option_list(c.options);
    return text;
}

std::string examples() {
    std::string text = ".Bd -literal -offset indent\n";
    for (auto const& c : all_commands())
        for (auto const& one : {c.example})
            text += "\\&" + plain(one) + '\n';
    return text + ".Ed\n";
}

} // namespace

std::string manual_page() {
    std::string text = ".Dd November 27, 2026\n.Dt ACCESS-TOKEN 1\n.Os\n";
    text += section("NAME") + ".Nm access-token\n"
                              ".Nd manage the service tokens of a Cloudflare account or zone\n";
    text += section("SYNOPSIS") + ".Nm\n.Ar COMMAND\n.Op Ar options\n";
    text +=
        section("DESCRIPTION") +
        ".Nm\ncreates, lists, rotates, renews and deletes the service tokens of Cloudflare "
        "Access.\n"
        "Where an\n.Ar ID\nis asked for, the name of a token does as well where no other has it, "
        "and so\ndoes its client id.\n.Pp\nThe secret goes to stdout or to the secret file, and "
        "nowhere else; all else that\nis said goes to stderr.\n"
        ".Ss Commands\n.Bl -tag -width Ds\n";
    for (auto const& c : all_commands())
        text += command_entry(c);
    text += ".El\n.Ss Options of all commands\n" + option_list(general_options) +
            ".Ss Options of all that talk to the API\n" + option_list(connection_options);
    text += section("ENVIRONMENT") + ".Bl -tag -width Ds\n";
    for (auto const& v : all_variables())
        text += ".It Ev " + plain(v.name) + '\n' + lines(v.help);
    text += ".El\n" + section("FILES") +
            ".Bl -tag -width Ds\n.It Pa ~/.config/access\\-token/config\n"
            "Profiles:\n.Li [NAME]\nand lines of\n.Li option = value .\nIt holds no secret.\n"
            ".It Pa ~/.local/state/access\\-token/intents\nThe log of intents.\n.El\n";
    text += section("EXIT STATUS") + lines(exit_statuses);
    text += section("EXAMPLES") + examples();
    return text;
}
