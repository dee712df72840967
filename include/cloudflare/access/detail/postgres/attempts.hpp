/// The tries of one call: when the next one comes, and whether a write is in doubt.
#pragma once

#include <cloudflare/access/detail/postgres/failure.hpp>
#include <cloudflare/core/result.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail::postgres {

/// Tries again after failures that may pass, with growing waits and jitter, until the deadline. A
/// statement whose connection was lost is executed again, too: the operation is told, and finds out
/// what the lost one has done.
class attempts {
public:
    attempts(steady_time now, std::chrono::milliseconds deadline) : end_(now + deadline) {}

    [[nodiscard]] steady_time end() const noexcept { return end_; }
    /// Whether a write of this call may have been committed without an acknowledgement.
    [[nodiscard]] bool in_doubt() const noexcept { return in_doubt_; }

    /// When to try again; nothing if no more.
    [[nodiscard]] std::optional<steady_time> after(failure f, steady_time now,
                                                   std::uint64_t random) {
        using std::chrono::milliseconds;
        if (f.kind == failure_kind::lost) in_doubt_ = true;
        last_ = std::move(f);
        ++count_;
        constexpr milliseconds longest(400);
        milliseconds const span = std::min(milliseconds(5) * (1 << std::min(count_, 8U)), longest);
        auto const half = static_cast<std::uint64_t>(span.count()) / 2;
        auto const next = now + milliseconds(half + random % (half + 1));
        if (last_->kind == failure_kind::refused || next >= end_) return std::nullopt;
        return next;
    }

    /// The error of a call that ends with the last failure.
    [[nodiscard]] error last_error(errc code) const {
        error_details d;
        d.explanation = "PostgreSQL: " + (last_ ? last_->what : "the deadline passed");
        d.attempts = count_;
        if (in_doubt_) d.explanation += "; whether it was written is not known";
        d.stopped = !last_ || last_->kind != failure_kind::refused ? stop_reason::deadline
                                                                   : stop_reason::permanent;
        return {code, std::move(d)};
    }

private:
    steady_time end_;
    std::optional<failure> last_{};
    unsigned count_ = 0;
    bool in_doubt_ = false;
};

/// An error of opening the database, with the code of the function that was called.
[[nodiscard]] inline error of_call(error const& opening, errc code) {
    return opening == errc::intent_log_failed ? error(code, opening.details()) : opening;
}

} // namespace cloudflare::inline v0::access::detail::postgres
