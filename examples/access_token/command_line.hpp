// The command line by its syntax: which commands there are, and which options each takes.
#pragma once

#include <cloudflare/access.hpp>

#include <boost/program_options/variables_map.hpp>

#include <string>
#include <vector>

struct command_line {
    boost::program_options::variables_map given{};
    std::vector<std::string> words{}; // the command and its arguments; none: all is done
};

// What is wrong with the command line.
cloudflare::error usage(std::string text);

// Checks that the command is one, and that its arguments and options are its own. `--help` and `--version` are done here.
cloudflare::result<command_line> read_command_line(int argc, char const* const* argv);
