/// What a function of a user's store returns: its result, or a task of it.
#pragma once

#include <cloudflare/core/result.hpp>

#include <type_traits>

namespace cloudflare::inline v0::access {

namespace detail {

template <class R, class T>
struct is_task_of : std::false_type {};
/// `blocking<result<T>>`, `boost::asio::awaitable<result<T>>` ...
template <template <class...> class Task, class T, class... More>
struct is_task_of<Task<result<T>, More...>, T> : std::true_type {};

} // namespace detail

/// `result<T>`, or a coroutine type of it. A store that returns tasks works with clients whose
/// `task` is that type. A store that returns results works with all clients, and blocks the thread
/// that calls it: see `offloaded_sink`.
template <class R, class T>
concept result_or_task = std::is_same_v<R, result<T>> || detail::is_task_of<R, T>::value;

} // namespace cloudflare::inline v0::access
