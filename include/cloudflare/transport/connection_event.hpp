/// A hook that is called where a transport opens, reuses and closes a connection, and a count of
/// its connections: for logs and metrics. It sees no secret.
#pragma once

#include <cloudflare/core/error.hpp>
#include <cloudflare/core/fwd.hpp>
#include <cloudflare/http/origin.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string_view>

namespace cloudflare::inline v0 {

/// What happened to a connection.
enum class connection_change : unsigned char {
    opened,      ///< it can carry requests: the TLS handshake is complete
    open_failed, ///< there is none: `failure` says why
    reused,      ///< a kept connection is about to carry another request
    closed,      ///< `why` says why
};

/// In a word or two, e.g. "opened".
[[nodiscard]] constexpr std::string_view to_string(connection_change change) noexcept {
    switch (change) {
    case connection_change::opened: return "opened";
    case connection_change::open_failed: return "not opened";
    case connection_change::reused: return "reused";
    case connection_change::closed: return "closed";
    }
    return "unknown";
}

/// Why a connection was closed by this side.
enum class close_reason : unsigned char {
    none,           ///< it was not closed
    not_persistent, ///< the response said so, or ended with the connection, or more bytes followed
                    ///< it, or the deadline passed just as it ended
    request_failed, ///< `failure` says why: lost, cancelled, too late, no HTTP
    unused,         ///< the call for which it was opened was cancelled before it sent anything
    stale,          ///< while it was idle, the server closed it, or sent what nobody had asked for
    idle_timeout,   ///< it was idle for too long
    idle_limit,     ///< more connections were idle than are kept
    displaced,      ///< a new connection was to be opened, and the limits allow no more
    close_idle,     ///< `close_idle()` was called
    shutdown,       ///< `shutdown()` was called
    destroyed,      ///< the transport was destroyed, or the coroutine of a call under way was
    inherited,      ///< a forked child dropped its copy; the parent's connection stays open
    library,        ///< libcurl closed it
};

/// As it stands at the end of an event's line; empty for `none`.
[[nodiscard]] constexpr std::string_view to_string(close_reason why) noexcept {
    switch (why) {
    case close_reason::none: return "";
    case close_reason::not_persistent: return "it cannot carry another request";
    case close_reason::request_failed: return "the request failed";
    case close_reason::unused: return "the call was cancelled before it sent anything";
    case close_reason::stale: return "the server had closed it, or sent unsolicited bytes";
    case close_reason::idle_timeout: return "idle for too long";
    case close_reason::idle_limit: return "more are idle than are kept";
    case close_reason::displaced: return "its slot was needed for a new connection";
    case close_reason::close_idle: return "close_idle()";
    case close_reason::shutdown: return "shutdown()";
    case close_reason::destroyed: return "the transport or the call was destroyed";
    case close_reason::inherited: return "it belongs to the parent process";
    case close_reason::library: return "libcurl closed it";
    }
    return "unknown";
}

/// One change of one connection.
struct connection_event {
    connection_change change;     ///< what happened
    http::origin origin;          ///< where the requests go, also through a proxy
    std::uint64_t connection = 0; ///< its number, from 1 in each transport; 0 where not opened
    std::uint64_t requests = 0;   ///< how many requests it has carried to their end
    bool session_resumed = false; ///< an earlier TLS session was resumed; libcurl does not tell
    /// How long opening took; of a reused or closed connection, how long ago it was opened.
    std::chrono::nanoseconds elapsed{};
    close_reason why = close_reason::none; ///< of a closed connection
    /// Why it was not opened, or why the last request failed; valid during the call of the hook
    /// only, and otherwise null.
    error const* failure = nullptr;
};

/// Called after each change, on the thread that caused it: of the call, or of whoever closes idle
/// connections or destroys the transport; so perhaps on several threads at once. No lock of the
/// transport is held: the hook may call the transport. Must not throw. It must be usable for as long
/// as the transport and the calls under way exist.
using connection_hook = std::function<void(connection_event const&)>;

/// How many connections a transport has, all origins together.
struct connection_counts {
    std::size_t open = 0;    ///< open or being opened, idle ones included
    std::size_t idle = 0;    ///< open, and used by no call
    std::size_t waiting = 0; ///< calls that wait, because the limits allow no more connections

    /// Compares every member.
    friend bool operator==(connection_counts const&, connection_counts const&) = default;
};

/// One line, e.g. `https://api.cloudflare.com: connection 3 opened in 24 ms, TLS session resumed`.
inline std::ostream& operator<<(std::ostream& out, connection_event const& e) {
    using std::chrono::milliseconds;
    out << e.origin << ": connection ";
    if (e.connection != 0) out << e.connection << ' ';
    out << to_string(e.change) << (e.requests != 0 ? " after " : " in ");
    if (e.requests != 0)
        out << e.requests << (e.requests == 1 ? " request" : " requests") << " in ";
    out << std::chrono::duration_cast<milliseconds>(e.elapsed).count() << " ms";
    if (e.session_resumed && e.change == connection_change::opened) out << ", TLS session resumed";
    if (e.why != close_reason::none) out << ": " << to_string(e.why);
    if (e.failure != nullptr) out << ": " << *e.failure;
    return out;
}

/// One line, e.g. `3 open, 2 idle, 0 waiting`.
inline std::ostream& operator<<(std::ostream& out, connection_counts const& c) {
    return out << c.open << " open, " << c.idle << " idle, " << c.waiting << " waiting";
}

inline std::ostream& operator<<(std::ostream& out, connection_change change) {
    return out << to_string(change);
}
inline std::ostream& operator<<(std::ostream& out, close_reason why) {
    return out << to_string(why);
}

} // namespace cloudflare::inline v0
