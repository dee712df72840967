/// What a stretch of the program costs: CPU, time on the clock, and calls of the heap.
#pragma once

#include "malloc_count.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>

#include <sys/resource.h>

namespace bench {

/// Measures from when it is made.
class stopwatch {
public:
    struct reading {
        std::chrono::nanoseconds user{};
        std::chrono::nanoseconds system{};
        std::chrono::nanoseconds wall{};
        std::uint64_t mallocs = 0;

        friend reading operator-(reading const& a, reading const& b) noexcept {
            return {a.user - b.user, a.system - b.system, a.wall - b.wall, a.mallocs - b.mallocs};
        }
    };

    [[nodiscard]] reading read() const noexcept { return now() - begin_; }

private:
    static std::chrono::nanoseconds span(timeval const& t) noexcept {
        return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    }
    static reading now() noexcept {
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        return {span(used.ru_utime), span(used.ru_stime),
                std::chrono::steady_clock::now().time_since_epoch(), malloc_count()};
    }

    reading begin_ = now();
};

/// Prints what each of `count` calls cost, e.g. `cpu_ns=20100 user_ns=.. sys_ns=.. wall_ns=..
/// mallocs=8.00`.
inline void print_each(std::ostream& out, stopwatch::reading const& spent, std::size_t count) {
    auto const each = [&](std::chrono::nanoseconds span) {
        return span.count() / static_cast<std::int64_t>(count);
    };
    auto const hundredths = (spent.mallocs * 100 + count / 2) / count;
    out << "cpu_ns=" << each(spent.user + spent.system) << " user_ns=" << each(spent.user)
        << " sys_ns=" << each(spent.system) << " wall_ns=" << each(spent.wall)
        << " mallocs=" << hundredths / 100 << '.' << hundredths / 10 % 10 << hundredths % 10
        << '\n';
}

} // namespace bench
