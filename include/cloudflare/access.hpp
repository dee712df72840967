/// Everything but a transport: what a library includes that has an HTTP stack of its own.
#pragma once

#include <cloudflare/access/access_headers.hpp>
#include <cloudflare/access/scope.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/access/service_token_params.hpp>
#include <cloudflare/access/service_tokens.hpp>
#include <cloudflare/api/call.hpp>
#include <cloudflare/api/credentials.hpp>
#include <cloudflare/api/list_all.hpp>
#include <cloudflare/api/make_request.hpp>
#include <cloudflare/core/version.hpp>
#include <cloudflare/json/writer.hpp>
