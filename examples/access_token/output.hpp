// Writing to stdout, and telling on stderr.
#pragma once

#include <string_view>

// Tells one line on stderr, fit for a terminal whatever it holds.
void tell(std::string_view line);
// The same behind the program's name.
void say(std::string_view line);

// Writes all of `text` to stdout; false where that failed, so that a secret is not lost unnoticed.
bool write_to_stdout(std::string_view text);

// Whether this descriptor is a terminal that shows colours: NO_COLOR and TERM=dumb forbid them.
bool shows_colours(int descriptor);
