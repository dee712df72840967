/// The Beast transport for code without coroutines: each call blocks its thread.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/blocking.hpp>
#include <cloudflare/transport/transport.hpp>

#include <memory>

namespace cloudflare::inline v0 {

namespace detail::beast {
class blocking_state;
}

/// As `beast_transport`, but each call blocks its thread: a connection is opened by an `io_context` of
/// its own, which runs meanwhile, and used without one.
///
/// A handle: copies share the connections, and only one thread at a time may use them. There is no
/// cancellation; the deadline ends a call. A child process that is forked off opens connections of
/// its own.
class blocking_beast_transport {
public:
    template <class T>
    using task = blocking<T>;

    explicit blocking_beast_transport(beast_options options = beast_options());

    [[nodiscard]] task<result<http::response>> send(http::request const& r,
                                                    time_point deadline) const;
    [[nodiscard]] task<void> sleep_until(time_point t) const;
    [[nodiscard]] time_point now() const noexcept { return time_point::clock::now(); }

private:
    std::shared_ptr<detail::beast::blocking_state> state_;
};

static_assert(transport<blocking_beast_transport>);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/transport/impl/beast_blocking.ipp>
#endif
