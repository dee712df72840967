// The commands and their options: the one table that parsing, help, completion and the manual page are made from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

struct option_info {
    std::string_view name;
    char letter;            // of its short form; 0: it has none
    std::string_view value; // what its value is called; empty: it has none
    std::string_view help;
    std::string_view choices = {};  // the values that it may have, with blanks between; empty: any
    bool may_be_in_profile = false; // whether a profile may set it
};

struct command_info {
    std::string_view name;
    std::string_view argument; // NAME, ID, [ID] ...; empty: none
    std::string_view options;  // that it takes besides the common ones, with blanks between
    std::string_view
        outputs; // what `--output` may be, with blanks between; the first is the default
    std::string_view summary;       // one line
    std::string_view text;          // what else one must know
    std::string_view example;       // lines to type
    std::string_view required = {}; // the options that it cannot do without, as one types them
    bool takes_connection = true;   // the options that say where the API is and who asks
};

struct environment_info {
    std::string_view name;
    std::string_view help;
};

std::span<option_info const> all_options();
std::span<command_info const> all_commands();
std::span<environment_info const> all_variables();

// What every command takes, and what all take that talk to the API.
extern std::string_view const general_options;
extern std::string_view const connection_options;

// The exit statuses, as every command has them.
extern std::string_view const exit_statuses;

// Nothing where there is none of that name.
option_info const* find_option(std::string_view name);
command_info const* find_command(std::string_view name);

// The words of a string.
std::vector<std::string_view> split(std::string_view words);
bool has_word(std::string_view words, std::string_view word);

// All options that a command takes, its own first.
std::vector<option_info const*> options_of(command_info const& c);
bool takes(command_info const& c, std::string_view option);
