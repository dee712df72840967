/// The arithmetic of the limiter: how many requests may be made now, and when further ones may.
#pragma once

#include <cloudflare/api/limiter_options.hpp>
#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace cloudflare::inline v0::detail {

/// Counts requests. Five limits apply at the same time:
///
/// - the window: a request counts from when it is sent until one window after its response, so that
///   within no window of the server's more requests arrive than there are permits, whatever the
///   latency;
/// - the pace: after a first burst the permits are spread over time, so that other users' requests
///   show in the responses before the permits are used up;
/// - care: where no response has `Ratelimit`, the last third of the permits of a window is used by
///   one request at a time, because other users may have used them: then only one request gets the
///   429;
/// - the server's count: what `Ratelimit` says is left, less the requests under way, less what
///   other users are expected to use until it resets (extrapolated from how fast they used it so
///   far);
/// - a ban: after a 429 nothing is sent; then one request goes first, as a probe, and the others
///   wait for its response. For an hour after that only five eighths of the permits are used.
class allowance {
public:
    explicit allowance(limiter_options const& options)
        : options_(options),
          expiries_(static_cast<std::size_t>(options.permits())),
          burst_(std::min<std::int64_t>(options.burst(), first_burst)),
          tokens_(static_cast<double>(burst_)) {}

    /// Sets the time, which never goes back: an earlier `now` is ignored.
    void advance(time_point now) noexcept {
        if (latest_ == time_point()) latest_ = now;
        if (now <= latest_) return;
        tokens_ = (std::min)(static_cast<double>(burst_),
                             tokens_ + seconds(now - latest_) * per_second());
        latest_ = now;
        if (now - expired_since_ >= options_.window() / 300) {
            expired_before_ = now - expired_since_ < options_.window() / 150 ? expired_ : 0;
            expired_ = 0;
            expired_since_ = now;
        }
        while (size_ != 0 && at(0) <= now) {
            first_ = (first_ + 1) % expiries_.size();
            --size_;
            ++expired_;
        }
        if (now >= narrowed_until_) limit_ = options_.permits();
        if (probing_ && now >= probe_until_) probing_ = false;
    }

    /// How many requests may be made now; zero or less where none may.
    ///
    /// @param kept how many permits must be left after them
    [[nodiscard]] std::int64_t available(std::int64_t kept) noexcept {
        if (latest_ < banned_until_ || probing_) return 0;
        auto count = (std::min)(in_window() - kept, static_cast<std::int64_t>(tokens_));
        if (is_careful()) count = (std::min)(count, std::int64_t(may_go_alone() ? 1 : 0));
        if (latest_ < resets_at_) {
            auto const left = left_by_server();
            if (left <= 0) blocked_until_ = (std::max)(blocked_until_, resets_at_);
            count = (std::min)(count, left - kept);
        }
        return count;
    }

    /// The earliest time at which `count` requests may have been made; later than now.
    [[nodiscard]] time_point when(std::int64_t count, std::int64_t kept) const noexcept {
        auto begin = (std::max)(latest_, banned_until_);
        if (probing_) begin = (std::max)(begin, latest_ + poll);
        bool const spent = latest_ < resets_at_ && count + kept > left_by_server();
        if (spent) begin = (std::max)(begin, resets_at_);
        auto const ahead = static_cast<double>(count) - (begin == latest_ ? tokens_ : 1.0);
        auto paced = begin + span(ahead > 0 && per_second() > 0 ? ahead / per_second() : 0);
        // The first response unlocks the burst.
        if (burst_ != options_.burst() && begin == latest_ && count <= options_.burst())
            paced = (std::min)(paced, latest_ + poll);
        // One after the other, each taking as long as a quick response.
        if (is_careful()) paced = (std::max)(paced, latest_ + (count * 2 - 1) * quick / 2);
        return (std::max)({paced, window_allows(count + kept), latest_ + shortest_wait});
    }

    /// Whether a call that was refused, and has waited for its `Retry-After`, may send a probe
    /// before the ban has ended for all calls.
    [[nodiscard]] bool may_probe() const noexcept {
        return latest_ < banned_until_ && !probing_ && latest_ >= asked_until_;
    }

    /// Counts a request that is sent now.
    ///
    /// @param waited whether it had to wait
    /// @return its number
    std::uint64_t take(bool waited) noexcept {
        bool const silence = waited && latest_ - last_grant_ >= options_.window() / 10;
        if (blocked_until_ > last_grant_ || silence) {
            probing_ = true;
            probe_ = granted_ + 1;
            probe_until_ = latest_ + options_.window() / 30;
            tokens_ = 1;
        }
        if (latest_ >= sent_since_ + options_.window()) {
            sent_since_ = latest_;
            sent_ = 0;
        }
        ++sent_;
        last_grant_ = latest_;
        tokens_ = (std::max)(tokens_ - 1, 0.0);
        ++in_flight_;
        return ++granted_;
    }

