/// Inserting an intent, and waiting for another one that holds its key.
#pragma once

#include <cloudflare/access/detail/issue_flow.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::access::detail {

/// Inserts the intent.
///
/// @return the intent that holds its key; nothing if this one is in the log now
template <class Tools>
task_of<Tools, result<std::optional<intent>>> insert_unless_held(Tools& tools, intent const& i) {
    auto pending = tools.insert(i);
    auto inserted = co_await std::move(pending);
    if (!inserted) {
        auto pending_try_erase = tools.try_erase(i); // it may have been inserted
        auto const erased = co_await std::move(pending_try_erase);
        static_cast<void>(erased);
        co_return with_delivery(inserted.error(), delivery::not_sent);
    }
    if (*inserted && (*inserted)->tag == i.tag) inserted->reset();
    co_return inserted;
}

/// The waits for a key, each longer than the one before.
class key_wait {
public:
    /// How long the next wait is.
    [[nodiscard]] std::chrono::milliseconds span() const noexcept { return span_; }

    /// Waits, until `end` at the most.
    ///
    /// @return `errc::cancelled` if the caller was cancelled: then waits end at once, and a number
    /// of them in a row is the sign
    template <class Tools>
    [[nodiscard]] task_of<Tools, result<void>> once(Tools& tools, time_point end) {
        auto const until = (std::min)(end, tools.steady_now() + span_);
        co_await tools.client().transport().sleep_until(until);
        short_waits_ = tools.steady_now() < until ? short_waits_ + 1 : 0;
        if (short_waits_ == max_short_waits)
            co_return error(errc::cancelled, error_details{.delivery = delivery::not_sent});
        span_ = (std::min)(span_ * 2, std::chrono::milliseconds(2000));
        co_return result<void>();
    }

private:
    static constexpr int max_short_waits = 10;

    std::chrono::milliseconds span_{50};
    int short_waits_ = 0;
};

} // namespace cloudflare::inline v0::access::detail
