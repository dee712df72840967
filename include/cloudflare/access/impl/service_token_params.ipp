/// The definitions of the service tokens' parameters.
#pragma once

#include <cloudflare/access/service_token_params.hpp>
#include <cloudflare/json/writer.hpp>

#include <string>
#include <utility>

namespace cloudflare::inline v0::access {

CLOUDFLARE_DECL result<void> detail::token_settings::check() const {
    if (name && name->empty()) return error(errc::invalid_argument, "name: must not be empty");
    if (name && !is_utf8(*name)) return error(errc::invalid_argument, "name: must be UTF-8");
    if (client_secret_version && *client_secret_version < 1)
        return error(errc::invalid_argument, "client_secret_version: must be 1 or more");
    return {};
}

CLOUDFLARE_DECL std::string detail::token_settings::body() const {
    json_object_writer json;
    if (name) json.add("name", *name);
    if (duration) json.add("duration", duration->str());
    if (enabled) json.add("enabled", *enabled);
    if (client_secret_version) json.add("client_secret_version", *client_secret_version);
    if (previous_client_secret_expires_at)
        json.add("previous_client_secret_expires_at",
                 previous_client_secret_expires_at->to_string());
    return std::move(json).finish();
}

CLOUDFLARE_DECL std::string rotate_params::body() const {
    json_object_writer json;
    if (until_) json.add("previous_client_secret_expires_at", until_->to_string());
    return std::move(json).finish();
}

} // namespace cloudflare::inline v0::access
