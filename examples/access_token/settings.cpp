#include "settings.hpp"

#include "command_line.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace cf = cloudflare;

std::optional<std::string> environment(char const* variable) {
    char const* const value = std::getenv(variable);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

std::optional<std::filesystem::path> user_directory(char const* variable, char const* below) {
    for (auto const& [name, suffix] : {std::pair(variable, ""), std::pair("HOME", below)}) {
        auto const value = environment(name);
        if (value && value->starts_with('/')) return std::filesystem::path(*value) / suffix;
    }
    return std::nullopt;
}

std::optional<std::string> settings::given(char const* option) const {
    if (!has(option)) return std::nullopt;
    return given_[option].as<std::string>();
}

std::optional<std::string> settings::in_profile(char const* option) const {
    auto const found = profile_.find(option);
    return found == profile_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> settings::find(char const* option, char const* variable) const {
    if (auto value = given(option)) return value;
    if (variable != nullptr)
        if (auto value = environment(variable)) return value;
    return in_profile(option);
}

cf::result<profile_settings> find_profile(boost::program_options::variables_map const& given) {
    auto wanted = environment("CLOUDFLARE_AUTH_PROFILE");
    if (given.count("profile") != 0) wanted = given["profile"].as<std::string>();
    auto const directory = user_directory("XDG_CONFIG_HOME", ".config");
    auto const path = directory ? (*directory / "access-token" / "config").string() : "";
    std::ifstream file(path);
    if (!file.is_open()) {
        std::error_code failed;
        if (!path.empty() && std::filesystem::exists(path, failed))
            return usage(path + ": cannot be read");
        if (!wanted) return profile_settings();
        return usage("no profile " + *wanted + ": there is no " +
                     (path.empty() ? "home directory" : path));
    }
    std::string const text(std::istreambuf_iterator<char>(file), {});
    auto const all = parse_profiles(text);
    if (!all) return usage(path + ':' + all.error().details().explanation);
    return choose_profile(*all, wanted, path, environment("HOME").value_or(""));
}
