/// Which of the library's types `std::format` and fmt print: by `operator<<`, which shows no secret.
#pragma once

#include <cloudflare/core/detail/is_printed.hpp>
#include <cloudflare/core/fwd.hpp>

#include <concepts>
#include <sstream>
#include <string>

namespace cloudflare::inline v0 {

enum class condition;
enum class delivery : unsigned char;
enum class errc;
enum class stop_reason : unsigned char;

enum class close_reason : unsigned char;
enum class connection_change : unsigned char;
struct connection_counts;
struct connection_event;
class proxy;
struct rate_limit;
struct trace_event;

namespace access {
struct held_secret;
struct held_token;
class intent;
enum class intent_purpose : unsigned char;
enum class intent_state : unsigned char;
class issued;
enum class presence : unsigned char;
struct reconciled;
enum class renewal_action : unsigned char;
struct renewal_plan;
struct renewal_report;
enum class renewal_state : unsigned char;
class rotated;
} // namespace access

namespace detail {

template <class T, class... Listed>
concept one_of = (std::same_as<T, Listed> || ...);

/// A type with an `operator<<` that may be printed anywhere. (`http::headers` is not among them: as
/// a range it has a formatter of the standard's already.)
template <class T>
concept printed =
    is_printed<T> ||
    one_of<T, errc, condition, error, delivery, stop_reason, idempotency, secret, timestamp,
           token_duration> ||
    one_of<T, http::method, http::origin, http::request, http::response> ||
    one_of<T, api_key, api_token, base_url, credentials, rate_limit, trace_event> ||
    one_of<T, close_reason, connection_change, connection_counts, connection_event, proxy> ||
    one_of<T, access::account_scope, access::zone_scope, access::any_scope, access::service_token,
           access::issued_service_token, access::updated_service_token, access::create_params,
           access::list_params, access::update_params, access::rotate_params> ||
    one_of<T, access::intent, access::intent_purpose, access::intent_state, access::presence,
           access::issued, access::rotated, access::reconciled, access::held_token,
           access::held_secret, access::renewal_action, access::renewal_plan,
           access::renewal_report, access::renewal_state>;

/// What `operator<<` prints.
template <printed T>
[[nodiscard]] std::string print(T const& value) {
    std::ostringstream out;
    out << value;
    return std::move(out).str();
}

} // namespace detail

} // namespace cloudflare::inline v0
