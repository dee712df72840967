/// The default transport: HTTP/1.1 over TCP or TLS with Asio coroutines, Beast's parser and
/// OpenSSL.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/transport.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail::beast {
class transport_state;
}

/// A transport whose calls are `boost::asio::awaitable`.
///
/// Connections are kept and used again. A new one tries the addresses of a host alternately (RFC
/// 8305), and resumes an earlier TLS session. TLS is 1.2 or newer, with SNI and the ALPN protocol
/// `http/1.1`. The server's chain is verified against the system's CA certificates, which are read
/// once, or those of a given file, and its alternative names against the host (RFC 9525). No
/// redirect is followed. Before a request is sent on a kept connection, the connection is checked:
/// if there is anything to read, it is closed, so that unsolicited bytes are never taken for the
/// response.
///
/// A handle: copies share the connections. It must not outlive the execution context behind its
/// executor.
///
/// Threads: several threads may run that context, and several calls may be under way at once. A
/// call that may be cancelled must run on a strand, or on a context that a single thread runs, and
/// its cancellation signal must be emitted there, because a `cancellation_signal` is not
/// thread-safe.
///
/// Deadline: a request ends by it whatever it waits for. As the system's name look-up cannot be
/// interrupted, it runs on a thread of its own and is abandoned there; nothing waits for it.
///
/// Cancellation (Asio's per-operation cancellation, of type `terminal`): a call that is under way
/// ends with `errc::cancelled` and throws nothing, and `delivery` says whether the request may have
/// arrived. A request that was not sent by then is never sent. From then on `throw_if_cancelled` is
/// off in the coroutine, so that the result of a call, perhaps a secret, can still be stored;
/// `this_coro::cancellation_state` tells the coroutine that it was cancelled.
///
/// Fork: a child process opens its own connections, and leaves those of its parent alone. The
/// context must be notified of the fork (`notify_fork`), as always with Asio.
class beast_transport {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// @param executor runs the sockets and timers
    explicit beast_transport(boost::asio::any_io_executor executor,
                             beast_options options = beast_options());

    // The three functions of a `transport`.
    [[nodiscard]] task<result<http::response>> send(http::request const& r,
                                                    time_point deadline) const;
    [[nodiscard]] task<void> sleep_until(time_point t) const;
    [[nodiscard]] time_point now() const noexcept { return time_point::clock::now(); }

    /// Runs a task to its end even if the awaiting coroutine was or will be cancelled: for what
    /// must not be left half done, e.g. storing a secret. It runs on the awaiting coroutine's
    /// executor.
    template <class T>
    [[nodiscard]] task<T> shield(task<T> protected_task) const {
        namespace this_coro = boost::asio::this_coro;
        bool const throws = co_await this_coro::throw_if_cancelled();
        co_await this_coro::throw_if_cancelled(false);
        auto const executor = co_await this_coro::executor;
        // A separate coroutine with an unconnected cancellation slot: nothing cancels it.
        auto pending = boost::asio::co_spawn(
            executor, std::move(protected_task),
            boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                boost::asio::use_awaitable));
        auto given = co_await std::move(pending);
        auto const state = co_await this_coro::cancellation_state;
        if (state.cancelled() == boost::asio::cancellation_type::none)
            co_await this_coro::throw_if_cancelled(throws);
        co_return given;
    }

    /// The executor that runs the sockets and timers.
    [[nodiscard]] boost::asio::any_io_executor get_executor() const noexcept;

    /// How many connections there are now, and how many calls wait for one. An idle connection
    /// counts until it is closed, perhaps by the next request. Thread-safe.
    [[nodiscard]] connection_counts connections() const;

    /// Closes the idle connections; those in use are not affected. Thread-safe.
    void close_idle() const noexcept;

    /// Shuts down gracefully: idle connections are closed, and calls that have a connection run to
    /// their end. Calls that wait for a connection, and all later ones, end with `errc::cancelled`
    /// and the delivery `not_sent`. Thread-safe.
    void shutdown() const noexcept;

private:
    std::shared_ptr<detail::beast::transport_state> state_;
};

static_assert(transport<beast_transport>);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/transport/impl/beast.ipp>
#endif
