/// A value of each type that is printed, made of a secret wherever one can be.
#pragma once

#include <cloudflare/access.hpp>
#include <cloudflare/access/current_secret.hpp>
#include <cloudflare/access/presence.hpp>
#include <cloudflare/access/reconcile.hpp>
#include <cloudflare/access/renewer.hpp>
#include <cloudflare/access/rotator.hpp>
#include <cloudflare/api/base_url.hpp>
#include <cloudflare/api/trace.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/proxy.hpp>

#include <string>

namespace printed_values {

using namespace cloudflare;

/// Has the form of a client secret.
inline std::string const shown_once =
    "bdd31cbc4dec990953e39163fbbb194c93313ca9f0a6e420346af9d326b1d2a5";

inline http::headers secret_headers() {
    http::headers fields;
    static_cast<void>(access::add_access_headers(fields, "88bf.access", secret(shown_once)));
    return fields;
}

/// Calls `f` with each value.
template <class F>
void for_each_printed(F f) {
    using namespace access;
    auto const account = account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    auto const zone = zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    auto const origin = http::origin::parse("https://api.example").value();
    error const why(errc::api_refused, "it said " + redact(shown_once));
    issued_service_token made;
    made.id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
    made.client_id = "88bf.access";
    made.name = "ci\n" + shown_once;
    made.client_secret = secret(shown_once);
    updated_service_token updated;
    updated.client_secret = made.client_secret;
    http::request request{.origin = origin, .fields = secret_headers()};
    request.body = shown_once;
    http::response response{.status = 200, .fields = secret_headers()};
    response.body = shown_once;
    held_secret held{.token = {.token_id = made.id, .client_id = made.client_id},
                     .client_secret = made.client_secret};
    held.token.key = shown_once;
    intent begun(std::string(32, '0'), account, shown_once);
    begun.note = shown_once;
    reconciled settled;
    settled.kept.push_back(made.id);
    settled.failed.push_back({begun, why});
    renewal_report report;
    report.tokens.push_back({.key = shown_once, .token_id = made.id, .failure = why});
    connection_event connection{.change = connection_change::closed, .origin = origin};
    connection.failure = &why;

    f(errc::not_found), f(condition::network), f(why), f(delivery::unknown);
    f(stop_reason::deadline), f(idempotency::revokes), f(made.client_secret);
    f(timestamp()), f(token_duration::hours(2));
    f(http::method::get), f(origin), f(request), f(response);
    f(api_key::make("a@b.example", shown_once).value());
    f(api_token::make(shown_once).value());
    f(credentials(api_token::make(shown_once).value()));
    f(base_url::parse("https://api.example/v4").value()), f(rate_limit{.remaining = 3});
    f(trace_event{.operation = "create", .cf_ray = shown_once, .failure = &why});
    f(close_reason::stale), f(connection_change::opened), f(connection_counts()), f(connection);
    f(proxy::parse("http://user:" + shown_once + "@127.0.0.1:3128").value());
    f(account), f(zone), f(any_scope(zone));
    f(static_cast<service_token const&>(made)), f(made), f(updated);
    f(create_params(shown_once)), f(update_params().name(shown_once));
    f(list_params().search(shown_once)), f(rotate_params());
    f(begun), f(begun.purpose), f(begun.state), f(presence::absent);
    f(issued(made)), f(rotated(made, timestamp())), f(settled);
    f(held.token), f(held), f(renewal_action::rotate), f(renewal_plan()), f(report);
    f(settled.failed[0]), f(report.tokens[0]);
    f(renewal_state::lost);
}

} // namespace printed_values
