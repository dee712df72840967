/// The tries of one call: when the next one comes, and whether a write is in doubt.
#pragma once

#include <cloudflare/access/detail/postgres/failure.hpp>
#include <cloudflare/core/result.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
        was_sent_ = was_sent_ || f.was_sent;
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
    ///
    /// @param doubt what the error says of a write that may have been committed
    [[nodiscard]] error last_error(errc code, std::string_view doubt = {}) const {
        error_details d;
        d.explanation = "PostgreSQL: " + (last_ ? last_->what : "the deadline passed");
        d.delivery = in_doubt_   ? delivery::unknown
                     : was_sent_ ? delivery::rejected
                                 : delivery::not_sent;
        d.attempts = count_;
        if (in_doubt_) d.explanation += doubt;
        d.stopped = !last_ || last_->kind != failure_kind::refused ? stop_reason::deadline
                                                                   : stop_reason::permanent;
        return {code, std::move(d)};
    }
    /// An error that an operation makes of the replies: they show that this call wrote
    /// nothing, unless an earlier try is in doubt.
    [[nodiscard]] error told(error const& e) const {
        if (in_doubt_) return e;
        return e.with([](error_details& d) { d.delivery = delivery::rejected; });
    }

private:
    steady_time end_;
    std::optional<failure> last_{};
    unsigned count_ = 0;
    bool in_doubt_ = false;
    bool was_sent_ = false;
};

/// An error of opening the database, for a function whose own statement was then not sent.
[[nodiscard]] inline error of_call(error const& opening, errc code) {
    if (opening != errc::intent_log_failed) return opening;
    auto details = opening.details();
    details.delivery = delivery::not_sent;
    return {code, std::move(details)};
}

} // namespace cloudflare::inline v0::access::detail::postgres
