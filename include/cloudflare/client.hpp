/// The client: credentials, options and a transport, and `call(operation)`.
#pragma once

#include <cloudflare/api/call.hpp>
#include <cloudflare/api/call_context.hpp>
#include <cloudflare/core/detail/splitmix64.hpp>
#include <cloudflare/core/detail/system_random.hpp>
#include <cloudflare/transport/transport.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace cloudflare::inline v0 {

/// Calls operations over a transport. A call returns `Transport::task<result<T>>`, e.g.
/// `blocking<result<T>>` or `boost::asio::awaitable<result<T>>`.
///
/// A client is a handle: copies share the transport, the options, the retry budget and the limiter,
/// and a call that is under way keeps them alive.
/// Threads: several may use one client if its transport allows it.
template <transport Transport>
class client {
public:
    template <class T>
    using task = typename Transport::template task<T>;

    /// Sends nothing yet.
    client(Transport transport, credentials const& credentials,
           client_options options = client_options())
        : state_(std::make_shared<state>(std::move(transport), credentials, std::move(options))) {}

    /// Performs an operation. A failed attempt is repeated as far as the operation's idempotency,
    /// the retry policy, the retry budget and the deadline allow.
    ///
    /// @param op an `operation`; if it is not one, the compiler names the member that is missing
    /// @return the operation's result, or an `error` whose `delivery` says whether the server may
    /// have acted
    ///
    /// Exceptions: `std::bad_alloc`, and what a user's trace hook or authorization strategy throws.
    /// After an exception the server may have acted.
    ///
    /// Cancellation, if the transport's coroutine type supports it: the call ends with
    /// `errc::cancelled`, and the error's `delivery` says whether the request may have arrived. A
    /// response that was already received is still returned.
    template <class Op>
    [[nodiscard]] task<result<typename detail::checked_operation<Op>::result_type>>
    call(Op op, call_options options = call_options()) const {
        std::shared_ptr<call_context> context(state_, &state_->context); // keeps the transport too
        return run(*state_, std::make_unique<cloudflare::call<Op>>(
                                std::move(context), std::move(op), std::move(options)));
    }

    /// The transport that all copies of this client share.
    [[nodiscard]] Transport& transport() const noexcept { return state_->transport; }
    /// As given.
    [[nodiscard]] client_options const& options() const noexcept {
        return state_->context.options();
    }

    /// The server's time now, from the last response with a `Date`; empty before the first one.
    [[nodiscard]] std::optional<timestamp> server_time() const {
        return state_->context.server_clock().at(transport().now());
    }

private:
    struct state {
        state(Transport t, credentials const& c, client_options o)
            : transport(std::move(t)),
              context(c, std::move(o)),
              random(context.options().seed() ? *context.options().seed()
                                              : detail::system_random()) {}

        /// 64 random bits, for any thread.
        [[nodiscard]] std::uint64_t random_bits() noexcept {
            return detail::splitmix64(
                random.fetch_add(detail::splitmix64_step, std::memory_order_relaxed));
        }

        Transport transport;
        call_context context;
        std::atomic<std::uint64_t> random;
    };

    /// @param call on the heap, so that the coroutine frame stays small enough for Asio to recycle
    template <class Op>
    static task<result<typename Op::result_type>> run(state& self,
                                                      std::unique_ptr<cloudflare::call<Op>> call) {
        using action = call_step::action;
        for (auto next = call->start(self.transport.now()); next.what() != action::done;) {
            if (next.what() == action::send) {
                auto const response = co_await self.transport.send(next.request(), next.until());
                next = call->responded(response, self.transport.now(), self.random_bits());
            } else {
                co_await self.transport.sleep_until(next.until());
                next = call->resume(self.transport.now());
            }
        }
        co_return std::move(*call).finish();
    }

    std::shared_ptr<state> state_;
};

} // namespace cloudflare::inline v0
