// The help of the program and of each command, made from the table of commands.
#pragma once

#include "command_table.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// All commands with their options, and what is common to all.
std::string help();

// One command: its own options, exit statuses, an example.
std::string help(command_info const& c);

// The words in lines that are no wider than 80 columns where that can be, each but the first behind `indent` blanks.
//
// @param at the column at which the first line begins
std::string wrapped(std::string_view words, std::size_t indent, std::size_t at);
