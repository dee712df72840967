/// Included before any other thing by what POSIX systems alone have.
#pragma once

#include <cloudflare/core/config.hpp>

#if defined(_WIN32)
#error "this part of cloudflare-access needs POSIX, which Windows does not have"
#endif
