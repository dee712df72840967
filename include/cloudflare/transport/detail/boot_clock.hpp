/// A steady clock that keeps running while the machine sleeps.
#pragma once

#include <cloudflare/core/config.hpp>

#include <chrono>

#if defined(__linux__)
#include <ctime>
#endif

namespace cloudflare::inline v0::detail {

/// For the age of connections. On Linux the steady clock stops while the machine sleeps, so that a
/// connection which the server closed long ago would seem fresh.
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
