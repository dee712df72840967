/// Which service tokens fall due, and when to look again: pure planning.
#pragma once

#include <cloudflare/access/service_token.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace cloudflare::inline v0::access {

/// When tokens are renewed. Built by chained setters.
class renewal_policy {
public:
    renewal_policy() noexcept {}

    /// Refresh a token when it expires within this span. Default 30 days.
    renewal_policy& refresh_before(std::chrono::seconds span) noexcept {
        refresh_before_ = span;
        return *this;
    }
    /// Rotate a secret that is older than this. Default: never.
    renewal_policy& rotate_after(std::chrono::seconds span) noexcept {
        rotate_after_ = span;
        return *this;
    }
    /// How long the secret before is accepted after a rotation. Default one day.
    renewal_policy& grace(std::chrono::seconds span) noexcept {
        grace_ = span;
        return *this;
    }
    /// What is done with a token whose new secret was lost in a rotation: true, `replace_now`,
    /// which revokes the secret in use at once and gives another; false, it is reported in every
    /// round. Default false.
    renewal_policy& replace_lost(bool on) noexcept {
        replace_lost_ = on;
        return *this;
    }
    /// The longest time between two looks. Default one day.
    renewal_policy& poll_interval(std::chrono::seconds span) noexcept {
        poll_interval_ = span;
        return *this;
    }
    /// The least time between two requests. Default 250 ms: 1200 in five minutes, which is the
    /// limit of the API, counts what others do with the same credentials too, so leave room.
    renewal_policy& pace(std::chrono::milliseconds span) noexcept {
        pace_ = span;
        return *this;
    }

    [[nodiscard]] std::chrono::seconds refresh_before() const noexcept { return refresh_before_; }
    [[nodiscard]] std::optional<std::chrono::seconds> rotate_after() const noexcept {
        return rotate_after_;
    }
    [[nodiscard]] std::chrono::seconds grace() const noexcept { return grace_; }
    [[nodiscard]] bool replaces_lost() const noexcept { return replace_lost_; }
    [[nodiscard]] std::chrono::seconds poll_interval() const noexcept { return poll_interval_; }
    [[nodiscard]] std::chrono::milliseconds pace() const noexcept { return pace_; }

private:
    std::chrono::seconds refresh_before_ = std::chrono::days(30);
    std::optional<std::chrono::seconds> rotate_after_;
    std::chrono::seconds grace_ = std::chrono::days(1);
    bool replace_lost_ = false;
    std::chrono::seconds poll_interval_ = std::chrono::days(1);
    std::chrono::milliseconds pace_{250};
};

enum class renewal_action : unsigned char {
    refresh, ///< extend the token's life
    rotate   ///< replace its secret
};

/// One thing to do now.
struct due_renewal {
    service_token token;
    renewal_action what = renewal_action::refresh;
};

/// What to do now, and when to look again.
struct renewal_plan {
    std::vector<due_renewal> due;
    timestamp next_look;
};

/// When the secret of a token was made, as far as the token shows: its creation, or the last change
/// since the first rotation, which may be later than the rotation.
[[nodiscard]] inline std::optional<timestamp> secret_since(service_token const& token) noexcept {
    bool const rotated = token.client_secret_version.value_or(1) > 1 ||
                         token.previous_client_secret_expires_at.has_value();
    return rotated ? token.updated_at : token.created_at;
}

/// Plans the renewal of `tokens`. Disabled tokens are left alone; one that lasts for ever is never
/// refreshed.
[[nodiscard]] inline renewal_plan plan_renewal(std::vector<service_token> const& tokens,
                                               renewal_policy const& policy, timestamp now) {
    renewal_plan plan{.due = {}, .next_look = now.plus(policy.poll_interval())};
    auto const add = [&](service_token const& token, renewal_action what, timestamp when) {
        if (when <= now) {
            plan.due.push_back({token, what});
        } else {
            plan.next_look = (std::min)(plan.next_look, when);
        }
    };
    for (auto const& token : tokens) {
        if (!token.enabled.value_or(true)) continue;
        bool const ends = token.expires_at && !(token.duration && token.duration->is_forever());
        if (ends)
            add(token, renewal_action::refresh, token.expires_at->plus(-policy.refresh_before()));
        auto const since = secret_since(token);
        if (policy.rotate_after() && since)
            add(token, renewal_action::rotate, since->plus(*policy.rotate_after()));
    }
    return plan;
}

} // namespace cloudflare::inline v0::access
