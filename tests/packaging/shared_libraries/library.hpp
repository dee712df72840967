// What each of the two shared libraries does for the program, and for the other one.
#pragma once

#include <cloudflare/core/error.hpp>

#include <boost/system/error_category.hpp>

#define DECLARE_LIBRARY(name)                                                                      \
    namespace name {                                                                               \
    /* The library's own copy of the category. */                                                  \
    [[gnu::visibility("default")]] boost::system::error_category const& category();                \
    [[gnu::visibility("default")]] cloudflare::error rate_limited();                               \
    [[gnu::visibility("default")]] void throw_rate_limited();                                      \
    /* Whether it takes this for what its own `rate_limited` gives. */                             \
    [[gnu::visibility("default")]] bool recognises(cloudflare::error const&);                      \
    /* Whether it catches what `throw_one` throws, and recognises the error in it. */              \
    [[gnu::visibility("default")]] bool catches(void (*throw_one)());                              \
    }

DECLARE_LIBRARY(first)
DECLARE_LIBRARY(second)
