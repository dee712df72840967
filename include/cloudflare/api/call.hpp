/// One call of an operation as a state machine, without a socket, a clock or a coroutine (sans-io).
#pragma once

#include <cloudflare/api/call_context.hpp>
#include <cloudflare/api/call_options.hpp>
#include <cloudflare/api/detail/attempts.hpp>
#include <cloudflare/api/make_request.hpp>
#include <cloudflare/api/operation.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

/// What a call asks its driver to do next.
class call_step {
public:
    /// What is to be done.
    enum class action : unsigned char {
        send, ///< send `request()` once, with the deadline `until()`; then call `responded`
        wait, ///< wait until `until()`; then call `resume`
        done, ///< nothing: the call has ended, and `finish` gives its result
    };

    call_step() noexcept = default;
    /// Made by `call`.
    call_step(action what, http::request const* request, time_point until) noexcept
        : what_(what), request_(request), until_(until) {}

    /// What is to be done.
    [[nodiscard]] action what() const noexcept { return what_; }
    /// The request to send, only for `action::send`; valid until `call::responded`.
    [[nodiscard]] http::request const& request() const noexcept { return *request_; }
    /// The deadline of `send`, or the end of `wait`.
    [[nodiscard]] time_point until() const noexcept { return until_; }

private:
    action what_ = action::done;
    http::request const* request_ = nullptr;
    time_point until_{};
};

/// One call of an operation, from its first attempt to its end. Its driver tells it what happened
/// and when, and it says what to do next. `client::call` is such a driver; a program without
/// coroutines writes its own:
///
///     call<get_zone> call(context, get_zone{.id = id});
///     for (auto next = call.start(now()); next.what() != action::done;)
///         if (next.what() == action::send) {
///             auto const response = ... send next.request(), until next.until() ...
///             next = call.responded(response, now(), random_bits());
///         } else {
///             ... wait until next.until() ...
///             next = call.resume(now());
///         }
///     auto const zone = std::move(call).finish();
///
/// Which failures are followed by another attempt is the rule of `retry_rule.hpp`; deadline, waits
/// and budget are set in the options of client and call.
///
/// | state   | event                                       | next    | asks for                  |
/// | ------- | ------------------------------------------- | ------- | ------------------------- |
/// | created | start                                       | sending | send                      |
/// | created | start: the request cannot be made           | done    | done (permanent)          |
/// | created | start: the deadline has passed              | done    | done (deadline)           |
/// | created | start: the limiter's permit comes later     | queued  | wait                      |
/// | created | start: it comes only after the deadline     | done    | done (deadline)           |
/// | created | cancelled                                   | done    | done (cancelled)          |
/// | queued  | resume                                      | sending | send                      |
/// | queued  | resume: early                               | queued  | the same again            |
/// | queued  | resume: early again                         | sending | send                      |
/// | queued  | resume: the permit went to another call     | queued  | wait                      |
/// | queued  | resume: after the deadline                  | done    | done (deadline)           |
/// | queued  | cancelled                                   | done    | done (cancelled)          |
/// | sending | responded: success                          | done    | done                      |
/// | sending | responded: nothing is left to delete        | done    | done                      |
/// | sending | responded: a failure to try again after     | backoff | wait                      |
/// | sending | responded: a failure that would come again  | done    | done (permanent)          |
/// | sending | responded: a second sending would do harm   | done    | done (not_repeatable)     |
/// | sending | responded: the last attempt's failure       | done    | done (attempts_exhausted) |
/// | sending | responded: the wait would pass the deadline | done    | done (deadline)           |
/// | sending | responded: the retry budget is used up      | done    | done (budget_exhausted)   |
/// | sending | responded: the transport says cancelled     | done    | done (cancelled)          |
/// | sending | cancelled                                   | done    | done (cancelled)          |
/// | backoff | resume                                      | sending | send                      |
/// | backoff | resume: early                               | backoff | the same again            |
/// | backoff | resume: early again                         | sending | send                      |
/// | backoff | resume: the limiter's permit comes later    | queued  | wait                      |
/// | backoff | resume: it comes only after the deadline    | done    | done (deadline)           |
/// | backoff | resume: the request cannot be made          | done    | done (permanent)          |
/// | backoff | resume: after the deadline                  | done    | done (deadline)           |
/// | backoff | cancelled                                   | done    | done (cancelled)          |
///
/// Any other event is a mistake of the driver and changes nothing: the call asks for the same
/// again.
///
/// A wait that ends early is asked for once more. If that one ends early too, the driver's
/// coroutine was probably cancelled; the call then asks to send, so that the transport's `send`
/// reports the cancellation. A driver that knows of a cancellation calls `cancelled` instead.
///
/// Lifetime: neither copied nor moved. If it is destroyed while a request is under way, the limiter
/// counts that request as sent.
/// Threads: one at a time; the context may be shared with calls on other threads.
template <class Op>
class call {
public:
    /// The operation's.
    using result_type = typename detail::checked_operation<Op>::result_type;
    /// As in `call_step`.
    using action = call_step::action;

