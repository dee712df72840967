/// How the library is compiled. Every other header includes this one.
///
/// By default everything is inline. A program that defines `CLOUDFLARE_SEPARATE_COMPILATION` for
/// all its files gets declarations only, and includes `cloudflare/src.hpp` in exactly one of them,
/// or `cloudflare/access_src.hpp` where it does not use the Beast transport.
///
/// Several libraries in one process may use this one:
///
/// - Header-only, in all of them: always works, because every definition is inline.
/// - Separately compiled, in shared libraries: each includes `src.hpp` once, because nothing is
///   exported, and is built with `-fvisibility=hidden`, so that it uses its own copy. Values passed
///   between them agree: error codes and conditions compare equal, and an `error_exception` thrown
///   by one is caught in another.
/// - Separately compiled, in static libraries that are linked into one program: only one of them
///   may include `src.hpp`, or the linker finds each definition twice. Such a library leaves it to
///   the program.
///
/// All code that shares one copy must agree on `CLOUDFLARE_SEPARATE_COMPILATION` and use the same
/// version of the library, which is part of every name (`cloudflare::v0`).
#pragma once

#if __cplusplus < 202002L && (!defined(_MSVC_LANG) || _MSVC_LANG < 202002L)
#error "cloudflare-access needs C++20 or later: compile with -std=c++20"
#include "C++20" // no such file: compilers stop here, in place of hundreds of errors
#endif

#ifdef CLOUDFLARE_SEPARATE_COMPILATION
#define CLOUDFLARE_DECL
#else
#define CLOUDFLARE_DECL inline
#endif
