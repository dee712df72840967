// What the program does: one coroutine a command.
#pragma once

#include "options.hpp"

#include <boost/asio/io_context.hpp>

enum exit_status {
    done = 0,
    refused = 1,
    wrong_usage = 2,
    left_behind = 3
};

// Does what the options ask for, and gives an exit_status. The context is run meanwhile.
int run_command(boost::asio::io_context& context, options const& o);
