/// Makes the request of an operation: pure, for clients and for other HTTP stacks.
#pragma once

#include <cloudflare/api/call_options.hpp>
#include <cloudflare/api/client_options.hpp>
#include <cloudflare/api/credentials.hpp>
#include <cloudflare/api/operation.hpp>
#include <cloudflare/http/request.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

/// Credentials do not cross a network unencrypted, unless the options allow it.
[[nodiscard]] inline result<void> check_base_url(client_options const& options) {
    auto const& origin = options.base_url().origin();
    if (origin.is_secure() || origin.is_loopback() || options.allow_insecure_http()) return {};
    return error(
        errc::invalid_argument,
        "base URL: must be https, because http would send the credentials unencrypted to " +
            origin.host() + " (client_options::allow_insecure_http allows it)");
}

/// The fields that the client sets itself.
inline constexpr std::string_view own_names[] = {"User-Agent", "Accept", "Content-Type"};

/// Checks the fields that an authorization strategy added: none is reserved, set by the client, or
/// set twice.
///
/// @return the broken rule; empty where they can be sent
[[nodiscard]] inline std::optional<error> refuse_strategy_fields(http::headers const& fields) {
    auto const refuse = [](std::string_view name, char const* rule) {
        return error(errc::invalid_credentials,
                     "credentials: header " + std::string(name) + ": " + rule);
    };
    for (auto it = fields.begin(); it != fields.end();) {
        auto const name = (*it).name;
        if (http::is_reserved(name)) return refuse(name, "is set by the library only");
        if (http::detail::is_one_of<own_names>(name)) return refuse(name, "is set by the client");
        ++it;
        if (std::any_of(it, fields.end(),
                        [&](http::headers::field f) { return http::same_name(f.name, name); }))
            return refuse(name, "must be set once");
    }
    return std::nullopt;
}

[[nodiscard]] inline result<void> add_fields(http::headers& fields,
                                             cloudflare::credentials const& credentials,
                                             client_options const& options,
                                             call_options const& call, bool has_body) {
    if (call.bad_header()) return *call.bad_header();
    fields.reserve(384);
    auto ok = credentials.authorize(fields);
    if (!ok) return ok;
    if (auto const refused = refuse_strategy_fields(fields)) return *refused;
    ok = fields.add("User-Agent", options.user_agent());
    fields.add_line_unchecked("Accept: application/json\r\n");
    fields.add_line_unchecked("Accept-Encoding: identity\r\n");
    if (has_body) fields.add_line_unchecked("Content-Type: application/json\r\n");
    for (auto const [name, value] : call.fields())
        if (ok) ok = fields.set(name, value);
    return ok;
}

} // namespace detail

/// The request of an operation, including the credentials. It is made anew for every attempt,
/// because an authorization strategy may change what it adds.
///
/// @param memory empty headers, whose memory is reused
/// @return the request; or an error of the operation's parameters, the base URL, the credentials or
/// a header field, with the delivery `not_sent`
template <operation O>
[[nodiscard]] result<http::request>
make_request(O const& op, cloudflare::credentials const& credentials, client_options const& options,
             call_options const& call = call_options(), http::headers memory = http::headers()) {
    auto target = op.target();
    if (!target) return detail::not_sent(target.error());
    if (auto const ok = http::check_target(*target); !ok) return ok.error();
    if (auto const ok = detail::check_base_url(options); !ok) return ok.error();

    http::request r{.origin = options.base_url().origin(), .method = O::method};
    r.target = std::move(target->insert(0, options.base_url().path()));
    r.repeatable = is_repeatable(op.idempotency);
    r.fields = std::move(memory);
    if constexpr (detail::has_body_result<O>) {
        auto body = op.body();
        if (!body) return detail::not_sent(body.error());
        r.body = std::move(*body);
    } else if constexpr (detail::has_body<O>) {
        r.body = op.body();
    }
    auto const ok = detail::add_fields(r.fields, credentials, options, call, detail::has_body<O>);
    if (!ok) return detail::not_sent(ok.error());
    return r;
}

} // namespace cloudflare::inline v0
