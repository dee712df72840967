// YAML of what is JSON elsewhere.
#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

// A string between quotes, fit for a terminal (`printable`).
std::string yaml_string(std::string_view string);

// A document in block style; strings are quoted.
std::string to_yaml(boost::json::value const& value);
