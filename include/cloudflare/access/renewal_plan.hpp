/// The state of a service token that a sink holds, what is due, and when to look again. No I/O.
#pragma once

#include <cloudflare/access/detail/rotation_judging.hpp>
#include <cloudflare/access/secret_sink.hpp>
#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/detail/options_base.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// When tokens are renewed. Built by chained setters.
class renewal_policy : public cloudflare::detail::options_base<renewal_policy> {
public:
    /// Returns whether all consumers have the secret that is held: see `consumers_have`.
    using consumers_function = std::function<bool(held_token const&)>;

    /// A token is refreshed when it expires within this span, or within a third of its duration
    /// where that is shorter. Default 30 days.
    renewal_policy& refresh_before(std::chrono::seconds span) noexcept {
        return set(refresh_before_, span);
    }
    [[nodiscard]] std::chrono::seconds refresh_before() const noexcept { return refresh_before_; }

    /// A secret is rotated when the sink has held it for longer than this. Default: never.
    renewal_policy& rotate_after(std::chrono::seconds span) noexcept {
        return set(rotate_after_, span);
    }
    [[nodiscard]] std::optional<std::chrono::seconds> rotate_after() const noexcept {
        return rotate_after_;
    }

    /// How long the previous secret is accepted after a rotation. Default one day.
    renewal_policy& grace(std::chrono::seconds span) noexcept { return set(grace_, span); }
    [[nodiscard]] std::chrono::seconds grace() const noexcept { return grace_; }

    /// Whether a new secret that was lost in a rotation is replaced by another one, which ends the
    /// secret in use at once. Otherwise the secret in use is kept alive and every round reports the
    /// loss. Default false.
    renewal_policy& replace_lost(bool on) noexcept { return set(replace_lost_, on); }
    /// As set by `replace_lost(on)`, or the default.
    [[nodiscard]] bool replaces_lost() const noexcept { return replace_lost_; }

    /// The longest time between two rounds. Default one day.
    renewal_policy& poll_interval(std::chrono::seconds span) noexcept {
        return set(poll_interval_, span);
    }
    [[nodiscard]] std::chrono::seconds poll_interval() const noexcept { return poll_interval_; }

    /// Tells whether all consumers of a token have its new secret, so that the grace period of the
    /// previous one can end early. Must not throw. Default: no grace period ends early.
    renewal_policy& consumers_have(consumers_function f) {
        return set(consumers_have_, std::move(f));
    }
    /// As set by `consumers_have(f)`, or empty.
    [[nodiscard]] consumers_function const& consumers() const noexcept { return consumers_have_; }

private:
    std::chrono::seconds refresh_before_ = std::chrono::days(30);
    std::optional<std::chrono::seconds> rotate_after_;
    std::chrono::seconds grace_ = std::chrono::days(1);
    bool replace_lost_ = false;
    std::chrono::seconds poll_interval_ = std::chrono::days(1);
    consumers_function consumers_have_;
};

/// The state of a token; a worse state comes later in this list.
enum class renewal_state : unsigned char {
    fresh,            ///< nothing is due
    due_for_refresh,  ///< expires soon
    due_for_rotation, ///< and perhaps for a refresh, too
    disabled,         ///< somebody has switched it off: left alone
    lost,             ///< a newer secret than the one held was made and lost
    expired,          ///< refused by Access; a refresh revives it
    missing           ///< the server has no such token any more
};

/// The state's name, with underscores.
[[nodiscard]] constexpr std::string_view to_string(renewal_state s) noexcept {
    constexpr std::string_view names[] = {
        "fresh", "due_for_refresh", "due_for_rotation", "disabled", "lost", "expired", "missing"};
    return names[static_cast<unsigned>(s)];
}

/// What is known of a token that a sink holds.
struct held_and_shown {
    held_token held;                    ///< by the sink
    std::optional<service_token> shown; ///< by the server; empty: it has no such token
    bool is_lost = false;               ///< by the log; needed if the API shows no version
    bool is_under_way = false;          ///< a rotation is
    /// The end of the previous secret's grace by the log, if the server does not show it.
    std::optional<timestamp> remembered_end{};

    /// The end of the previous secret's grace, as the server shows it or the log remembers it.
    [[nodiscard]] std::optional<timestamp> grace_end() const {
        auto const end = shown ? shown->previous_client_secret_expires_at : std::nullopt;
        return end ? end : remembered_end;
    }
};

/// What is done with a token next.
enum class renewal_action : unsigned char {
    none,    ///< nothing is known to be due
    refresh, ///< an update with the token's own duration
    rotate   ///< a new secret
};

/// The action's name.
[[nodiscard]] constexpr std::string_view to_string(renewal_action a) noexcept {
    constexpr std::string_view names[] = {"none", "refresh", "rotate"};
    return names[static_cast<unsigned>(a)];
}

/// What is to be done with one token now, and when to look again.
struct renewal_plan {
    renewal_state state = renewal_state::fresh; ///< the token's state
    bool refresh = false;                       ///< by an update, with its own duration
    bool rotate = false;                        ///< the secret is to be replaced
    bool is_lost = false; ///< a newer secret than the one held was made and lost
    bool keep_alive =
        false; ///< a new secret is lost: the grace of the one in use is to be extended
    std::optional<timestamp> next_due{};        ///< when to look again
    renewal_action next = renewal_action::none; ///< what is due now, or falls due first
    std::optional<timestamp> next_at{};         ///< when that was due, or falls due
};

