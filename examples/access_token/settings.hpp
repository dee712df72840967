// Where a setting comes from: the command line, else the environment.
#pragma once

#include <boost/program_options/variables_map.hpp>

#include <optional>
#include <string>

// A variable of the environment; one that is empty counts as not set.
std::optional<std::string> environment(char const* variable);

class settings {
public:
    explicit settings(boost::program_options::variables_map const& given) : given_(given) {}

    // Whether the command line has it.
    [[nodiscard]] bool has(char const* option) const { return given_.count(option) != 0; }
    // Its value on the command line.
    [[nodiscard]] std::optional<std::string> given(char const* option) const;
    // The same, else the variable's.
    [[nodiscard]] std::optional<std::string> find(char const* option,
                                                  char const* variable = nullptr) const;

private:
    boost::program_options::variables_map const& given_;
};
