/// The server's clock, as its responses tell it.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/core/timestamp.hpp>
#include <cloudflare/http/date.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace cloudflare::inline v0 {

/// Keeps the distance between the server's clock and this process's steady clock, so that the wall
/// clock of this machine may be wrong. Threads: any.
class server_clock {
public:
    /// A response with this `Date` came at `now`. What is no date is ignored.
    void note(std::string_view date, time_point now) noexcept {
        if (auto const there = http::parse_date(date))
            offset_.store(there->time_since_epoch().count() - whole_seconds(now),
                          std::memory_order_relaxed);
    }

    /// The server's time at `now`, to about a second and the time a response takes; nothing before
    /// the first response. Behind where the machine was suspended since: a steady clock may stop
    /// then.
    [[nodiscard]] std::optional<timestamp> at(time_point now) const noexcept {
        auto const offset = offset_.load(std::memory_order_relaxed);
        if (offset == unknown) return std::nullopt;
        return timestamp(
            std::chrono::sys_seconds(std::chrono::seconds(offset + whole_seconds(now))));
    }

private:
    static constexpr std::int64_t unknown = (std::numeric_limits<std::int64_t>::min)();

    [[nodiscard]] static std::int64_t whole_seconds(time_point t) noexcept {
        return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count();
    }

    std::atomic<std::int64_t> offset_{unknown};
};

} // namespace cloudflare::inline v0
