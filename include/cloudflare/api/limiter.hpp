/// The limiter: keeps the calls of one or several clients within the API's rate limit.
#pragma once

#include <cloudflare/api/detail/allowance.hpp>
#include <cloudflare/api/limiter_options.hpp>
#include <cloudflare/api/operation.hpp>
#include <cloudflare/api/rate_limit.hpp>
#include <cloudflare/core/fwd.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace cloudflare::inline v0 {

/// Which calls go first when permits are scarce.
enum class urgency : unsigned char {
    settles, ///< reads, updates and deletes, which complete what was begun: go first
    begins,  ///< creates: wait for those, and leave a permit for completing what they begin
};

/// `begins` for `idempotency::at_most_once`, which creates something; `settles` for all others.
[[nodiscard]] constexpr urgency urgency_of(idempotency kind) noexcept {
    return kind == idempotency::at_most_once ? urgency::begins : urgency::settles;
}

/// Permits requests at a rate that the account's limit allows. A handle: copies share one count,
/// and so do clients with the same limiter. Threads: any. It has no clock: times are arguments, all
/// of the same steady clock. What it permits is the arithmetic of `detail/allowance.hpp`.
class limiter {
public:
    /// A limiter with nothing spent.
    explicit limiter(limiter_options const& options = limiter_options())
        : state_(std::make_shared<state>(options)) {}

    /// A limiter that permits every request at once.
    [[nodiscard]] static limiter off() noexcept { return limiter(nullptr); }
    /// Whether it permits every request at once.
    [[nodiscard]] bool is_off() const noexcept { return state_ == nullptr; }

    class permit;

private:
    struct state {
        explicit state(limiter_options const& options) : allowed(options) {}

        std::mutex mutex;
        detail::allowance allowed;
        std::array<std::deque<std::uint64_t>, 2> lines; // places of waiting calls, by urgency
        std::uint64_t last_place = 0;
        std::int64_t beginning = 0; // creates under way: each leaves a permit
    };

    explicit limiter(std::nullptr_t) noexcept {}
    std::shared_ptr<state> state_;
};

/// The permits of one call, for one request after the other. If it is destroyed while it waits, it
/// leaves the queue; if it is destroyed while its request is under way, the request counts as sent.
///
///     limiter::permit permit(limiter, urgency::begins);
///     while (auto const until = permit.request(now)) ... wait until then, or withdraw(now) ...
///     ... send ...
///     permit.ended(now, true, limit), permit.refused(now, retry_after) or permit.withdraw(now);
class limiter::permit {
public:
    /// For the requests of one call; nothing is asked for yet.
    permit(limiter const& from, urgency kind) noexcept
        : state_(from.state_), line_(static_cast<std::size_t>(kind)) {}
    permit(permit const&) = delete;
    permit& operator=(permit const&) = delete;
    ~permit() {
        if (state_ == nullptr || (place_ == 0 && number_ == 0)) return;
        std::lock_guard const lock(state_->mutex);
        leave();
        finish([&](detail::allowance& allowed) { allowed.counted(number_); });
    }

    /// Asks to send one request. Until it may, this has a place in the queue.
    ///
    /// @return empty where the request may be sent now; otherwise when to ask again
    [[nodiscard]] std::optional<time_point> request(time_point now) {
        if (state_ == nullptr || number_ != 0) return std::nullopt;
        std::lock_guard const lock(state_->mutex);
        auto& allowed = state_->allowed;
        allowed.advance(now);
        auto const kept = begins() ? state_->beginning : 0;
        auto const ahead = places_ahead();
        bool const probes = was_refused_ && allowed.may_probe();
        if (probes || ahead < allowed.available(kept)) {
            take(place_ != 0);
            return std::nullopt;
        }
        if (place_ == 0) state_->lines[line_].push_back(place_ = ++state_->last_place);
        return allowed.when(ahead + 1, kept);
    }

    /// Takes a permit even if there is none; it counts like any other.
    void insist(time_point now) {
        if (state_ == nullptr || number_ != 0) return;
        std::lock_guard const lock(state_->mutex);
        state_->allowed.advance(now);
        take(false);
    }

    /// Nothing was or will be sent: gives back the permit, or the place in the queue.
    void withdraw(time_point now) noexcept {
        end(now, [&](detail::allowance& allowed) { allowed.give_back(number_); });
    }

    /// The request has ended, with a response that is not a 429, or without one.
    ///
    /// @param responded whether there was a response
    /// @param limit the response's `Ratelimit`, if it has one
    void ended(time_point now, bool responded, std::optional<rate_limit> const& limit) noexcept {
        end(now, [&](detail::allowance& allowed) {
            allowed.counted(number_);
            if (responded) allowed.succeeded(number_);
            if (limit) allowed.observed(*limit);
        });
    }

    /// The server refused the request with a 429: no call sends anything for a while. Then one
    /// request goes first, as a probe for all. This call may ask to be the probe when it has waited
    /// for `Retry-After`; without that field, at any time.
    void refused(time_point now, std::optional<std::chrono::seconds> retry_after) noexcept {
        end(now, [&](detail::allowance& allowed) {
            allowed.counted(number_);
            allowed.refused(number_, retry_after);
        });
        was_refused_ = true;
    }

private:
    [[nodiscard]] bool begins() const noexcept { return line_ == 1; }
    void take(bool waited) noexcept {
        leave();
        number_ = state_->allowed.take(waited);
        if (begins()) ++state_->beginning;
    }

    [[nodiscard]] std::int64_t places_ahead() const noexcept {
        auto const& own = state_->lines[line_];
        auto const before =
            place_ == 0 ? own.end() : std::lower_bound(own.begin(), own.end(), place_);
        auto const others = begins() ? state_->lines[0].size() : 0;
        return before - own.begin() + static_cast<std::int64_t>(others);
    }

    void leave() noexcept {
        if (place_ == 0) return;
        auto& own = state_->lines[line_];
        own.erase(std::lower_bound(own.begin(), own.end(), place_));
        place_ = 0;
    }

    template <class How>
    void end(time_point now, How how) noexcept {
        if (state_ == nullptr) return;
        std::lock_guard const lock(state_->mutex);
        state_->allowed.advance(now);
        leave();
        finish(how);
    }
    template <class How>
    void finish(How how) noexcept {
        if (number_ == 0) return;
        how(state_->allowed);
        if (begins()) --state_->beginning;
        number_ = 0;
    }

    std::shared_ptr<state> state_;
    std::size_t line_;
    std::uint64_t place_ = 0; // in the queue; 0: not in it
    bool was_refused_ = false;
    std::uint64_t number_ = 0; // of the granted request; 0: none
};

} // namespace cloudflare::inline v0
