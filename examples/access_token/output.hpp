// Writing to stdout, and telling on stderr.
#pragma once

#include <string_view>

// Tells one line on stderr, fit for a terminal whatever it holds.
void tell(std::string_view line);
// The same behind the program's name.
void say(std::string_view line);

// Information that `be_quiet` drops; so does it what `tell` tells.
void inform(std::string_view line);
void be_quiet();

// What is waited for, on the last line of a terminal until something else is told. Elsewhere nothing is shown.
void show_progress(std::string_view what);
void clear_progress();

// False where stdout is closed, or a pipe that nobody reads any more: a secret would be lost.
bool may_write_to_stdout();

// Writes all of `text` to stdout; false where that failed, so that a secret is not lost unnoticed.
bool write_to_stdout(std::string_view text);

// Whether this descriptor is a terminal that shows colours: NO_COLOR and TERM=dumb forbid them.
bool shows_colours(int descriptor);
