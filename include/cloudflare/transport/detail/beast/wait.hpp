/// Waiting for a socket without a context.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

#if defined(_WIN32)
#include <winsock2.h>
#else
#include <poll.h>
#endif

namespace cloudflare::inline v0::detail::beast {

enum class readiness : unsigned char {
    to_read,
    to_write,
};

/// Blocks until the socket is ready, has failed or has been closed by the other side; false where
/// `deadline` comes first. A signal does not end the wait.
template <class Socket>
[[nodiscard]] bool wait_until(Socket socket, readiness what, time_point deadline) noexcept {
    using std::chrono::milliseconds;
    for (;;) {
        auto const now = time_point::clock::now();
        if (now >= deadline) return false;
        milliseconds const left = std::chrono::ceil<milliseconds>(deadline - now);
        auto const timeout =
            static_cast<int>((std::min)(left, milliseconds(std::chrono::hours(1))).count());
#if defined(_WIN32)
        ::WSAPOLLFD watched{socket, 0, 0};
#else
        ::pollfd watched{socket, 0, 0};
#endif
        watched.events = what == readiness::to_read ? POLLIN : POLLOUT;
#if defined(_WIN32)
        if (::WSAPoll(&watched, 1, timeout) > 0) return true;
#else
        if (::poll(&watched, 1, timeout) > 0) return true;
#endif
    }
}

} // namespace cloudflare::inline v0::detail::beast
