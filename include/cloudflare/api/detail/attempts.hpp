/// The part of a call that does not depend on its operation.
#pragma once

#include <cloudflare/api/call_context.hpp>
#include <cloudflare/api/call_options.hpp>
#include <cloudflare/api/limiter.hpp>
#include <cloudflare/api/retry_rule.hpp>
#include <cloudflare/api/trace.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/http/request.hpp>
#include <cloudflare/http/response.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

/// The state of a call: see the table of `call`.
enum class call_state : unsigned char {
    created, ///< not started
    queued,  ///< waits for a permit of the limiter
    sending, ///< a request is under way
    backoff, ///< waits before the next attempt
    done,
};

namespace detail {

/// The non-template part of `call`: its functions of the same names. An event must be one that the
/// table of `call` has for the current state.
class attempts {
public:
    attempts(std::shared_ptr<call_context> context, std::string_view operation, idempotency kind,
             call_options const& options)
        : context_(std::move(context)),
          operation_(operation),
          kind_(kind),
          policy_(options.retry_over(context_->options().retry())),
          span_(options.deadline().value_or(context_->options().deadline())),
          permit_(context_->limiter_, urgency_of(kind)) {}

    [[nodiscard]] call_context& context() const noexcept { return *context_; }
    [[nodiscard]] call_state state() const noexcept { return state_; }
    [[nodiscard]] bool is_waiting() const noexcept {
        return state_ == call_state::queued || state_ == call_state::backoff;
    }
    /// The deadline of the request, or the end of the wait.
    [[nodiscard]] time_point until() const noexcept { return until_; }
    [[nodiscard]] unsigned count() const noexcept { return count_; }
    [[nodiscard]] error const& failure() const noexcept { return failure_; }
    [[nodiscard]] bool already_deleted() const noexcept { return already_deleted_; }

    void start(time_point now) {
        deadline_ = now + span_;
        next(now);
    }

    void resume(time_point now) {
        if (now < until_ && ++early_ == 1) return;
        // The wait ended early twice: its coroutine was cancelled, and `send` will report that.
        if (now < until_ && state_ == call_state::queued) permit_.insist(now);
        next(now);
    }

    /// The request could not be made, so nothing was sent, whatever the delivery of `e` is.
    void refused(error const& e, time_point now) {
        permit_.withdraw(now);
        --count_;
        stop(not_sent(e), stop_reason::permanent);
    }

    /// The request of this attempt, for the trace; it must outlive the attempts.
    void made(http::request const& request) noexcept { request_ = &request; }

    /// @param failure null where the attempt succeeded
    void responded(result<http::response> const& response, std::vector<api_message> const& notes,
                   error const* failure, time_point now, std::uint64_t random_bits) {
        if (response) context_->clock_.note(response->fields.find("Date"), now);
        end_permit(response, failure, now);
        if (failure == nullptr) {
            succeed();
        } else {
            failed(failure->code() ? *failure : without_code(*failure), now, random_bits);
        }
        report(response, notes, failure, now);
    }

    void cancelled(time_point now) {
        auto const e = cancellation();
        if (state_ == call_state::sending) {
            result<http::response> const none(e);
            permit_.ended(now, false, std::nullopt);
            stop(e, stop_reason::cancelled);
            return report(none, {}, &e, now);
        }
        permit_.withdraw(now);
        stop(e, stop_reason::cancelled);
    }

    /// The same without a time: the permit's destructor gives it back.
    void abandon() { stop(cancellation(), stop_reason::cancelled); }

private:
    /// Begins the next attempt, or waits for a permit.
    void next(time_point now) {
        if (now >= deadline_) {
            permit_.withdraw(now);
            return stop(failure_.code() ? failure_
                                        : error(errc::deadline_exceeded,
                                                error_details{.delivery = delivery::not_sent}),
                        stop_reason::deadline);
        }
        if (state_ != call_state::queued) asked_ = now;
        if (auto const later = permit_.request(now)) {
            if (*later < deadline_) return wait(call_state::queued, *later);
            permit_.withdraw(now);
            return stop(no_permit(*later - now), stop_reason::deadline);
        }
        ++count_;
        state_ = call_state::sending;
        sent_ = now;
        until_ = (std::min)(deadline_, now + policy_.attempt_timeout());
    }

    void wait(call_state state, time_point until) noexcept {
        state_ = state;
        until_ = until;
        early_ = 0;
    }

    void succeed() noexcept {
        failure_ = error();
        context_->budget_.deposit();
        state_ = call_state::done;
    }

