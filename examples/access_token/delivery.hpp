// Handing a new secret over: to a file, or to stdout.
#pragma once

#include "options.hpp"
#include "secret_file.hpp"

#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/result.hpp>

#include <optional>

// The file for the secret, where one is wanted; made before anything is sent.
cloudflare::result<std::optional<secret_file>> prepare_secret_file(options const& o);

// Hands a new secret over, to the file or to stdout; false where it could not be written.
bool deliver(cloudflare::access::issued_service_token const& token,
             std::optional<secret_file>& file, output_format format);
