// Who refused a request to an application behind Access: Access, Cloudflare's edge before it, or the application.
#pragma once

#include <cloudflare/access/access_headers.hpp>
#include <cloudflare/http/response.hpp>

#include <string_view>

enum class refused_by {
    nobody,
    access,      // the token: expired, disabled, deleted, another secret; or no policy lets it in
    edge,        // before Access looked: a firewall rule, or a User-Agent that looks like a robot's
    application, // the token was let in; what the application says is its own affair
};

/// What to tell the person who runs the program.
constexpr std::string_view explain(refused_by who) {
    switch (who) {
    case refused_by::nobody: return "let in";
    case refused_by::access:
        return "Access refused the token: is it expired, disabled or rotated? Is there a policy "
               "with the action Service "
               "Auth that names it?";
    case refused_by::edge:
        return "Cloudflare's edge refused the request before Access saw it: send a User-Agent";
    case refused_by::application:
        return "Access let the token in; the application refused the request";
    }
    return "";
}

/// By status and headers. A redirect must not have been followed: it leads to a login page, whose 200 looks like a success.
inline refused_by who_refused(cloudflare::http::response const& response) {
    if (cloudflare::access::is_access_refusal(response)) return refused_by::access;
    bool const is_plain =
        std::string_view(response.body).starts_with("error code: 1"); // e.g. 1010, 1020
    if (response.status == 403 && is_plain) return refused_by::edge;
    return response.status < 400 ? refused_by::nobody : refused_by::application;
}
