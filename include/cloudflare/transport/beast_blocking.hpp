/// The Beast transport for code without coroutines: each call blocks its thread.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/blocking.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/transport.hpp>

#include <memory>

namespace cloudflare::inline v0 {

namespace detail::beast {
class blocking_state;
}

/// Like `beast_transport`, but each call blocks its thread. An `io_context` of its own runs only
/// while a connection is opened; requests are sent and responses read without one.
///
/// Threads: a handle; copies share the connections, and only one thread at a time may use any of
/// them. Cancellation: none; a call ends with its response, its failure or its deadline. Fork: a
/// child process opens its own connections, and leaves those of its parent alone.
class blocking_beast_transport {
public:
    template <class T>
    using task = blocking<T>;

    /// Connects to nothing yet.
    explicit blocking_beast_transport(beast_options options = beast_options());

    // The three functions of a `transport`.
    [[nodiscard]] task<result<http::response>> send(http::request const& r,
                                                    time_point deadline) const;
    [[nodiscard]] task<void> sleep_until(time_point t) const;
    [[nodiscard]] time_point now() const noexcept { return time_point::clock::now(); }

    /// How many connections there are now; no call ever waits for one. An idle connection counts
    /// until it is closed, perhaps by the next request.
    [[nodiscard]] connection_counts connections() const;

private:
    std::shared_ptr<detail::beast::blocking_state> state_;
};

static_assert(transport<blocking_beast_transport>);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/transport/impl/beast_blocking.ipp>
#endif
