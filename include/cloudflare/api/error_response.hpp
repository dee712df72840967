/// What an unsuccessful response means: its code, and whether the server acted.
#pragma once

#include <cloudflare/api/envelope.hpp>
#include <cloudflare/core/config.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/http/response.hpp>

#include <optional>

namespace cloudflare::inline v0 {

/// What every error about a response keeps of it.
[[nodiscard]] error_details details_of(http::response const& response);

/// What one of an endpoint's own error codes means; nothing where it does not know the code.
using code_meaning = std::optional<errc> (*)(api_message const&);

/// Maps an unsuccessful response, which is any but a 2xx with `success: true`, to an error.
///
/// Of a response without an envelope the error shows the first characters, unless they may be a
/// piece of JSON or are encoded (gzip): a create's response would show part of its secret.
///
/// @param e the response's envelope, where it has one
/// @param own the endpoint's own error codes, which count first; null for those of service tokens
[[nodiscard]] error error_response(http::response const& response, std::optional<envelope> e,
                                   code_meaning own = nullptr);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/api/impl/error_response.ipp>
#endif