    /// The request `number` was not sent after all.
    void give_back(std::uint64_t number) noexcept {
        end(number);
        tokens_ = (std::min)(static_cast<double>(burst_), tokens_ + 1);
    }

    /// The request `number` has ended, so the server has counted it.
    void counted(std::uint64_t number) noexcept {
        end(number);
        if (size_ == expiries_.size()) { // more than there are permits, by `permit::insist`
            first_ = (first_ + 1) % expiries_.size();
            --size_;
        }
        ++size_;
        ++ended_;
        expiries_[(first_ + size_ - 1) % expiries_.size()] = latest_ + options_.window();
    }

    /// The response to request `number` was not a 429.
    void succeeded(std::uint64_t number) noexcept {
        if (number == probe_) banned_until_ = (std::min)(banned_until_, latest_);
        refusals_ = 0;
        if (burst_ == options_.burst()) return;
        tokens_ += static_cast<double>(options_.burst() - burst_);
        burst_ = options_.burst();
    }

    /// The last response that was counted has a `Ratelimit`.
    void observed(rate_limit const& limit) noexcept {
        // What was left before our own requests: within a window only other users reduce it.
        auto const before = static_cast<double>(limit.remaining + ended_);
        bool const reset =
            latest_ >= resets_at_ || before > before_ + static_cast<double>(options_.permits()) / 8;
        if (reset) {
            seen_ = 0;
            window_at_ = latest_;
        }
        // A mean of the last few, because responses overtake each other.
        seen_ = (std::min)(seen_ + 1, most_seen);
        before_ = seen_ == 1 ? before : before_ + (before - before_) / seen_;
        seen_at_ = latest_;
        remaining_ = limit.remaining;
        resets_at_ = latest_ + std::clamp<time_point::duration>(
                                   limit.resets_in, std::chrono::seconds(1), options_.window());
        // All our requests are in our own count (or were when the response was made), so what is
        // missing beyond that was used by others.
        auto const missing = options_.permits() - used() - remaining_ - expired_ - expired_before_;
        if (static_cast<double>(missing) > slack()) note_others();
        // A probe that finds nothing left is not repeated at once.
        if (left_by_server() > 0) {
            pause_ = std::chrono::seconds(1);
        } else if (reset) {
            pause_ = std::min<time_point::duration>(pause_ * 2, options_.window() / 20);
            resets_at_ = (std::max)(resets_at_, latest_ + pause_);
        }
        if (latest_ - window_at_ < options_.window() / 150) {
            base_ = before_;
            base_at_ = latest_;
        } else if (auto const elapsed = latest_ - base_at_; elapsed >= options_.window() / 30) {
            auto const others = base_ - before_;
            others_per_second_ = others > slack() ? others / seconds(elapsed) : 0;
            if (others > slack()) note_others();
        }
    }

    /// The server refused the request `number` with a 429.
    ///
    /// @param asked its `Retry-After`
    void refused(std::uint64_t number, std::optional<std::chrono::seconds> asked) noexcept {
        auto const wait =
            asked ? std::clamp<time_point::duration>(*asked, std::chrono::seconds(1), max_ban)
                  : time_point::duration(options_.ban());
        bool const again = latest_ < banned_until_;
        if (!again) ++refusals_;
        // The first request after a silence is refused: others were refused earlier, and try again.
        if (!again && refusals_ == 1 && number == probe_) ++refusals_;
        // If the probe is refused too, another user prolongs the ban: wait longer, for it to end.
        auto const patience = (std::min)(wait * (1 << (std::min)(refusals_ - 1, 6)), max_ban);
        // Others may have prolonged the ban by a request a little later than ours.
        banned_until_ = (std::max)(banned_until_, latest_ + patience + wait / 100);
        asked_until_ = !asked                          ? latest_
                       : wait < options_.window() / 10 ? latest_ + patience
                                                       : banned_until_;
        blocked_until_ = (std::max)(blocked_until_, banned_until_);
        resets_at_ = latest_;
        if (again || wait < options_.window() / 10) return;
        limit_ = (std::max)({limit_ * 5 / 8, options_.permits() / 4, std::int64_t(1)});
        narrowed_until_ = latest_ + memory;
        note_others();
    }

    [[nodiscard]] time_point latest() const noexcept { return latest_; }

private:
    static constexpr std::int64_t first_burst = 20; // before anything is known
    static constexpr int most_seen = 32;            // responses in the mean
    static constexpr auto poll = std::chrono::milliseconds(100);
    static constexpr auto quick = std::chrono::milliseconds(20);
    static constexpr auto slow = std::chrono::seconds(1);
    static constexpr auto shortest_wait = std::chrono::milliseconds(1);
    static constexpr auto memory = std::chrono::hours(1);
    static constexpr auto max_ban = time_point::duration(std::chrono::hours(1));

