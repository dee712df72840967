/// The definitions of the service tokens.
#pragma once

#include <cloudflare/access/service_token.hpp>
#include <cloudflare/json/object_reader.hpp>

#include <utility>

namespace cloudflare::inline v0::access {

CLOUDFLARE_DECL void service_token::read(json_object_reader& in) {
    in.required("id", id);
    in.optional("client_id", client_id);
    in.optional("name", name);
    in.optional("duration", duration);
    in.optional("enabled", enabled);
    in.optional("client_secret_version", client_secret_version);
    in.optional("created_at", created_at);
    in.optional("updated_at", updated_at);
    in.optional("expires_at", expires_at);
    in.optional("last_seen_at", last_seen_at);
    in.optional("previous_client_secret_expires_at", previous_client_secret_expires_at);
}

CLOUDFLARE_DECL result<service_token> service_token::from_json(json_value v) {
    json_object_reader in(v);
    service_token token;
    in.required("client_id", token.client_id);
    token.read(in);
    return in.finish(std::move(token));
}

CLOUDFLARE_DECL result<issued_service_token> issued_service_token::from_json(json_value v) {
    json_object_reader in(v);
    issued_service_token token;
    token.read(in);
    in.optional("client_secret", token.client_secret);
    if (token.client_secret.empty() && !token.id.empty())
        return error(errc::secret_missing, "service token " + token.id);
    return in.finish(std::move(token));
}

CLOUDFLARE_DECL result<updated_service_token> updated_service_token::from_json(json_value v) {
    json_object_reader in(v);
    updated_service_token token;
    token.read(in);
    in.optional("client_secret", token.client_secret);
    return in.finish(std::move(token));
}

CLOUDFLARE_DECL result<issued_service_token> as_issued(updated_service_token updated) {
    if (!updated.client_secret)
        return error(errc::secret_missing, error_details{.delivery = delivery::accepted});
    issued_service_token token;
    token.client_secret = std::move(*updated.client_secret);
    static_cast<service_token&>(token) = static_cast<service_token&&>(std::move(updated));
    return token;
}

} // namespace cloudflare::inline v0::access
