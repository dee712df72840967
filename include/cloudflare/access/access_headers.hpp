/// Using a service token: the headers that pass Cloudflare Access, and how to recognize its
/// refusal.
#pragma once

#include <cloudflare/core/secret.hpp>
#include <cloudflare/http/response.hpp>

#include <string_view>

namespace cloudflare::inline v0::access {

/// Sets `CF-Access-Client-Id` and `CF-Access-Client-Secret` in a request to a protected
/// application.
///
/// @return `errc::invalid_argument` for an id or a secret that is empty or no header value; then
/// `fields` is unchanged
[[nodiscard]] inline result<void>
add_access_headers(http::headers& fields, std::string_view client_id, secret const& client_secret) {
    if (client_id.empty()) return error(errc::invalid_argument, "client id: must not be empty");
    if (client_secret.empty())
        return error(errc::invalid_argument, "client secret: must not be empty");
    http::headers checked; // both or none
    auto ok = checked.add("CF-Access-Client-Id", client_id);
    if (ok) ok = checked.add("CF-Access-Client-Secret", client_secret.reveal());
    for (auto const [name, value] : checked)
        if (ok) ok = fields.set(name, value);
    return ok;
}

/// Whether a response comes from Access, which refused the token, and not from the application: a
/// redirect to the team's login page, which must not be followed, or a `WWW-Authenticate` with
/// `Cloudflare-Access`. The 401 or 403 of strict mode has one of these headers, too.
///
/// Source: developers.cloudflare.com/cloudflare-one, service tokens; changelog of 2026-10-02.
[[nodiscard]] inline bool is_access_refusal(http::response const& response) noexcept {
    for (auto const [name, value] : response.fields)
        if (http::same_name(name, "WWW-Authenticate") &&
            value.find("Cloudflare-Access") != value.npos)
            return true;
    if (response.status < 300 || response.status >= 400) return false;
    std::string_view host = response.fields.find("Location");
    auto const scheme_end = host.find("://");
    if (scheme_end == host.npos) return false;
    host.remove_prefix(scheme_end + 3);
    host = host.substr(0, host.find_first_of("/?#:"));
    constexpr std::string_view domain = ".cloudflareaccess.com";
    return host.size() > domain.size() &&
           http::same_name(host.substr(host.size() - domain.size()), domain);
}

} // namespace cloudflare::inline v0::access
