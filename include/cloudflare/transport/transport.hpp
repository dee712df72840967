/// What a transport has to provide. All I/O of the library goes through it.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>

#include <concepts>

namespace cloudflare::inline v0 {

/// A transport sends requests and waits, in the coroutine type of its choice:
///
///     template <class T> using task = ...; // boost::asio::awaitable<T>, blocking<T> ...
///     task<result<http::response>> send(http::request const&, time_point deadline);
///     task<void> sleep_until(time_point);
///     time_point now();
///
/// `send` sends the request once, adding `Host` and `Content-Length`, and gives the whole response,
/// whatever its status, by the deadline. It follows no redirect. The request outlives the task. Its
/// error is one of the codes `resolve_failed` to `cancelled`, or `invalid_argument` for a target that
/// is not valid (`http::check_target`), and its `delivery` is `not_sent` only
/// where the server cannot have seen the whole request, else `unknown`: whether a create is sent
/// again depends on that.
///
/// Cancellation, where the coroutine type knows it: `send` gives `errc::cancelled` and throws
/// nothing; `sleep_until` returns early, and the next `send` gives `errc::cancelled`,
/// `not_sent`.
///
/// `sleep_until` ends at its time, not before and not long after; at once for one that has passed.
/// `now` is the steady clock that deadlines are counted by.
///
/// `testing/transport_conformance.hpp` checks a transport against this.
template <class T>
concept transport = requires(T& candidate, http::request const& r, time_point t) {
    typename T::template task<result<http::response>>;
    { candidate.send(r, t) } -> std::same_as<typename T::template task<result<http::response>>>;
    { candidate.sleep_until(t) } -> std::same_as<typename T::template task<void>>;
    { candidate.now() } -> std::same_as<time_point>;
};

} // namespace cloudflare::inline v0
