/// What the calls of one client share.
#pragma once

#include <cloudflare/api/client_options.hpp>
#include <cloudflare/api/credentials.hpp>
#include <cloudflare/api/limiter.hpp>
#include <cloudflare/api/retry.hpp>
#include <cloudflare/api/server_clock.hpp>
#include <cloudflare/http/detail/header_buffer_pool.hpp>

#include <utility>

namespace cloudflare::inline v0 {

namespace detail {
class attempts;
}

/// The credentials and options of several calls, and the state that the calls share: retry budget,
/// limiter, the server's clock, and memory for header fields. `client` has one of its own; a
/// program that drives `call` itself makes one for all its calls:
///
///     auto const context = std::make_shared<call_context>(credentials, options);
///     call<get_zone> call(context, get_zone{.id = id});
///
/// Threads: calls on several threads may share one, if the authorization strategy in the
/// credentials allows it.
class call_context {
public:
    /// A context for any number of calls.
    explicit call_context(cloudflare::credentials const& credentials,
                          client_options options = client_options())
        : credentials_(credentials),
          options_(std::move(options)),
          budget_(options_.retry_budget()),
          limiter_(options_.limiter().value_or(limiter())) {}
    call_context(call_context const&) = delete;
    call_context& operator=(call_context const&) = delete;

    /// With which every request is authorized.
    [[nodiscard]] cloudflare::credentials const& credentials() const noexcept {
        return credentials_;
    }
    /// As given.
    [[nodiscard]] client_options const& options() const noexcept { return options_; }
    /// The server's time, from the `Date` of its responses.
    [[nodiscard]] cloudflare::server_clock const& server_clock() const noexcept { return clock_; }

private:
    friend class detail::attempts;
    template <class Op>
    friend class call;

    cloudflare::credentials credentials_;
    client_options options_;
    retry_budget budget_;
    limiter limiter_;
    cloudflare::server_clock clock_;
    detail::header_buffer_pool spare_fields_;
};

} // namespace cloudflare::inline v0
