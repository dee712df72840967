// Showing service tokens on stdout, and telling on stderr.
#pragma once

#include "options.hpp"

#include <cloudflare/access/service_token.hpp>

#include <string>
#include <string_view>
#include <vector>

// Text for stdout. `secret` is shown where it is not null.
std::string show(cloudflare::access::service_token const& token, cloudflare::secret const* secret,
                 output_format format);
std::string show(std::vector<cloudflare::access::service_token> const& tokens,
                 output_format format);

// Tells one line on stderr, fit for a terminal whatever it holds.
void tell(std::string_view line);
// The same behind the program's name.
void say(std::string_view line);

// Writes all of `text` to stdout; false where that failed, so that a secret is not lost unnoticed.
bool write_to_stdout(std::string const& text);
