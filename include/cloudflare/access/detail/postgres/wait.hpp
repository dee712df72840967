/// Waiting for a socket, by blocking.
#pragma once

#include <cloudflare/access/detail/postgres/connection.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>

namespace cloudflare::inline v0::access::detail::postgres {

/// @return false at `end`
[[nodiscard]] inline bool wait_for(int socket, interest wants, steady_time end) {
    for (;;) {
        auto const left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        ::pollfd p{};
        p.fd = socket;
        p.events = wants == interest::read ? POLLIN : POLLOUT;
        auto const wait =
            static_cast<int>((std::min)(left.count(), decltype(left.count())(60'000)));
        auto const ready = ::poll(&p, 1, wait);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true; // the next step tells
    }
}

} // namespace cloudflare::inline v0::access::detail::postgres
