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
/// `send` sends the request at most once, adding `Host` and `Content-Length`, and returns the
/// complete response by the deadline, whatever its status. It follows no redirect. The caller keeps
/// the request alive until the task has ended. Errors:
///
/// - the code is one of `errc::resolve_failed` to `errc::cancelled`, or `errc::invalid_argument`
///   for an invalid target (`http::check_target`);
/// - the `delivery` is `not_sent` only where the server cannot have received the whole request,
///   otherwise `unknown`. Whether a create is sent again depends on that.
///
/// `sleep_until` ends at its time, not earlier and not much later; at once for a time that has
/// passed. `now` is the time by the steady clock of the deadlines.
///
/// Cancellation, if the coroutine type supports it: `send` returns `errc::cancelled` and throws
/// nothing; `sleep_until` returns early, and the next `send` returns `errc::cancelled` with the
/// delivery `not_sent`.
///
/// `testing/transport_conformance.hpp` checks a transport against all of this.
template <class T>
concept transport = requires(T& candidate, http::request const& r, time_point t) {
    typename T::template task<result<http::response>>;
    { candidate.send(r, t) } -> std::same_as<typename T::template task<result<http::response>>>;
    { candidate.sleep_until(t) } -> std::same_as<typename T::template task<void>>;
    { candidate.now() } -> std::same_as<time_point>;
};

} // namespace cloudflare::inline v0
