/// The heavy parts of the library, compiled once: include this in one file of a program that
/// defines `CLOUDFLARE_SEPARATE_COMPILATION` for all its files.
#pragma once

#include <cloudflare/access_src.hpp>
#include <cloudflare/transport/impl/beast.ipp>
#include <cloudflare/transport/impl/beast_blocking.ipp>
