/// A hook that is called after every attempt of every call, for logs and metrics. It sees no secret
/// and no body.
#pragma once

#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/http/method.hpp>
#include <cloudflare/http/origin.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0 {

namespace detail {

[[nodiscard]] inline std::vector<api_message> const* no_messages() noexcept {
    static std::vector<api_message> const none;
    return &none;
}

} // namespace detail

/// One attempt that has ended. Pointers and views are valid during the call of the hook only.
struct trace_event {
    std::string_view operation{};       ///< its name, e.g. `create_service_token`
    unsigned attempt = 0;               ///< counted from 1
    int http_status = 0;                ///< 0 where no response came
    std::chrono::nanoseconds elapsed{}; ///< of this attempt, without the wait before it
    std::chrono::nanoseconds waited{};  ///< for a permit of the limiter, before the attempt
    std::string_view cf_ray{};          ///< identifies the request for support; empty where absent
    std::optional<rate_limit> limit{};  ///< from the response's `Ratelimit`, if it has one
    /// The `messages` of a successful response; never null.
    std::vector<api_message> const* messages = detail::no_messages();
    error const* failure = nullptr;          ///< null where the attempt succeeded
    http::method method = http::method::get; ///< of the request
    http::origin const* origin = nullptr;    ///< where the request went; null before one was made
    std::string_view target{};               ///< path and query
    /// Tells the attempts of one call from those of others that are under way: the same in all of
    /// them, and perhaps used again for a later call.
    void const* call = nullptr;
    /// Whether the call ends with this attempt. A call may end after an attempt that was not its
    /// last: by its deadline, or a cancellation, before the next one.
    bool is_last = false;
};

/// Called after each attempt on the thread of the call, so perhaps on several threads at once. Must
/// not throw.
using trace_hook = std::function<void(trace_event const&)>;

/// One line, e.g. `create_service_token: attempt 1: HTTP 201 in 24 ms, cf-ray 8f2-DTW`.
inline std::ostream& operator<<(std::ostream& out, trace_event const& e) {
    using std::chrono::milliseconds;
    out << e.operation << ": attempt " << e.attempt << ": ";
    if (e.http_status != 0) out << "HTTP " << e.http_status << ' ';
    out << "in " << std::chrono::duration_cast<milliseconds>(e.elapsed).count() << " ms";
    if (!e.cf_ray.empty()) out << ", cf-ray " << redact(e.cf_ray);
    if (e.limit) out << ", " << e.limit->remaining << " requests left";
    if (e.failure != nullptr) out << ": " << *e.failure;
    return out;
}

} // namespace cloudflare::inline v0
