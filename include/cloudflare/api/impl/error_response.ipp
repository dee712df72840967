/// The definitions of `error_response` and `details_of`.
#pragma once

#include <cloudflare/api/error_response.hpp>
#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/core/detail/utf8.hpp>
#include <cloudflare/core/redact.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

[[nodiscard]] inline bool says(api_message const& m, std::string_view part) noexcept {
    return m.message.find(part) != m.message.npos;
}

/// The meaning of an error code that the whole API shares; empty where the HTTP status says more.
[[nodiscard]] inline std::optional<errc> meaning_of_shared_code(api_message const& m) noexcept {
    switch (m.code.value_or(0)) {
    case 1000:
        return says(m, "Invalid API Token") ? std::optional(errc::unauthorized) : std::nullopt;
    case 971:
    case 10100: return errc::rate_limited;
    case 7000:
    case 7003: return errc::no_route;
    case 9103:
    case 9106:
    case 9109: return errc::unauthorized;
    case 6003: return m.error_chain.empty() ? errc::bad_request : errc::unauthorized;
    case 10001: return says(m, "nternal") ? std::optional(errc::server_error) : std::nullopt;
    default: return std::nullopt;
    }
}

/// The same for the codes of service tokens.
[[nodiscard]] inline std::optional<errc> meaning_of_token_code(api_message const& m) noexcept {
    if (says(m, "service_token_not_found")) return errc::not_found;
    switch (m.code.value_or(0)) {
    case 9999: return errc::access_not_enabled;
    case 12130:
        // All bad requests have this code; only the message tells them apart.
        return says(m, "maximum number") || says(m, "limit reached") ? errc::limit_reached
                                                                     : errc::bad_request;
    case 12132: return errc::conflict;
    case 12135: return errc::not_found;
    case 12139: return errc::token_in_use;
    default: return std::nullopt;
    }
}

[[nodiscard]] inline std::optional<errc> meaning_of(api_message const& m, code_meaning own) {
    auto const code = own != nullptr ? own(m) : meaning_of_token_code(m);
    return code && *code != errc{} ? code : meaning_of_shared_code(m);
}

[[nodiscard]] constexpr errc meaning_of(int status, bool has_envelope) noexcept {
    if (status == 429) return errc::rate_limited;
    if (status >= 500) return errc::server_error;
    if (!has_envelope) return status == 403 ? errc::forbidden : errc::unexpected_response;
    switch (status) {
    case 401: return errc::unauthorized;
    case 403: return errc::forbidden;
    case 404: return errc::not_found;
    case 409: return errc::conflict;
    case 400:
    case 405:
    case 413:
    case 415:
    case 422: return errc::bad_request;
    default: return errc::api_refused;
    }
}

[[nodiscard]] inline errc meaning_of(int status, std::optional<envelope> const& e,
                                     code_meaning own) {
    if (status != 429 && status < 500 && e)
        for (auto const& m : e->errors)
            if (auto const code = meaning_of(m, own)) return *code;
    return meaning_of(status, e.has_value());
}

/// Whether the API responds with this error before it acts on a request. That is known of the codes
/// here and in `meaning_of` only; for a code with several meanings the message decides.
[[nodiscard]] inline bool is_given_before_acting(api_message const& m, code_meaning own) {
    switch (m.code.value_or(0)) {
    case 9207:  // Request body is invalid
    case 10000: // Authentication error
    case 10013:
    case 10040: // rate limits of other products
    case 10405: // Method not allowed for this authentication scheme
    case 12133: // does not have permission
        return true;
    case 10001:
        if (m.message.find("ethod not allowed for token") != m.message.npos) return true;
        break;
    default: break;
    }
    auto const code = meaning_of(m, own);
    return code && *code != errc::server_error;
}

[[nodiscard]] inline bool is_refused_before_acting(std::optional<envelope> const& e,
                                                   code_meaning own) {
    return e && !e->errors.empty() &&
           std::all_of(e->errors.begin(), e->errors.end(),
                       [&](api_message const& m) { return is_given_before_acting(m, own); });
}

/// Whether a server that responds like this has acted on the request.
[[nodiscard]] inline delivery delivery_of(int status, std::optional<envelope> const& e, errc code,
                                          code_meaning own) {
    if (code == errc::server_error) return delivery::unknown;
    // A 2xx with `success: false` says that the API did not act only if all its codes are known.
    if (status >= 200 && status < 300)
        return is_refused_before_acting(e, own) ? delivery::rejected : delivery::unknown;
    switch (status) {
    // HTTP servers and Cloudflare's edge respond with these before they act. (So do they with 421,
    // 425 and 408, but these are rare, and `unknown` is the conservative choice.)
    case 400:
    case 401:
    case 403:
    case 404:
    case 405:
    case 413:
    case 415:
    case 429: return delivery::rejected;
    default: break;
    }
    // With an envelope, these come from the API, not from a proxy in between.
    return e && (status == 409 || status == 422) ? delivery::rejected : delivery::unknown;
}

/// The first `Content-Encoding` of a response that is not `identity`, safe to print; empty where
/// there is none.
[[nodiscard]] inline std::string content_encoding_of(http::headers const& fields) {
    for (auto const [name, value] : fields)
        if (http::same_name(name, "Content-Encoding") && !value.empty() &&
            !http::same_name(value, "identity"))
            return redact(value, 40);
    return {};
}

/// Whether a string may be part of a JSON text: it begins with { or [, or contains a quote followed
/// by a colon.
[[nodiscard]] inline bool may_be_json(std::string_view string) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    auto const first = string.find_first_not_of(blanks);
    if (first != string.npos && (string[first] == '{' || string[first] == '[')) return true;
    for (auto at = string.find('"'); at != string.npos; at = string.find('"', at + 1)) {
        auto const next = string.find_first_not_of(blanks, at + 1);
        if (next != string.npos && string[next] == ':') return true;
    }
    return false;
}

/// The first characters of a response without an envelope, redacted. Empty where the body may be
/// part of a JSON text, because a create's response that was cut off would show part of its secret;
/// and where it is not UTF-8 text, because it may be compressed.
[[nodiscard]] inline std::string excerpt_of(std::string_view body) {
    bool const is_text = body.find('\0') == body.npos && is_utf8(body);
    return !is_text || may_be_json(body) ? std::string() : redact(body, 120);
}

} // namespace detail

CLOUDFLARE_DECL error_details details_of(http::response const& response) {
    error_details d;
    d.http_status = response.status;
    d.cf_ray = response.fields.find("cf-ray");
    d.cf_auditlog_id = response.fields.find("cf-auditlog-id");
    d.retry_after = http::retry_after(response.fields);
    return d;
}

CLOUDFLARE_DECL error error_response(http::response const& response, std::optional<envelope> e,
                                     code_meaning own) {
    auto const code = detail::meaning_of(response.status, e, own);
    auto d = details_of(response);
    d.delivery = detail::delivery_of(response.status, e, code, own);
    if (e) {
        d.api_errors = std::move(e->errors);
        return {code, std::move(d)};
    }
    d.content_type = response.fields.find("content-type");
    if (response.status >= 300 && response.status < 400) {
        d.explanation = "a redirect, which is never followed";
    } else if (response.body.empty()) {
        d.explanation = "the response is empty";
    }
    if (auto const encoding = detail::content_encoding_of(response.fields); encoding.empty()) {
        d.excerpt = detail::excerpt_of(response.body);
    } else {
        d.explanation = "the response is encoded as " + encoding + ", which was not asked for";
    }
    return {code, std::move(d)};
}

} // namespace cloudflare::inline v0