namespace detail {

/// How long before its expiry a token is refreshed.
[[nodiscard]] inline std::chrono::seconds refresh_span(service_token const& token,
                                                       renewal_policy const& policy) {
    auto life = policy.refresh_before() * 3;
    if (token.duration && token.duration->value()) {
        life = std::chrono::floor<std::chrono::seconds>(*token.duration->value());
    } else if (token.created_at && token.expires_at) {
        life = token.expires_at->seconds() - token.created_at->seconds();
    }
    return (std::min)(policy.refresh_before(), life / 3);
}

/// Makes a plan.
class planner {
public:
    planner(held_and_shown const& one, renewal_policy const& policy, timestamp now)
        : held_(one.held),
          token_(*one.shown),
          grace_end_(one.grace_end()),
          policy_(policy),
          now_(now) {
        version_ = one.is_lost ? held_version::older : compare_versions(held_, token_);
    }

    [[nodiscard]] renewal_plan plan() {
        if (!token_.enabled.value_or(true)) {
            plan_.state = renewal_state::disabled;
            return plan_;
        }
        plan_refresh();
        version_ == held_version::older ? plan_lost() : plan_rotation();
        if (is_expired()) plan_.state = renewal_state::expired;
        return plan_;
    }

private:
    [[nodiscard]] bool ends() const {
        return token_.expires_at && !(token_.duration && token_.duration->is_forever());
    }
    [[nodiscard]] bool is_expired() const { return ends() && *token_.expires_at <= now_; }

    /// Whether a time has come; if not, the next look is then at the latest.
    [[nodiscard]] bool is_due(timestamp when, renewal_action what) {
        bool const is_first = !plan_.next_at || when < *plan_.next_at;
        if (is_first && what != renewal_action::none) {
            plan_.next = what;
            plan_.next_at = when;
        }
        if (when <= now_) return true;
        plan_.next_due = plan_.next_due ? (std::min)(*plan_.next_due, when) : when;
        return false;
    }
    void plan_refresh() {
        if (!ends() || !is_due(token_.expires_at->plus(-refresh_span(token_, policy_)),
                               renewal_action::refresh))
            return;
        plan_.refresh = true;
        plan_.state = renewal_state::due_for_refresh;
    }
    /// If no end of a grace is shown: whether one may be running, because of an earlier rotation.
    [[nodiscard]] bool may_have_grace() const {
        return token_.client_secret_version.value_or(0) > 1;
    }
    /// When the secret was stored, as the sink noted it, by a clock of its own. A time that is yet
    /// to come (that clock is ahead, or a file was touched) would put rotations off: then the end of
    /// the last grace tells it, or if the secret is the first one, when the token was made.
    [[nodiscard]] std::optional<timestamp> stored_at() const {
        if (held_.since == timestamp()) return token_.created_at;
        if (held_.since <= now_) return held_.since;
        if (grace_end_) return (std::min)(grace_end_->plus(-policy_.grace()), now_);
        bool const is_first = token_.client_secret_version == 1;
        return is_first && token_.created_at ? token_.created_at : held_.since;
    }
    /// The age of a secret is what the sink noted, because every update moves `updated_at`.
    void plan_rotation() {
        auto const since = stored_at();
        if (!policy_.rotate_after() || !since || version_ == held_version::newer) return;
        auto const grace_end =
            grace_end_.value_or(may_have_grace() ? since->plus(policy_.grace()) : timestamp());
        auto const when = (std::max)(since->plus(*policy_.rotate_after()), grace_end);
        if (!is_due(when, renewal_action::rotate)) return;
        plan_.rotate = true;
        plan_.state = renewal_state::due_for_rotation;
    }
    /// The secret in use is the previous one now: it is accepted until its grace ends. A grace that
    /// is over is not extended, because somebody may have ended it to revoke that secret. One whose
    /// end is not shown is extended in every round, because a late request may have shortened it.
    void plan_lost() {
        plan_.state = renewal_state::lost;
        plan_.is_lost = true;
        if (grace_end_ && *grace_end_ <= now_) return;
        auto const shown_end = token_.previous_client_secret_expires_at;
        plan_.keep_alive =
            !shown_end || is_due(shown_end->plus(-policy_.grace()), renewal_action::none);
    }

    held_token const& held_;
    service_token const& token_;
    std::optional<timestamp> grace_end_;
    renewal_policy const& policy_;
    timestamp now_;
    held_version version_;
    renewal_plan plan_;
};

} // namespace detail

/// Plans the renewal of one token, from what the sink holds and what the server shows.
///
/// @param now the server's time
[[nodiscard]] inline renewal_plan plan_renewal(held_and_shown const& one,
                                               renewal_policy const& policy, timestamp now) {
    if (one.shown) return detail::planner(one, policy, now).plan();
    renewal_plan plan;
    plan.state = renewal_state::missing;
    return plan;
}

inline std::ostream& operator<<(std::ostream& out, renewal_state s) {
    return out << to_string(s);
}
inline std::ostream& operator<<(std::ostream& out, renewal_action a) {
    return out << to_string(a);
}
inline std::ostream& operator<<(std::ostream& out, renewal_plan const& p) {
    out << p.state;
    if (p.refresh) out << ", refresh";
    if (p.rotate) out << ", rotate";
    if (p.keep_alive) out << ", prolong the grace";
    if (p.next_at) out << ", " << p.next << " at " << *p.next_at;
    if (p.next_due) out << ", look again at " << *p.next_due;
    return out;
}

} // namespace cloudflare::inline v0::access
