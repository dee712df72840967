/// Calls an operation with an Asio completion token, for code that is not a coroutine.
#pragma once

#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/strand.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

/// Runs `call` on a strand of its own, and forwards a cancellation to it from any thread.
///
/// The cancellation is forwarded by a signal that both sides own, because Boost 1.81's `co_spawn`
/// keeps a pointer into the handler's slot, which may be cleared before the strand runs the
/// cancellation.
template <class Handler, class T>
void spawn_on_strand(Handler handler, boost::asio::any_io_executor const& executor,
                     boost::asio::awaitable<T> call) {
    namespace asio = boost::asio;
    auto const strand = asio::make_strand(executor);
    auto const signal = std::make_shared<asio::cancellation_signal>();
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
        slot.assign([signal, strand](asio::cancellation_type type) {
            asio::dispatch(strand, [signal, type] { signal->emit(type); });
        });
    auto const handler_executor = asio::get_associated_executor(handler, strand);
    auto finish = [signal, handler = std::move(handler)](std::exception_ptr thrown,
                                                         T given) mutable {
        std::move(handler)(std::move(thrown), std::move(given));
    };
    asio::co_spawn(strand, std::move(call),
                   asio::bind_cancellation_slot(
                       signal->slot(), asio::bind_executor(handler_executor, std::move(finish))));
}

} // namespace detail

/// `c.call(op, options)` on the transport's executor. `token` is any completion token: a callback,
/// `use_future`, `deferred`, `as_tuple(...)`, `bind_cancellation_slot(...)` ...
///
///     async_call(client, access::create_service_token(account, params), call_options(),
///                [](std::exception_ptr, result<access::issued_service_token> token) { ... });
///
/// The completion signature is `void(std::exception_ptr, result<typename Op::result_type>)`. The
/// exception is null unless a user's hook threw one, or memory ran out (`std::bad_alloc`).
///
/// Cancellation: as for `beast_transport`, except that the signal may be emitted on any thread, by
/// one thread at a time, also where several threads run the transport's context.
template <operation Op, boost::asio::completion_token_for<void(std::exception_ptr,
                                                               result<typename Op::result_type>)>
                            CompletionToken>
auto async_call(client<beast_transport> const& c, Op op, call_options options,
                CompletionToken&& token) {
    using result_type = result<typename Op::result_type>;
    return boost::asio::async_initiate<CompletionToken, void(std::exception_ptr, result_type)>(
        [](auto handler, boost::asio::any_io_executor const& executor,
           boost::asio::awaitable<result_type> call) {
            detail::spawn_on_strand(std::move(handler), executor, std::move(call));
        },
        token, c.transport().get_executor(), c.call(std::move(op), std::move(options)));
}

/// The same with the client's own options.
template <operation Op, boost::asio::completion_token_for<void(std::exception_ptr,
                                                               result<typename Op::result_type>)>
                            CompletionToken>
auto async_call(client<beast_transport> const& c, Op op, CompletionToken&& token) {
    return async_call(c, std::move(op), call_options(), std::forward<CompletionToken>(token));
}

} // namespace cloudflare::inline v0
