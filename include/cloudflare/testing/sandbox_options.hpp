/// Options of the sandbox: behaviours of the real API that are not documented, and limits.
#pragma once

#include <cloudflare/core/timestamp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cloudflare::inline v0::testing {

/// How the sandbox behaves where the API's documents do not say how the API does. The defaults are
/// the most likely behaviour. An aggregate, because no call takes it: see g++ 12's rules.
struct sandbox_options {
    // Access to the API.
    std::string base_path = "/client/v4"; ///< of the URL, without a slash at its end
    std::size_t token_limit = 50;         ///< service tokens an account
    std::string api_token;                ///< the only token accepted; empty: any
    bool read_permission = true;          ///< without it a list is empty, with status 200
    std::int64_t rate_limit = 0;          ///< requests in five minutes; 0: unlimited
    bool shows_rate_limit = true;         ///< in `Ratelimit`; else nothing shows it before the 429
    /// How long every request is refused after it was exceeded, counted anew from each refused
    /// request; 0: for the rest of the five minutes.
    std::chrono::seconds rate_ban{300};
    bool tells_retry_after = true; ///< whether a 429 has `Retry-After`
    // The error for bad input: names, durations, lower versions, rotating a disabled token.
    /// HTTP status.
    int refusal_status = 400;
    std::int64_t refusal_code = 12130; ///< in the envelope

    // Create.
    /// HTTP status of a success.
    int create_status = 201;
    /// HTTP status past `token_limit`.
    int limit_status = 400;
    std::int64_t limit_code = 12130; ///< in the envelope past `token_limit`
    /// In the envelope past `token_limit`.
    std::string limit_message =
        "access.api.error.invalid_request: maximum number of service tokens has been reached";
    std::size_t max_name_length = 0;      ///< in bytes; 0: no limit
    bool cuts_long_names = false;         ///< else they are refused
    bool trims_names = false;             ///< white space at their ends is removed
    std::chrono::seconds max_duration{0}; ///< longer is refused, `forever` too; 0: no limit
    bool cfast_secrets = true;            ///< the form of 2026-08; else 64 hexadecimal digits
    bool masks_secrets = false;           ///< later responses show asterisks in place of the secret
    bool shows_expiry_with_secret = true; ///< else create and rotate do not show `expires_at`

    // Rotate, refresh, update.
    bool rotate_raises_version = true;    ///< `client_secret_version` after `/rotate`
    bool rotate_refuses_disabled = false; ///< else a disabled token is rotated
    bool rotate_refuses_expired = false;  ///< else an expired token is rotated
    bool zones_have_actions = false;      ///< rotate and refresh in a zone
    bool lower_version_is_refused = true; ///< else it is ignored
    bool update_moves_expiry = false;     ///< even without a new duration
    bool update_shows_secret = true;      ///< of an update that rotates it
    bool refresh_uses_duration = false;   ///< else it is one year, whatever the token's duration
    bool shows_previous_expiry = true;    ///< also in get and list
    /// The longest grace period, to which a later end is cut; 0: no limit. The second is for an end
    /// that comes with the rotation itself.
    std::chrono::seconds max_grace{0};
    /// That of a rotation.
    std::chrono::seconds max_grace_of_rotation{0};
    bool delete_shows_token = true;        ///< else `result` is null
    bool shows_version_and_enabled = true; ///< old responses have neither
    /// The `expires_at` of a token that lasts `forever`.
    timestamp forever_expires_at = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

    // List.
    bool filters_by_name = true;      ///< else `?name=` is ignored
    bool filters_by_search = true;    ///< else `?search=` is
    bool name_is_substring = false;   ///< `?name=` matches a part of the name
    std::int64_t max_per_page = 1000; ///< a larger `per_page` is cut to this
    bool ignores_page = false;        ///< every page is the first
    bool has_result_info = true;      ///< else a list has none
    std::chrono::seconds list_lag{0}; ///< how long lists do not show a new token
};

} // namespace cloudflare::inline v0::testing
