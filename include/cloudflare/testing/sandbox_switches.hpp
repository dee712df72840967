/// What nobody knows of the API for certain: each a switch of the sandbox.
#pragma once

#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cloudflare::inline v0::testing {

/// How the sandbox behaves where the API's documents are silent. The defaults are what is most
/// likely.
struct sandbox_switches {
    // What is kept where.
    std::string base_path = "/client/v4";
    std::size_t token_limit = 50; ///< service tokens an account
    std::string api_token;        ///< the only token accepted; empty: any
    bool read_permission = true;  ///< without it a list is empty, with status 200
    std::int64_t rate_limit = 0;  ///< requests in five minutes; 0: as many as you like

    // Create.
    int create_status = 201;
    int limit_status = 400;
    std::int64_t limit_code = 12130;
    std::string limit_message =
        "access.api.error.invalid_request: maximum number of service tokens has been reached";
    std::size_t max_name_length = 0; ///< in bytes; 0: no limit
    bool cfast_secrets = true;       ///< the form of 2026-08; else 64 hex digits

    // Rotate, refresh, update.
    bool rotate_raises_version = true;
    bool rotate_refuses_disabled = false;
    bool rotate_refuses_expired = false;
    bool zones_have_actions = false;       ///< rotate and refresh in a zone
    bool lower_version_is_refused = true;  ///< else it is passed over
    bool update_moves_expiry = false;      ///< an update without a duration does
    bool update_shows_secret = true;       ///< when it rotates
    bool delete_shows_token = true;        ///< else `result` is null
    bool shows_version_and_enabled = true; ///< old answers have neither
    /// What `expires_at` is for a token that lasts `forever`.
    timestamp forever_expires_at = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

    // List.
    bool name_is_substring = false; ///< `?name=` matches a part of the name
    bool ignores_page = false;      ///< every page is the first
    bool has_result_info = true;
    std::chrono::seconds list_lag{0}; ///< how long a new token is missing from lists
};

} // namespace cloudflare::inline v0::testing