    /// Whether others may have used what seems to be left, and no `Ratelimit` would show it.
    [[nodiscard]] bool is_careful() const noexcept {
        bool const is_told = seen_ != 0 && latest_ - seen_at_ < options_.window();
        return !is_told && options_.spread() > limiter_options::duration(0) &&
               sent_ >= options_.permits() * 2 / 3;
    }
    /// Whether no other request is under way; one that has taken long does not count.
    [[nodiscard]] bool may_go_alone() const noexcept {
        return in_flight_ == 0 || latest_ - last_grant_ >= slow;
    }
    /// Fewer requests of others than this may be noise.
    [[nodiscard]] double slack() const noexcept {
        return static_cast<double>(options_.permits()) / 300;
    }
    [[nodiscard]] static double seconds(time_point::duration d) noexcept {
        return std::chrono::duration<double>(d).count();
    }
    [[nodiscard]] static time_point::duration span(double s) noexcept {
        return std::chrono::duration_cast<time_point::duration>(std::chrono::duration<double>(s));
    }
    /// How many permits a second the pace adds to the burst; very many where it is not spread.
    [[nodiscard]] double per_second() const noexcept {
        auto const s = seconds(options_.spread());
        return s > 0 ? static_cast<double>(options_.permits()) / s : 1e9;
    }
    [[nodiscard]] time_point at(std::size_t i) const noexcept {
        return expiries_[(first_ + i) % expiries_.size()];
    }
    [[nodiscard]] std::int64_t used() const noexcept {
        return static_cast<std::int64_t>(size_) + in_flight_;
    }
    [[nodiscard]] std::int64_t in_window() const noexcept {
        return limit_ - used() - (limit_ == options_.permits() ? reserve() : 0);
    }
    /// How many requests the server's count leaves for us until it resets.
    [[nodiscard]] std::int64_t left_by_server() const noexcept {
        // Without other users the window suffices, and noise in the mean would waste permits.
        if (latest_ >= others_until_) return (std::numeric_limits<std::int32_t>::max)();
        auto const others = 1.05 * others_per_second_ * seconds(resets_at_ - seen_at_);
        auto const kept = (std::min)((std::max)(others, static_cast<double>(reserve())), 1e9);
        return static_cast<std::int64_t>(before_ - kept) - ended_ - in_flight_;
    }
    /// How many permits are left to others, if there are any.
    [[nodiscard]] std::int64_t reserve() const noexcept {
        return latest_ < others_until_ || options_.keeps_reserve() ? options_.reserve() : 0;
    }
    void note_others() noexcept { others_until_ = latest_ + memory; }

    /// When the window will have allowed `count` more requests.
    [[nodiscard]] time_point window_allows(std::int64_t count) const noexcept {
        auto const ended = static_cast<std::int64_t>(size_);
        auto lacking = count - in_window();
        if (lacking <= 0) return latest_;
        if (lacking <= ended) return at(static_cast<std::size_t>(lacking - 1));
        lacking -= ended;
        if (lacking <= in_flight_) return latest_ + options_.window();
        // These take the places of requests that are in the window now, or the places of those, ...
        auto const behind = lacking - in_flight_ - 1;
        auto const index = behind % limit_;
        auto const begin =
            index < ended ? at(static_cast<std::size_t>(index)) : latest_ + options_.window();
        return begin + (1 + behind / limit_) * options_.window();
    }

    void end(std::uint64_t number) noexcept {
        --in_flight_;
        if (probing_ && number == probe_) probing_ = false;
    }

    limiter_options options_;
    time_point latest_{};
    // The window.
    std::vector<time_point> expiries_; // a ring, in order: when a request counts no more
    std::size_t first_ = 0, size_ = 0;
    std::int64_t in_flight_ = 0;
    std::int64_t expired_ = 0, expired_before_ = 0; // within a 300th of the window, and before it
    time_point expired_since_{};
    std::int64_t limit_ = options_.permits();
    time_point narrowed_until_{};
    std::uint64_t granted_ = 0;
    time_point last_grant_{};
    std::int64_t sent_ = 0; // since then, for a window
    time_point sent_since_{};
    // The pace.
    std::int64_t burst_;
    double tokens_;
    // The server's count, as responses told it.
    std::int64_t ended_ = 0; // requests of ours
    int seen_ = 0;
    double before_ = 0, base_ = 0;
    time_point seen_at_{}, window_at_{}, base_at_{}, resets_at_{};
    std::int64_t remaining_ = 0;
    double others_per_second_ = 0;
    time_point::duration pause_ = std::chrono::seconds(1);
    time_point others_until_{};
    // Bans.
    time_point banned_until_{}, asked_until_{}, blocked_until_{}, probe_until_{};
    int refusals_ = 0; // in a row
    bool probing_ = false;
    std::uint64_t probe_ = 0;
};

} // namespace cloudflare::inline v0::detail
