/// The state of one rotation, and the errors of its steps.
#pragma once

#include <cloudflare/access/detail/issue_flow.hpp>
#include <cloudflare/access/rotation_options.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace cloudflare::inline v0::access::detail {

enum class rotation_aim : unsigned char {
    rotate, ///< the secret in use is accepted for the grace
    revoke, ///< the secrets in use are revoked
    force,  ///< the latest secret is accepted for the grace, any before it is revoked
    replace ///< the same, if the latest secret was lost
};

/// The state of one rotation.
struct rotation_flow {
    template <class Tools>
    rotation_flow(Tools const& with, rotation_options const& options, rotation_aim what_for,
                  std::string sink_key, std::string id, std::chrono::seconds span)
        : aim(what_for),
          key(std::move(sink_key)),
          grace(span),
          lease(options.common().make_tag(), with.scope(), {}, with.now(), options.common().note()),
          end(with.steady_now() + options.common().deadline()) {
        lease.purpose = intent_purpose::rotate;
        lease.sink = options.common().sink_name();
        lease.writer = lease.tag;
        of(std::move(id));
    }

    /// Sets the token, which has one lease.
    void of(std::string id) {
        lease.key = id;
        lease.token_id = std::move(id);
    }
    [[nodiscard]] std::string const& token_id() const noexcept { return lease.token_id; }

    /// The intent as the sink sees it. It has no tag, which tells issues of a key apart.
    [[nodiscard]] intent for_sink() const {
        auto i = lease;
        i.key = key;
        i.tag.clear();
        return i;
    }

    rotation_aim aim;
    std::string key;            ///< of the sink
    std::chrono::seconds grace; ///< counted from when the new secret is stored
    intent lease;               ///< `until`: the end of the grace that was sent
    time_point end;             ///< nothing that rotates is sent after it
    std::optional<held_token> held{};
    service_token before{};     ///< as the server showed it
    timestamp promised_until{}; ///< by earlier rotations: how long the previous secret works
    // The server's time when it showed `before`, and this machine's before it was asked.
    timestamp shown_at{};
    time_point asked_at{};
    /// The server's time at `now`, or later by as long as the response took. At most a second too
    /// early, because the server tells its time in whole seconds.
    [[nodiscard]] timestamp latest_time(time_point now) const {
        auto const passed = std::chrono::ceil<std::chrono::seconds>(now - asked_at);
        return shown_at.plus(passed);
    }
    bool is_unclear = false; ///< a request may act late
    /// Whether the API shows versions, so that the lease has the one that is to be made.
    [[nodiscard]] bool has_version() const noexcept { return lease.version > 0; }
    /// The lease that was taken over from a process that is presumed dead, as it was found.
    std::optional<intent> inherited{};
};

[[nodiscard]] inline error not_sent(errc code, std::string why) {
    return {code, error_details{.operation = "rotate",
                                .explanation = std::move(why),
                                .delivery = delivery::not_sent}};
}

[[nodiscard]] inline error grace_running(std::string const& id, timestamp until) {
    return not_sent(errc::grace_running, "the secret before the one of " + id + " works until " +
                                             until.to_string() +
                                             ": wait, or revoke_and_rotate, which ends it");
}

/// The end of a grace, where it is known.
class grace_end {
public:
    grace_end(std::optional<timestamp> end) : end_(end) {}
    grace_end(timestamp end) : end_(end) {}
    grace_end(std::optional<timestamp> end, timestamp now)
        : end_(end), is_over_(end && *end <= now) {}
    /// Of secrets that were revoked on purpose.
    [[nodiscard]] static grace_end revoked() {
        grace_end made(std::nullopt);
        made.is_revoked_ = true;
        return made;
    }

    [[nodiscard]] explicit operator bool() const noexcept { return end_.has_value(); }
    [[nodiscard]] timestamp const& operator*() const noexcept { return *end_; }
    /// Whether it was over when it was looked at.
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }
    [[nodiscard]] bool is_revoked() const noexcept { return is_revoked_; }

private:
    std::optional<timestamp> end_;
    bool is_over_ = false, is_revoked_ = false;
};

/// The secret was rotated, and nobody has the new one.
///
/// @param until until when the secret in use is accepted
[[nodiscard]] inline error rotation_lost(std::string const& id, grace_end const& until,
                                         error const& why = error()) {
    auto details = why.details();
    details.operation = "rotate";
    details.delivery = delivery::accepted;
    details.explanation += details.explanation.empty() ? "" : "; ";
    details.explanation += "the new secret of " + id + " is lost; ";
    if (until.is_revoked()) {
        details.explanation += "those before are refused: replace_lost makes another secret";
    } else if (until.is_over()) {
        details.explanation += "the one in use worked until " + (*until).to_string() +
                               ": replace_lost makes another secret";
    } else {
        details.explanation += "the one in use works ";
        details.explanation += until ? "until " + (*until).to_string() : "for its grace";
        details.explanation += ": extend_grace prolongs that; replace_lost makes another secret, "
                               "and the one in use dies at once";
    }
    return {why == errc::sink_failed ? errc::sink_failed : errc::rotation_lost, std::move(details)};
}

/// The server may have rotated the secret, or may still do so.
[[nodiscard]] inline error may_have_rotated(rotation_flow const& f, error const& why) {
    return why.with([&](error_details& d) {
        d.operation = "rotate";
        d.delivery = delivery::unknown;
        d.explanation += d.explanation.empty() ? "" : "; ";
        d.explanation += f.token_id() + " may have been rotated or may be yet: ";
        d.explanation += f.aim == rotation_aim::revoke
                             ? "if it was, the secrets before are refused"
                             : "the secret in use works, within its grace";
        d.explanation += "; the next rotation or renewal settles it";
    });
}

} // namespace cloudflare::inline v0::access::detail
