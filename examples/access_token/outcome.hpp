// How a command ended, for the shell and for who reads stderr.
#pragma once

#include "options.hpp"

#include <cloudflare/core/error.hpp>

#include <string>

enum exit_status {
    done = 0,
    refused = 1,
    wrong_usage = 2,
    left_behind = 3
};

// The error for a person, without the names of the C++ functions that its text may speak of.
std::string spoken(cloudflare::error const& e);

// Tells of an error, and of what it may have left behind.
exit_status fail(options const& o, cloudflare::error const& e);

// What to type next where the secret of a token was rotated and may be lost.
std::string rotation_advice(options const& o, std::string const& token_id,
                            cloudflare::error const& e);

// Writes text to stdout.
exit_status print(std::string const& text);
