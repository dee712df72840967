// What a shell needs to complete commands, options and their values, made from the table of commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>

// The script for `bash`, `zsh` or `fish`; nothing for another.
std::optional<std::string> completion_of(std::string_view shell);

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();