    /// @param context kept until the call is destroyed
    call(std::shared_ptr<call_context> context, Op op, call_options options = call_options())
        : op_(std::move(op)),
          options_(std::move(options)),
          attempts_(std::move(context), Op::name, kind_of(op_), options_) {}
    call(call const&) = delete;
    call& operator=(call const&) = delete;
    ~call() { give_back_request(); }

    /// Begins the call. Its deadline is counted from `now`; all later times are of the same clock.
    [[nodiscard]] call_step start(time_point now) {
        if (state() == call_state::created) {
            attempts_.start(now);
            make_request(now);
        }
        return step();
    }

    /// The request has ended, with a response or with the transport's error, whose `delivery`
    /// decides whether it may be sent again.
    ///
    /// @param random_bits 64 random bits, for the length of a wait
    [[nodiscard]] call_step responded(result<http::response> const& response, time_point now,
                                      std::uint64_t random_bits) {
        if (state() != call_state::sending) return step();
        std::vector<api_message> notes;
        decoded_ = response ? decode<Op>(*response, &notes) : result<result_type>(response.error());
        error const failure = decoded_ ? error() : decoded_.error();
        attempts_.responded(response, notes, decoded_ ? nullptr : &failure, now, random_bits);
        return step();
    }

    /// The wait has ended.
    [[nodiscard]] call_step resume(time_point now) {
        if (attempts_.is_waiting()) {
            attempts_.resume(now);
            make_request(now);
        }
        return step();
    }

    /// Ends the call with `errc::cancelled`. The driver abandons a request that is under way; the
    /// server may still receive it, and the error's `delivery` says so.
    [[nodiscard]] call_step cancelled(time_point now) {
        if (state() != call_state::done) attempts_.cancelled(now);
        return step();
    }

    /// For tests and logs.
    [[nodiscard]] call_state state() const noexcept { return attempts_.state(); }
    /// How many requests were made, including one that is under way.
    [[nodiscard]] unsigned attempts() const noexcept { return attempts_.count(); }

    /// The operation's result, or the error. Before the call has ended, the error is
    /// `errc::cancelled`.
    [[nodiscard]] result<result_type> finish() && {
        if (state() != call_state::done) attempts_.abandon();
        if (decoded_) return std::move(decoded_);
        if constexpr (detail::can_be_nothing<result_type>)
            if (attempts_.already_deleted())
                return result<result_type>(boost::system::in_place_value);
        return attempts_.failure();
    }

private:
    /// An operation whose idempotency is no constant may say at run time what its result cannot.
    [[nodiscard]] static idempotency kind_of(Op const& op) noexcept {
        bool const not_found_is_error = !detail::can_be_nothing<result_type> &&
                                        op.idempotency == idempotency::idempotent_delete;
        return not_found_is_error ? idempotency::idempotent : op.idempotency;
    }

    void make_request(time_point now) {
        if (state() != call_state::sending) return;
        auto& context = attempts_.context();
        give_back_request();
        request_ = cloudflare::make_request(op_, context.credentials(), context.options(), options_,
                                            context.spare_fields_.acquire());
        if (!request_) return attempts_.refused(request_.error(), now);
        attempts_.made(*request_);
    }
    void give_back_request() noexcept {
        if (request_) attempts_.context().spare_fields_.release(std::move(request_->fields));
    }

    [[nodiscard]] call_step step() const noexcept {
        switch (state()) {
        case call_state::sending: return {action::send, &*request_, attempts_.until()};
        case call_state::queued:
        case call_state::backoff: return {action::wait, nullptr, attempts_.until()};
        default: return {};
        }
    }

    Op op_;
    call_options options_;
    detail::attempts attempts_;
    result<http::request> request_{error()};
    result<result_type> decoded_{error()};
};

} // namespace cloudflare::inline v0
