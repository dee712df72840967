// Code of a user's, to be tested: a token for a deployment, and what is told the person who started it.
#pragma once

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>

#include <string>

/// Works with any client, so with one over `scripted_transport`, too.
template <class Client>
std::string token_for_deployment(Client client, std::string const& account) {
    auto const scope = cloudflare::access::account_scope::parse(account);
    if (!scope) return scope.error().to_string();
    cloudflare::access::service_tokens tokens(client, *scope);
    auto const token = tokens
                           .create(cloudflare::access::create_params("deploy").duration(
                               cloudflare::token_duration::hours(24)))
                           .get();
    if (token) return "made " + token->id;
    if (token.error().may_have_acted()) return "look for a token named deploy: there may be one";
    if (token.error() == cloudflare::condition::limit_reached) return "delete a token first";
    return token.error().to_string();
}