    void failed(error const& e, time_point now, std::uint64_t random_bits) {
        if (kind_ == idempotency::idempotent_delete && may_have_acted_ && e == errc::not_found) {
            already_deleted_ = true;
            return succeed();
        }
        if (e.delivery() == delivery::unknown) may_have_acted_ = true;
        if (auto const why = reason_not_to_retry(kind_, e); why != stop_reason::none)
            return stop(e, why);
        if (count_ >= policy_.max_attempts()) return stop(e, stop_reason::attempts_exhausted);
        auto const pause = retry_wait(policy_, count_, e, deadline_ - now, random_bits);
        if (!pause) return stop(e, stop_reason::deadline);
        if (!context_->budget_.withdraw()) return stop(e, stop_reason::budget_exhausted);
        failure_ = e;
        wait(call_state::backoff, now + *pause);
    }

    void stop(error const& e, stop_reason why) {
        failure_ = e.with([&](error_details& d) {
            d.operation = operation_;
            d.attempts = count_;
            d.stopped = why;
            d.idempotency = kind_;
            d.retry_after = clamped_retry_after(e);
            // A call that only reads cannot have acted; otherwise an earlier attempt may have.
            if (kind_ == idempotency::safe) {
                if (d.delivery == delivery::unknown) d.delivery = delivery::rejected;
            } else if (may_have_acted_ && d.delivery != delivery::accepted) {
                d.delivery = delivery::unknown;
            }
        });
        state_ = call_state::done;
    }

    /// Tells the limiter how the attempt ended.
    void end_permit(result<http::response> const& response, error const* failure,
                    time_point now) noexcept {
        bool const unsent = !response && response.error().code() &&
                            response.error().delivery() == delivery::not_sent;
        if (unsent) return permit_.withdraw(now);
        if (failure != nullptr && *failure == errc::rate_limited)
            return permit_.refused(now, clamped_retry_after(*failure));
        permit_.ended(now, response.has_value(),
                      response ? parse_rate_limit(response->fields) : std::nullopt);
    }

    void report(result<http::response> const& response, std::vector<api_message> const& notes,
                error const* failure, time_point now) const {
        auto const& hook = context_->options().trace();
        if (!hook) return;
        trace_event event{.operation = operation_};
        event.messages = &notes;
        event.attempt = count_;
        event.elapsed = now - sent_;
        event.waited = sent_ - asked_;
        if (response) {
            event.http_status = response->status;
            event.cf_ray = response->fields.find("cf-ray");
            event.limit = parse_rate_limit(response->fields);
        }
        event.failure = failure;
        if (request_ != nullptr) {
            event.method = request_->method;
            event.origin = &request_->origin;
            event.target = request_->target;
        }
        event.call = this;
        event.is_last = state_ == call_state::done;
        hook(event);
    }

    [[nodiscard]] error cancellation() const {
        auto d = failure_.details();
        d.delivery = state_ == call_state::sending ? delivery::unknown
                     : count_ == 0                 ? delivery::not_sent
                                                   : failure_.delivery();
        return {errc::cancelled, std::move(d)};
    }
    [[nodiscard]] static error no_permit(time_point::duration wait) {
        auto const seconds = std::chrono::ceil<std::chrono::seconds>(wait);
        return {errc::rate_limited,
                error_details{.explanation = "the rate limit has no permit for " +
                                             std::to_string(seconds.count()) +
                                             " s, which is past the deadline",
                              .delivery = delivery::not_sent,
                              .retry_after = seconds}};
    }
    [[nodiscard]] static error without_code(error const& e) {
        auto d = e.details(); // whose delivery is `unknown` by default
        d.explanation = "the transport gave an error without a code";
        return {errc::connection_lost, std::move(d)};
    }

    std::shared_ptr<call_context> context_;
    std::string_view operation_;
    idempotency kind_;
    call_state state_ = call_state::created;
    bool may_have_acted_ = false;
    bool already_deleted_ = false;
    unsigned count_ = 0; // requests, the one under way included
    unsigned early_ = 0; // how often the current wait ended early
    retry_policy policy_;
    std::chrono::milliseconds span_;
    limiter::permit permit_;
    time_point deadline_{};
    time_point until_{};
    time_point asked_{}; // when this attempt first asked for its permit
    time_point sent_{};
    http::request const* request_ = nullptr;
    error failure_;
};

} // namespace detail

} // namespace cloudflare::inline v0
