/// Cloudflare's envelope: `success`, `errors`, `messages`, `result` and `result_info` around each
/// response.
#pragma once

#include <cloudflare/api/page.hpp>
#include <cloudflare/core/config.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/json/document.hpp>

#include <optional>
#include <vector>

namespace cloudflare::inline v0 {

/// A parsed envelope. `result` refers to the document it was read from.
struct envelope {
    bool success = false;                ///< as the API says; false where it says nothing
    std::vector<api_message> errors{};   ///< why there is no success
    std::vector<api_message> messages{}; ///< notes, also of a success
    json_value result{};                 ///< JSON's null where it is absent
    result_info info{};                  ///< of a list
};

/// Reads the envelope in `document`; empty where it is not an object with a boolean `success`.
[[nodiscard]] std::optional<envelope> read_envelope(json_document const& document);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/api/impl/envelope.ipp>
#endif
