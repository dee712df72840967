/// The definition of `error::to_string`.
#pragma once

#include <cloudflare/core/error.hpp>
#include <cloudflare/core/redact.hpp>

#include <string>

namespace cloudflare::inline v0 {

namespace detail {

inline void append_api_message(std::string& line, api_message const& m) {
    line += ": ";
    if (m.code) line += std::to_string(*m.code) + ' ';
    line += redact(m.message);
    if (!m.source_pointer.empty()) line += " (at " + redact(m.source_pointer) + ')';
    for (auto const& inner : m.error_chain)
        append_api_message(line, inner);
}

inline void append_response(std::string& line, error_details const& d) {
    if (d.http_status != 0) line += ": HTTP " + std::to_string(d.http_status);
    for (auto const& m : d.api_errors)
        append_api_message(line, m);
    if (!d.content_type.empty()) line += ", " + redact(d.content_type);
    if (!d.excerpt.empty()) line += ", \"" + redact(d.excerpt) + '"';
}

inline void append_outcome(std::string& line, error_details const& d) {
    if (d.attempts == 0) return; // refused by the library: nothing was sent
    if (d.idempotency != idempotency::safe) (line += "; ") += to_string(d.delivery);
    bool const revokes = d.idempotency == idempotency::revokes;
    auto const why = revokes && d.stopped == stop_reason::not_repeatable
                         ? "not retried: a second request could revoke the new secret"
                         : to_string(d.stopped);
    if (!why.empty()) (line += "; ") += why;
    if (d.attempts > 1) line += "; " + std::to_string(d.attempts) + " attempts";
    if (d.retry_after) line += "; retry after " + std::to_string(d.retry_after->count()) + " s";
    if (!d.cf_ray.empty()) line += "; cf-ray " + redact(d.cf_ray);
}

} // namespace detail

CLOUDFLARE_DECL std::string error::to_string() const {
    error_details const& d = details();
    std::string line;
    if (!d.operation.empty()) line += redact(d.operation) + ": ";
    line += code_.message();
    if (!d.explanation.empty()) line += ": " + detail::redact_own(d.explanation, 400);
    if (d.cause) line += " (" + redact(d.cause.message()) + ')';
    detail::append_response(line, d);
    detail::append_outcome(line, d);
    return line;
}

} // namespace cloudflare::inline v0
