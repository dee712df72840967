// What the program does.
#pragma once

#include "options.hpp"

#include <boost/asio/io_context.hpp>

// Does what the options ask for, and gives an exit_status. The context is run meanwhile.
int run_command(boost::asio::io_context& context, options const& o);
