// Asking, on a terminal, before what cannot be undone.
#pragma once

#include "command.hpp"

#include <string>

// What would be lost for ever, as a question; empty where nothing would.
std::string question_of(options const& o);

// Whether to go on: asks where stdin and stderr are a terminal and `--yes` is not given, and takes `y` and `yes` for yes. A
// signal means no.
awaitable<bool> is_confirmed(options const& o);
