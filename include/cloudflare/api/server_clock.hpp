/// The server's time, from the `Date` of its responses.
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

/// The offset between the server's clock and this process's steady clock, so that nothing depends
/// on this machine's wall clock, which may be wrong. Threads: any.
class server_clock {
public:
    /// A response with this `Date` came at `now`. An invalid date is ignored.
    void note(std::string_view date, time_point now) noexcept {
        if (auto const there = http::parse_date(date))
            offset_.store(there->time_since_epoch().count() - whole_seconds(now),
                          std::memory_order_relaxed);
    }

    /// The server's time at `now`, to within about a second and the time that a response takes;
    /// empty before the first response. Too early where the machine was suspended since the last
    /// response, because the steady clock may stop meanwhile.
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
