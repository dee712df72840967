#include "dry_run.hpp"

#include "printable.hpp"

#include <cloudflare/access/service_token_operations.hpp>
#include <cloudflare/api/make_request.hpp>

#include <algorithm>
#include <iterator>

namespace cf = cloudflare;

namespace {

// The fields that the client sets; the credentials' own are for the server only.
bool is_shown(std::string_view name) {
    constexpr std::string_view names[] = {"User-Agent", "Accept", "Accept-Encoding",
                                          "Content-Type"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string show(cf::http::request const& r) {
    auto const& to = r.origin;
    auto text = std::string(to_string(r.method)) + ' ' + (to.is_secure() ? "https://" : "http://") +
                to.authority() + r.target + '\n';
    for (auto const [name, value] : r.fields)
        text += std::string(name) + ": " +
                (is_shown(name) ? std::string(value) : std::string("[redacted]")) + '\n';
    return text + '\n' + printable(r.body) + '\n';
}

} // namespace

exit_status show_request_of_create(options const& o) {
    cf::access::create_params params(o.argument);
    if (o.duration) params.duration(*o.duration);
    if (o.enabled) params.enabled(*o.enabled);
    auto const request = cf::make_request(cf::access::create_service_token(*o.scope, params),
                                          *o.credentials, o.client);
    return request ? print(show(*request)) : fail(o, request.error());
}
