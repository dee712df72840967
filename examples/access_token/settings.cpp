#include "settings.hpp"

#include <cstdlib>

std::optional<std::string> environment(char const* variable) {
    char const* const value = std::getenv(variable);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

std::optional<std::string> settings::given(char const* option) const {
    if (!has(option)) return std::nullopt;
    return given_[option].as<std::string>();
}

std::optional<std::string> settings::find(char const* option, char const* variable) const {
    if (auto value = given(option)) return value;
    return variable != nullptr ? environment(variable) : std::nullopt;
}
