/// Declarations of the library's types, for headers that only name them.
#pragma once

#include <cloudflare/core/config.hpp>

#include <chrono>
#include <cstdint>

namespace cloudflare::inline v0 {

/// The number in the name of this inline namespace: the two are raised together.
inline constexpr std::uint64_t namespace_version = 0;

/// The clock of deadlines and waits: steady, so that setting the wall clock moves none of them.
using time_point = std::chrono::steady_clock::time_point;

enum class idempotency : unsigned char;
class error;
class secret;
class timestamp;
class token_duration;

namespace http {
enum class method : unsigned char;
class headers;
class origin;
struct request;
struct response;
} // namespace http

class api_key;
class api_token;
class base_url;
class call_context;
class call_options;
class call_step;
class client_options;
class credentials;
class json_object_reader;
class retry_budget;
class retry_policy;

namespace access {
class account_scope;
class zone_scope;
class any_scope;
struct service_token;
struct issued_service_token;
struct updated_service_token;
class create_params;
class list_params;
class update_params;
class rotate_params;
} // namespace access

} // namespace cloudflare::inline v0
