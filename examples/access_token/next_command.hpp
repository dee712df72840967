// The command to type next, as messages name it: it can be typed as it stands.
#pragma once

#include "options.hpp"

#include <cloudflare/core/error.hpp>

#include <string>
#include <string_view>

// `access-token` and these words, with the options of this run that say where the API is, who asks and where the log is, as
// far as the command takes them.
std::string to_type(options const& o, std::string const& words);

// A word as a shell reads it as one.
std::string as_one_word(std::string_view word);

// The option that takes this path, `--secret-dir` or `--secret-file`, and the path; empty where nothing is there.
std::string as_secret_option(std::string const& path);

// An error of the command line, of which nothing has been understood but its words, and where to read on. One that names a
// command already stays as it is.
cloudflare::error with_next_command(cloudflare::error const& e, int argc, char const* const* argv);
