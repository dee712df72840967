// Service tokens as stdout shows them.
#pragma once

#include "output_style.hpp"

#include <cloudflare/access/service_token.hpp>

#include <string>
#include <vector>

// One token. `secret` is shown where it is not null; in the style `kubernetes` it must be there, `github` is not for stdout.
std::string show(cloudflare::access::service_token const& token, cloudflare::secret const* secret,
                 output_style const& style);

std::string show(std::vector<cloudflare::access::service_token> const& tokens,
                 output_style const& style);
