#include "completion.hpp"

std::optional<std::string> completion_of(std::string_view shell) {
    if (shell == "bash") return bash_completion();
    if (shell == "zsh") return zsh_completion();
    if (shell == "fish") return fish_completion();
    return std::nullopt;
}
