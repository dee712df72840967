// The request that a command would send.
#pragma once

#include "options.hpp"
#include "outcome.hpp"

// Shows it on stdout, without what the credentials add; nothing is sent.
exit_status show_request_of_create(options const& o);
