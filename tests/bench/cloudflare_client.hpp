/// A client of this library as its users make one, for any transport.
#pragma once

#include "arguments.hpp"
#include "sample.hpp"

#include <cloudflare/access.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast_options.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace bench {

inline cloudflare::beast_options transport_options(arguments const& given) {
    cloudflare::beast_options options;
    options.max_idle_connections(given.concurrency);
    if (!given.ca_file.empty()) options.ca_file(given.ca_file);
    return options;
}

/// A limit that no task reaches.
inline cloudflare::limiter_options wide_limit() {
    return cloudflare::limiter_options()
        .permits(100'000)
        .window(std::chrono::seconds(1))
        .burst(100'000)
        .spread(std::chrono::seconds(0));
}

template <class Transport>
auto service_tokens_over(Transport transport, arguments const& given) {
    namespace access = cloudflare::access;
    cloudflare::client client(std::move(transport),
                              cloudflare::api_token::make(sample::api_token).value(),
                              cloudflare::client_options()
                                  .base_url(cloudflare::base_url::parse(given.base_url).value())
                                  .limiter(cloudflare::limiter::off()));
    return access::service_tokens(client, access::account_scope::parse(sample::account).value());
}

/// The parameters of one create.
inline cloudflare::access::create_params create_params() {
    return cloudflare::access::create_params(std::string(sample::name))
        .duration(cloudflare::token_duration::hours(8760));
}

} // namespace bench
