// The command line by its syntax: which command it is, and which options and arguments it has.
#pragma once

#include "command_table.hpp"

#include <cloudflare/core/error.hpp>
#include <cloudflare/core/result.hpp>

#include <boost/program_options/variables_map.hpp>

#include <string>
#include <vector>

struct command_line {
    boost::program_options::variables_map given{};
    command_info const* command = nullptr; // null: all is done
    std::vector<std::string> arguments{};
    std::vector<std::string> program{}; // what stands behind `--` of exec
};

// What is wrong with the command line.
cloudflare::error usage(std::string text);

// Checks that the command is one, and that its arguments and options are its own. Help and version are shown here.
cloudflare::result<command_line> read_command_line(int argc, char const* const* argv);
