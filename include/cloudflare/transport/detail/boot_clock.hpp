/// A steady clock that keeps running while the machine is suspended.
#pragma once

#include <cloudflare/core/config.hpp>

#include <chrono>

#if defined(__linux__)
#include <ctime>
#endif

namespace cloudflare::inline v0::detail {

/// Measures the age of connections. On Linux `std::chrono::steady_clock` stops while the machine is
/// suspended: a connection that the server closed long ago would seem to be fresh.
struct boot_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<boot_clock>;
    static constexpr bool is_steady = true;

    [[nodiscard]] static time_point now() noexcept {
#if defined(__linux__)
        std::timespec t{};
        ::clock_gettime(CLOCK_BOOTTIME, &t);
        return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
#else
        return time_point(std::chrono::steady_clock::now().time_since_epoch());
#endif
    }
};

} // namespace cloudflare::inline v0::detail
