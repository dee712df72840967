/// How the heavy parts of the library are compiled.
///
/// By default everything is inline. A program that defines `CLOUDFLARE_SEPARATE_COMPILATION` for
/// all its files gets declarations only, and includes `cloudflare/src.hpp` in exactly one of them,
/// or `cloudflare/access_src.hpp` where it does not use the Beast transport.
#pragma once

#ifdef CLOUDFLARE_SEPARATE_COMPILATION
#define CLOUDFLARE_DECL
#else
#define CLOUDFLARE_DECL inline
#endif
