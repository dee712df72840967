/// The heavy parts of the library, compiled once: include this in one file of a program that
/// defines `CLOUDFLARE_SEPARATE_COMPILATION` for all its files.
#pragma once

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#error "define CLOUDFLARE_SEPARATE_COMPILATION for every file of the program, this one included"
#endif

#include <cloudflare/transport/beast/blocking_impl.hpp>
#include <cloudflare/transport/beast/impl.hpp>
