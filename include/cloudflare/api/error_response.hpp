/// The error that an unsuccessful response stands for, and whether the server acted.
#pragma once

#include <cloudflare/api/envelope.hpp>
#include <cloudflare/core/config.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/http/response.hpp>

#include <optional>

namespace cloudflare::inline v0 {

/// The details that every error about a response has: status, `cf-ray`, `cf-auditlog-id` and
/// `Retry-After`.
[[nodiscard]] error_details details_of(http::response const& response);

/// What an error code of an endpoint means; empty for a code that it does not know.
using code_meaning = std::optional<errc> (*)(api_message const&);

/// Maps an unsuccessful response to an error. Any response is unsuccessful but a 2xx with
/// `success: true`.
///
/// For a response without an envelope the error has an excerpt of the body, unless that may be part
/// of a JSON text or is compressed: a create's response that was cut off would show part of its
/// secret.
///
/// @param e the response's envelope, if it has one
/// @param own the meaning of the endpoint's own error codes; null for those of service tokens.
/// Codes that the whole API shares are known without it
[[nodiscard]] error error_response(http::response const& response, std::optional<envelope> e,
                                   code_meaning own = nullptr);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/api/impl/error_response.ipp>
#endif
