// A program to be looked at in gdb: values with secrets, and a function that takes one.
#include <cloudflare/access.hpp>
#include <cloudflare/access/intent.hpp>

#include <string>

namespace cfa = cloudflare::access;
namespace http = cloudflare::http;

/// Where gdb stops.
[[gnu::noinline]] static void use(cloudflare::secret secret, cloudflare::secret const& same,
                                  cfa::issued_service_token const& token) {
    asm volatile("" : : "r"(&secret), "r"(&same), "r"(&token) : "memory");
}

int main() {
    using cloudflare::errc;
    std::string_view const shown_once = "hunter2-is-the-secret";
    cloudflare::secret const secret(shown_once);
    cloudflare::secret const nothing;
    auto const duration = cloudflare::token_duration::parse("2h45m").value();
    auto const moment = cloudflare::timestamp::parse("2026-11-27T08:05:09.25Z").value();
    auto const account = cfa::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    cfa::any_scope const scope = cfa::zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    cfa::issued_service_token token;
    token.id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
    token.client_id = "88bf3b6d.access";
    token.name = "ci";
    token.duration = duration;
    token.expires_at = moment;
    token.client_secret = secret;
    cloudflare::result<cfa::issued_service_token> const result = token;
    cloudflare::error const error(
        errc::token_in_use,
        cloudflare::error_details{.explanation = "bound to a policy", .http_status = 400});
    cloudflare::error const bare(errc::not_found);
    cloudflare::error const none;
    cloudflare::result<cfa::issued_service_token> const failed = error;
    cloudflare::result<void> const done;
    http::headers fields;
    static_cast<void>(cfa::add_access_headers(fields, token.client_id, secret));
    cloudflare::wiped_string const bytes(shown_once);
    http::response const response{
        .status = 201, .fields = fields, .body = cloudflare::wiped_string(shown_once)};
    auto const origin = http::origin::parse("https://api.example:8443").value();
    auto const credentials = cloudflare::api_token::make("hunter2-is-the-secret").value();
    http::request const request{.origin = origin, .fields = fields};
    cfa::updated_service_token const updated;
    cfa::intent const intent(std::string(32, '0'), scope, "ci");
    auto const key = cloudflare::api_key::make("a@b.example", shown_once).value();
    cloudflare::credentials const any = credentials;
    cfa::zone_scope const zone = cfa::zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    use(secret, secret, token);
    return request.repeatable && !updated.enabled && !intent.tag.empty() &&
                   zone.id() == account.id()
               ? 0
               : 1;
}
