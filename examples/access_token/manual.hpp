// The manual page access-token(1), made from the table of commands.
#pragma once

#include <string>

// In mdoc, for man and mandoc.
std::string manual_page();
