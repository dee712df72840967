/// What an answer that is no success means: its code, and whether the server acted.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/protocol/envelope.hpp>

#include <optional>

namespace cloudflare::inline v0 {

/// What every error about an answer keeps of it.
[[nodiscard]] error_details details_of(http::response const& answer);

/// The error that an answer stands for which is not a 2xx with `success: true`.
///
/// @param e the answer's envelope, where it has one
[[nodiscard]] error refusal(http::response const& answer, std::optional<envelope> e);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/protocol/refusal_impl.hpp>
#endif
