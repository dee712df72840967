/// Calling an operation by Asio's completion tokens, for code that is not a coroutine.
#pragma once

#include <cloudflare/client.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace cloudflare::inline v0 {

/// `c.call(op, options)` on the transport's executor, ended as `token` says: a callback,
/// `use_future`, `deferred`, `as_tuple(...)`, `bind_cancellation_slot(...)` ...
///
///     async_call(client, access::create_service_token(account, params), call_options(),
///                [](std::exception_ptr, result<access::issued_service_token> token) { ... });
///
/// The completion signature is `void(std::exception_ptr, result<typename Op::result_type>)`; the
/// exception is one that a hook of the user's threw, or `std::bad_alloc`. For cancellation see
/// `beast_transport`.
template <operation Op, class CompletionToken>
auto async_call(client<beast_transport> const& c, Op op, call_options options,
                CompletionToken&& token) {
    return boost::asio::co_spawn(c.transport().get_executor(),
                                 c.call(std::move(op), std::move(options)),
                                 std::forward<CompletionToken>(token));
}

} // namespace cloudflare::inline v0
