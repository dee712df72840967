/// The definitions of `refusal` and `details_of`.
#pragma once

#include <cloudflare/core/redact.hpp>
#include <cloudflare/protocol/rate_limit.hpp>
#include <cloudflare/protocol/refusal.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

/// The meaning of one of the API's error codes; nothing where the HTTP status says more.
[[nodiscard]] inline std::optional<errc> meaning_of(api_message const& m) {
    std::string_view const text = m.message;
    auto const says = [&](std::string_view part) { return text.find(part) != text.npos; };
    if (says("service_token_not_found")) return errc::not_found;
    switch (m.code.value_or(0)) {
    case 1000: return says("Invalid API Token") ? std::optional(errc::unauthorized) : std::nullopt;
    case 971:
    case 10100: return errc::rate_limited;
    case 7000:
    case 7003: return errc::no_route;
    case 9103:
    case 9106:
    case 9109: return errc::unauthorized;
    case 6003: return m.error_chain.empty() ? errc::bad_request : errc::unauthorized;
    case 9999: return errc::access_not_enabled;
    case 10001: return says("nternal") ? std::optional(errc::server_error) : std::nullopt;
    case 12130:
        // The reason's text is all that tells one bad request from another.
        return says("maximum number") || says("limit reached") ? errc::limit_reached
                                                               : errc::bad_request;
    case 12132: return errc::conflict;
    case 12135: return errc::not_found;
    case 12139: return errc::token_in_use;
    default: return std::nullopt;
    }
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

[[nodiscard]] inline errc meaning_of(int status, std::optional<envelope> const& e) {
    if (status != 429 && status < 500 && e)
        for (auto const& m : e->errors)
            if (auto const code = meaning_of(m)) return *code;
    return meaning_of(status, e.has_value());
}

/// Whether a server that answers like this has acted on the request.
[[nodiscard]] constexpr delivery delivery_of(int status, bool has_envelope, errc code) noexcept {
    if (code == errc::server_error) return delivery::unknown;
    switch (status) {
    // Any HTTP server and Cloudflare's edge answer these before they act.
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
    // With an envelope it is the API that speaks, and `success: false` is its word.
    bool const refusal = (status >= 200 && status < 300) || status == 409 || status == 422;
    return has_envelope && refusal ? delivery::rejected : delivery::unknown;
}

/// Whether a text may be a piece of JSON: a quote, and behind it nothing but blanks before a colon.
[[nodiscard]] inline bool may_be_json(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    auto const first = text.find_first_not_of(blanks);
    if (first != text.npos && (text[first] == '{' || text[first] == '[')) return true;
    for (auto at = text.find('"'); at != text.npos; at = text.find('"', at + 1)) {
        auto const next = text.find_first_not_of(blanks, at + 1);
        if (next != text.npos && text[next] == ':') return true;
    }
    return false;
}

/// The first characters of an answer that is not the API's. Never of what may be a piece of JSON: a
/// create's answer cut short would show part of its secret.
[[nodiscard]] inline std::string excerpt_of(std::string_view body) {
    return may_be_json(body) ? std::string() : redact(body, 120);
}

} // namespace detail

CLOUDFLARE_DECL error_details details_of(http::response const& answer) {
    error_details d;
    d.http_status = answer.status;
    d.cf_ray = answer.fields.find("cf-ray");
    d.cf_auditlog_id = answer.fields.find("cf-auditlog-id");
    d.retry_after = retry_after(answer.fields);
    return d;
}

CLOUDFLARE_DECL error refusal(http::response const& answer, std::optional<envelope> e) {
    auto const code = detail::meaning_of(answer.status, e);
    auto d = details_of(answer);
    d.delivery = detail::delivery_of(answer.status, e.has_value(), code);
    if (e) {
        d.api_errors = std::move(e->errors);
    } else {
        d.content_type = answer.fields.find("content-type");
        d.excerpt = detail::excerpt_of(answer.body);
        if (answer.body.empty()) d.explanation = "the answer is empty";
        if (answer.status >= 300 && answer.status < 400)
            d.explanation = "a redirect, which is never followed";
    }
    return {code, std::move(d)};
}

} // namespace cloudflare::inline v0
