/// Running a task of Asio's to its end, even if the caller is cancelled.
#pragma once

#include <cloudflare/core/config.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace cloudflare::inline v0::access::detail {

/// Runs a task on `elsewhere` and returns its result on the caller's executor. It is not cancelled
/// once it has begun, because a store that ends half way leaves unknown what it stored.
template <class T>
boost::asio::awaitable<T> uncancelled(boost::asio::any_io_executor elsewhere,
                                      boost::asio::awaitable<T> task) {
    namespace asio = boost::asio;
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto pending = asio::co_spawn(
        elsewhere, std::move(task),
        asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
    auto given = co_await std::move(pending);
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none)
        co_await asio::this_coro::throw_if_cancelled(throws);
    co_return given;
}

} // namespace cloudflare::inline v0::access::detail
