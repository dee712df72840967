// Strings from outside made fit for a terminal: what would steer it or deceive the eye is replaced.
#pragma once

#include <string>
#include <string_view>

// The string on one line, with `?` in place of each character that is a control, sets the direction of what follows,
// separates lines or has no width, and of each byte that is not UTF-8.
std::string printable(std::string_view text);

// A JSON document in which those characters stand as \uXXXX, and bytes that are not UTF-8 as \ufffd.
std::string printable_json(std::string_view json);
