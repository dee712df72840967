/// Calls the user's hook for the connections of a transport.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/detail/beast/connection.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// Makes the events of connections. Where there is no hook, nothing is made. Thread-safe. No lock
/// may be held during a call.
class connection_reporter {
public:
    explicit connection_reporter(connection_hook hook) : hook_(std::move(hook)) {}

    [[nodiscard]] bool has_hook() const noexcept { return static_cast<bool>(hook_); }

    void opened(connection& c, http::origin const& origin, time_point began) const {
        if (!hook_) return;
        auto const now = time_point::clock::now();
        c.identity.emplace(connection::identification{origin, ++count_, now});
        auto e = describe(c, connection_change::opened);
        e.elapsed = now - began;
        hook_(e);
    }
    void open_failed(http::origin const& origin, time_point began, error const& why) const {
        if (!hook_) return;
        connection_event e{.change = connection_change::open_failed, .origin = origin};
        e.elapsed = time_point::clock::now() - began;
        e.failure = &why;
        hook_(e);
    }
    void reused(connection const& c) const {
        if (hook_ && c.identity) hook_(describe(c, connection_change::reused));
    }

    /// The event of a connection that is about to be closed, for `report` when it has been. Nothing
    /// where there is no hook.
    ///
    /// @param why `none` where the call was cancelled or destroyed meanwhile
    [[nodiscard]] std::optional<connection_event> closing(connection const& c, close_reason why,
                                                          error const* failure = nullptr) const {
        if (!hook_ || !c.identity) return std::nullopt;
        auto e = describe(c, connection_change::closed);
        if (why == close_reason::none)
            why = c.is_in_use() ? close_reason::destroyed : close_reason::unused;
        e.why = c.is_inherited() ? close_reason::inherited : why;
        e.failure = failure;
        return e;
    }
    void report(std::optional<connection_event> const& e) const {
        if (e) hook_(*e);
    }

private:
    [[nodiscard]] static connection_event describe(connection const& c, connection_change change) {
        connection_event e{.change = change, .origin = c.identity->origin};
        e.connection = c.identity->number;
        e.requests = c.requests();
        e.session_resumed = c.tls && c.tls->is_resumed();
        e.elapsed = time_point::clock::now() - c.identity->opened_at;
        return e;
    }

    connection_hook hook_;
    mutable std::atomic<std::uint64_t> count_ = 0;
};

} // namespace cloudflare::inline v0::detail::beast
