// Where a setting comes from: the command line, else the environment, else the profile.
#pragma once

#include "profile.hpp"

#include <boost/program_options/variables_map.hpp>

#include <filesystem>
#include <optional>
#include <string>

// A variable of the environment; one that is empty counts as not set.
std::optional<std::string> environment(char const* variable);

// The directory that the variable names, else `below` the home directory. A relative one is ignored, as the XDG Base
// Directory Specification wants it.
std::optional<std::filesystem::path> user_directory(char const* variable, char const* below);

class settings {
public:
    settings(boost::program_options::variables_map const& given, profile_settings profile)
        : given_(given), profile_(std::move(profile)) {}

    // Whether the command line has it.
    [[nodiscard]] bool has(char const* option) const { return given_.count(option) != 0; }
    // Its value on the command line.
    [[nodiscard]] std::optional<std::string> given(char const* option) const;
    // Its value in the profile.
    [[nodiscard]] std::optional<std::string> in_profile(char const* option) const;
    // The command line's, else the variable's, else the profile's.
    [[nodiscard]] std::optional<std::string> find(char const* option,
                                                  char const* variable = nullptr) const;

private:
    boost::program_options::variables_map const& given_;
    profile_settings profile_;
};

// The profile that `--profile` or CLOUDFLARE_AUTH_PROFILE names, else the one called default, if there is one.
cloudflare::result<profile_settings>
find_profile(boost::program_options::variables_map const& given);
