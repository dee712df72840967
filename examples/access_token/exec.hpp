// Running another program with a token in its environment.
#pragma once

#include "options.hpp"
#include "outcome.hpp"

// Puts the command in this process' place; gives what went wrong: 126, 127, or wrong usage where the file holds no token.
int execute(options const& o);
