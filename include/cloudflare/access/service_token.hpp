/// The service token, as the API shows it, alone and with its secret.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/core/token_duration.hpp>
#include <cloudflare/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace cloudflare::inline v0::access {

/// A service token without its secret. A member that the API may leave out is optional.
struct service_token {
    std::string id;                         ///< UUID; names the token in paths and in policies
    std::string client_id;                  ///< goes into `CF-Access-Client-Id`
    std::string name;                       ///< any string; several tokens may have the same
    std::optional<token_duration> duration; ///< as it was sent
    std::optional<bool> enabled;            ///< empty counts as true: old responses lack it
    std::optional<std::int64_t> client_secret_version; ///< from 1; raising it rotates the secret
    std::optional<timestamp> created_at;               ///< by the server's clock
    /// By the server's clock; every change moves it, a rotation too.
    std::optional<timestamp> updated_at;
    /// Set for tokens that last `forever` too: ask `expires_within`.
    std::optional<timestamp> expires_at;
    std::optional<timestamp> last_seen_at; ///< empty: never used
    /// Until when the previous secret is accepted; empty: the token was never rotated.
    std::optional<timestamp> previous_client_secret_expires_at;

    /// Whether the token has expired by `now + span`; false for one that lasts `forever`.
    [[nodiscard]] bool expires_within(std::chrono::seconds span, timestamp now) const noexcept {
        if (duration && duration->is_forever()) return false;
        return expires_at && *expires_at <= now.plus(span);
    }

    /// Reads the API's `result` object. Required are `id` and `client_id`.
    [[nodiscard]] static result<service_token> from_json(json_value v);

protected:
    /// Reads the members of the API's `result` object.
    void read(json_object_reader& in);
};

/// What create and rotate return: the only time that the secret is shown.
struct issued_service_token : service_token {
    secret client_secret; ///< goes into `CF-Access-Client-Secret`

    /// Reads the API's `result` object. Required is `id`; a response without a secret is
    /// `errc::secret_missing`. Any other member that is missing or malformed is ignored, so that
    /// the secret is not lost.
    [[nodiscard]] static result<issued_service_token> from_json(json_value v);
};

/// What update returns; an update that raised `client_secret_version` returns the new secret.
///
/// Source: acceptance tests of Cloudflare's Terraform provider; the API's document does not say so.
struct updated_service_token : service_token {
    std::optional<secret> client_secret; ///< empty: the secret has not changed

    /// Reads the API's `result` object. Required is `id`.
    [[nodiscard]] static result<updated_service_token> from_json(json_value v);
};

/// The result of an update that rotated the secret, as that of a rotate; `errc::secret_missing` if
/// it rotated nothing.
[[nodiscard]] result<issued_service_token> as_issued(updated_service_token updated);

/// One line, e.g. `service token f174e90a-... "ci", client id 88bf.access, 8760h, version 2,
/// expires 2026-11-27T00:00:00Z`. The name, which may be any text, is made printable.
inline std::ostream& operator<<(std::ostream& out, service_token const& t) {
    using cloudflare::detail::redact_own;
    out << "service token " << redact_own(t.id, 100) << " \"" << redact_own(t.name, 200) << '"';
    if (!t.client_id.empty()) out << ", client id " << redact_own(t.client_id, 100);
    if (t.duration) out << ", " << *t.duration;
    if (t.client_secret_version) out << ", version " << *t.client_secret_version;
    if (t.expires_at) out << ", expires " << *t.expires_at;
    if (!t.enabled.value_or(true)) out << ", disabled";
    return out;
}
inline std::ostream& operator<<(std::ostream& out, issued_service_token const& t) {
    return out << static_cast<service_token const&>(t) << ", client secret " << t.client_secret;
}
inline std::ostream& operator<<(std::ostream& out, updated_service_token const& t) {
    out << static_cast<service_token const&>(t);
    if (t.client_secret) out << ", client secret " << *t.client_secret;
    return out;
}

} // namespace cloudflare::inline v0::access

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/access/impl/service_token.ipp>
#endif
