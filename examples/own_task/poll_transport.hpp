/// A custom transport: each request over its own socket, awaited in the event loop. Plain HTTP only.
#pragma once

#include "../no_coroutine/http_attempt.hpp"
#include "event_loop.hpp"
#include "task.hpp"

#include <cloudflare/transport/transport.hpp>

class poll_transport {
public:
    template <class T>
    using task = ::task<T>;

    /// The loop must outlive the transport and all its tasks.
    explicit poll_transport(event_loop& loop) noexcept : loop_(&loop) {}

    task<cloudflare::result<cloudflare::http::response>>
    send(cloudflare::http::request const& r, cloudflare::time_point deadline) const {
        auto const addresses = resolve(r.origin);
        if (!addresses) co_return addresses.error();

        http_attempt attempt(r, *addresses);
        if (!attempt.done() && now() >= deadline) attempt.expire();
        while (!attempt.done()) {
            auto const socket = attempt.awaited();
            if (co_await loop_->ready(socket.fd, socket.events, deadline)) {
                attempt.advance();
            } else {
                attempt.expire();
            }
        }
        co_return attempt.take();
    }

    task<void> sleep_until(cloudflare::time_point t) const { co_await loop_->ready(-1, 0, t); }
    [[nodiscard]] cloudflare::time_point now() const noexcept { return event_loop::clock::now(); }

private:
    event_loop* loop_;
};
