/// The default transport: HTTP/1.1 over TCP or TLS with Asio coroutines, Beast's parser and
/// OpenSSL.
#pragma once

#include <cloudflare/core/config.hpp>
#include <cloudflare/transport/beast_options.hpp>
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
/// Connections are kept alive and used again; a new one tries the addresses of a name by turns
/// (RFC 8305), and resumes an earlier TLS session. TLS is 1.2 or newer, with SNI and the protocol
/// `http/1.1`; the peer's chain is checked against the system's CA certificates, which are read once,
/// or a given file, and its alternative names against the host (RFC 9525). No redirect is followed.
/// A kept connection is checked before a request goes out on it: if anything is unread there, the
/// connection is closed, so that this is never taken for the response.
///
/// A handle: copies share the connections. It must not outlive the execution context behind its
/// executor.
///
/// Threads: several may run that context, and several calls may be under way at once. A call that
/// may be cancelled runs on a strand, or on a context that one thread runs, and its cancellation
/// signal is emitted there: a `cancellation_signal` is not for two threads at once.
///
/// Deadline: a request ends by it whatever it waits for. A name look-up that the system does not end
/// is abandoned on its own thread, and nothing waits for it.
///
/// Cancellation (Asio's per-operation cancellation, of type `terminal`): a call that is under way
/// ends with `errc::cancelled` and throws nothing, and `delivery` says whether the request may have
/// arrived. What was not sent by then is not sent later. From then on `throw_if_cancelled` is off in
/// the coroutine, so that the result of a call, perhaps a secret, can still be stored; the coroutine sees
/// by `this_coro::cancellation_state` that it was cancelled.
///
/// Processes: a child that is forked off opens connections of its own, and does not touch those of
/// its parent. The context must be told of the fork, as Asio wants it (`notify_fork`).
class beast_transport {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// @param executor what the sockets and timers belong to
    explicit beast_transport(boost::asio::any_io_executor executor,
                             beast_options options = beast_options());

    [[nodiscard]] task<result<http::response>> send(http::request const& r,
                                                    time_point deadline) const;
    [[nodiscard]] task<void> sleep_until(time_point t) const;
    [[nodiscard]] time_point now() const noexcept { return time_point::clock::now(); }

    /// Runs a task to its end even if its awaiter is cancelled meanwhile or was before: for what must
    /// not be left half done. Runs on the awaiting coroutine's executor.
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

    /// What the sockets and timers belong to.
    [[nodiscard]] boost::asio::any_io_executor get_executor() const noexcept;

    /// Closes the idle connections. Those in use are left alone.
    void close_idle() const noexcept;

    /// Shuts down gracefully: idle connections are closed, calls that have a connection run to their
    /// end, and those that wait for one or begin later give `errc::cancelled`, `not_sent`.
    void shutdown() const noexcept;

private:
    std::shared_ptr<detail::beast::transport_state> state_;
};

static_assert(transport<beast_transport>);

} // namespace cloudflare::inline v0

#ifndef CLOUDFLARE_SEPARATE_COMPILATION
#include <cloudflare/transport/impl/beast.ipp>
#endif
