/// What `access.hpp` declares, compiled once: a program that defines
/// `CLOUDFLARE_SEPARATE_COMPILATION` for all its files and does not use the Beast transport
/// includes this in one of them instead of `src.hpp`.
#pragma once

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#error "define CLOUDFLARE_SEPARATE_COMPILATION for every file of the program, this one included"
#endif

#include <cloudflare/access/impl/service_token.ipp>
#include <cloudflare/access/impl/service_token_params.ipp>
#include <cloudflare/api/impl/envelope.ipp>
#include <cloudflare/api/impl/error_response.ipp>
#include <cloudflare/api/impl/rate_limit.ipp>
#include <cloudflare/core/impl/error.ipp>
#include <cloudflare/core/impl/system_random.ipp>
#include <cloudflare/core/impl/timestamp.ipp>
#include <cloudflare/core/impl/token_duration.ipp>
#include <cloudflare/json/impl/document.ipp>
