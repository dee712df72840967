// Which options a command must have, and which exclude each other.
#pragma once

#include "options.hpp"

#include <cloudflare/core/result.hpp>

cloudflare::result<void> check_together(options const& o);
