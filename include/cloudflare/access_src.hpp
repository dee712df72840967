/// What `access.hpp` declares, compiled once: a program that defines
/// `CLOUDFLARE_SEPARATE_COMPILATION` for all its files and does not use the Beast transport
/// includes this in one of them instead of `src.hpp`.
#pragma once

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#error "define CLOUDFLARE_SEPARATE_COMPILATION for every file of the program, this one included"
#endif

#include <cloudflare/access/service_token_impl.hpp>
#include <cloudflare/access/service_token_params_impl.hpp>
#include <cloudflare/access/service_tokens_impl.hpp>
#include <cloudflare/core/error_impl.hpp>
#include <cloudflare/core/system_random_impl.hpp>
#include <cloudflare/core/timestamp_impl.hpp>
#include <cloudflare/core/token_duration_impl.hpp>
#include <cloudflare/protocol/envelope_impl.hpp>
#include <cloudflare/protocol/json_document_impl.hpp>
#include <cloudflare/protocol/rate_limit_impl.hpp>
#include <cloudflare/protocol/refusal_impl.hpp>
