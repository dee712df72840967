/// The client: credentials, options and a transport, and `call(operation)`.
#pragma once

#include <cloudflare/api/exchange.hpp>
#include <cloudflare/api/limiter.hpp>
#include <cloudflare/api/make_request.hpp>
#include <cloudflare/api/server_clock.hpp>
#include <cloudflare/core/detail/splitmix64.hpp>
#include <cloudflare/core/detail/system_random.hpp>
#include <cloudflare/http/detail/spare_headers.hpp>
#include <cloudflare/transport/transport.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

/// Calls operations over a transport. A call returns `Transport::task<result<T>>`, e.g.
/// `blocking<result<T>>` or `boost::asio::awaitable<result<T>>`.
///
/// A client is a handle: copies share the transport, the retry budget and the options, and a call
/// that is under way keeps them alive. Several threads may use one client if its transport allows
/// it.
template <transport Transport>
class client {
public:
    template <class T>
    using task = typename Transport::template task<T>;

    client(Transport transport, credentials const& credentials,
           client_options options = client_options())
        : state_(std::make_shared<state>(std::move(transport), credentials, std::move(options))) {}

    /// Makes the operation, trying again as far as its idempotency, the retry policy, the retry
    /// budget and the deadline allow.
    ///
    /// @return the operation's result or an `error`, whose `delivery` says whether the server may
    /// have acted
    ///
    /// Exceptions: `std::bad_alloc`, and what a hook or a strategy of the user's throws. They say
    /// nothing of the delivery: the server may have acted.
    ///
    /// Cancellation, where the transport's coroutines know it: the call ends with
    /// `errc::cancelled`, and the error's delivery tells whether the request may have arrived. A
    /// response that was already there is still given.
    template <operation Op>
    [[nodiscard]] task<result<typename Op::result_type>>
    call(Op op, call_options options = call_options()) const {
        static_assert(!detail::is_always<Op>(idempotency::done_when_gone) ||
                          detail::can_be_nothing<typename Op::result_type>,
                      "an operation that is done_when_gone has a result of void or std::optional, "
                      "for where nothing was left to delete");
        return run(std::make_unique<pending_call<Op>>(state_, std::move(op), std::move(options)));
    }

    [[nodiscard]] Transport& transport() const noexcept { return state_->transport; }
    [[nodiscard]] client_options const& options() const noexcept { return state_->options; }

    /// The server's time now, as the last response with a `Date` told it; nothing before that.
    [[nodiscard]] std::optional<timestamp> server_time() const {
        return state_->clock.at(transport().now());
    }

private:
    struct state {
        state(Transport t, v0::credentials const& c, client_options o)
            : transport(std::move(t)),
              credentials(c),
              options(std::move(o)),
              budget(options.retry_budget()),
              limits(options.limiter().value_or(limiter())),
              random(options.seed() ? *options.seed() : detail::system_random()) {}

        /// 64 random bits, for any thread.
        [[nodiscard]] std::uint64_t random_bits() noexcept {
            return detail::splitmix64(
                random.fetch_add(detail::splitmix64_step, std::memory_order_relaxed));
        }

        Transport transport;
        v0::credentials credentials;
        client_options options;
        retry_budget budget;
        limiter limits;
        server_clock clock;
        detail::spare_headers spare_fields;
        std::atomic<std::uint64_t> random;
    };

    /// State of one call across suspensions; heap-allocated separately so that the coroutine frame
    /// stays small enough for Asio to recycle.
    template <operation Op>
    class pending_call {
    public:
        using result_type = typename Op::result_type;

        pending_call(std::shared_ptr<state> self, Op op, call_options options)
            : self_(std::move(self)),
              op_(std::move(op)),
              options_(std::move(options)),
              permit_(self_->limits, urgency_of(op_.idempotency)) {}
        pending_call(pending_call const&) = delete;
        pending_call& operator=(pending_call const&) = delete;
        ~pending_call() { give_back_request(); }

        [[nodiscard]] Transport& transport() const noexcept { return self_->transport; }

        exchange::action begin() {
            auto const now = transport().now();
            deadline_ = now + options_.deadline().value_or(self_->options.deadline());
            exchange_.emplace(Op::name, kind(), options_.retry_over(self_->options.retry()),
                              deadline_, &self_->budget);
            return next_attempt(now);
        }
        exchange::action woke() {
            auto const now = transport().now();
            // A wait that ends early twice was cancelled: `send` is to say so.
            if (permit_at_ && now < *permit_at_ && ++early_ == 2) permit_.insist(now);
            return next_attempt(now);
        }

        [[nodiscard]] time_point wake_at() const noexcept {
            return permit_at_ ? *permit_at_ : exchange_->wake_at();
        }
        [[nodiscard]] time_point attempt_deadline() const noexcept {
            return exchange_->attempt_deadline();
        }

        /// Makes the attempt's request; false where it cannot be made, and the call is over.
        [[nodiscard]] bool make_request() {
            give_back_request();
            request_ = v0::make_request(op_, self_->credentials, self_->options, options_,
                                        self_->spare_fields.take());
            sent_ = now_if_traced();
            if (!request_) {
                permit_.withdraw(transport().now());
                static_cast<void>(exchange_->refused(request_.error()));
            }
            return request_.has_value();
        }
        [[nodiscard]] http::request const& request() const { return *request_; }

        /// Takes the attempt's response in.
        exchange::action take(result<http::response> const& response) {
            auto const elapsed = now_if_traced() - sent_;
            if (response) self_->clock.note(response->fields.find("Date"), transport().now());
            std::vector<api_message> messages;
            decoded_ =
                response ? decode<Op>(*response, &messages) : result<result_type>(response.error());
            report(*self_, *exchange_, elapsed, response, messages, decoded_);
            auto const now = transport().now();
            end_permit(response, now);
            if (decoded_) return exchange_->succeeded();
            return exchange_->failed(decoded_.error(), now, self_->random_bits());
        }

        /// What the call came to, once it is over.
        [[nodiscard]] result<result_type> finish() {
            if (decoded_) return std::move(decoded_);
            if constexpr (detail::can_be_nothing<result_type>)
                if (exchange_->gone()) return result<result_type>(boost::system::in_place_value);
            return exchange_->failure();
        }

    private:
        /// An operation whose idempotency is no constant may say at run time what its result cannot.
        [[nodiscard]] idempotency kind() const noexcept {
            bool const gone_is_error = !detail::can_be_nothing<result_type> &&
                                       op_.idempotency == idempotency::done_when_gone;
            return gone_is_error ? idempotency::idempotent : op_.idempotency;
        }
        /// Starts an attempt, as soon as the limiter permits it.
        exchange::action next_attempt(time_point now) {
            permit_at_ = permit_.request(now);
            if (permit_at_ && *permit_at_ >= deadline_ && now < deadline_) {
                permit_.withdraw(now);
                return exchange_->no_permit(*permit_at_ - now);
            }
            if (permit_at_ && now < deadline_) return exchange::action::wait;
            auto const next =
                exchange_->attempts() == 0 ? exchange_->start(now) : exchange_->woke(now);
            if (next != exchange::action::send) permit_.withdraw(now);
            return next;
        }
        /// Tells the limiter what became of the attempt.
        void end_permit(result<http::response> const& response, time_point now) noexcept {
            if (!response && response.error().code() &&
                response.error().delivery() == delivery::not_sent)
                return permit_.withdraw(now);
            if (decoded_.has_error() && decoded_.error() == errc::rate_limited)
                return permit_.refused(now, detail::clamped_retry_after(decoded_.error()));
            permit_.ended(now, response.has_value(),
                          response ? parse_rate_limit(response->fields) : std::nullopt);
        }

        /// The time for a trace; without one there is no need to ask the clock.
        [[nodiscard]] time_point now_if_traced() const {
            return self_->options.trace() ? transport().now() : time_point();
        }
        void give_back_request() noexcept {
            if (request_) self_->spare_fields.give_back(std::move(request_->fields));
        }

        std::shared_ptr<state> self_;
        Op op_;
        call_options options_;
        limiter::permit permit_;
        std::optional<time_point> permit_at_; // when to ask the limiter again
        unsigned early_ = 0;                  // waits for it that ended before that
        time_point deadline_{};
        std::optional<exchange> exchange_;
        result<http::request> request_{error()};
        time_point sent_{};
        result<result_type> decoded_{error()};
    };

    template <operation Op>
    static task<result<typename Op::result_type>> run(std::unique_ptr<pending_call<Op>> call) {
        for (auto next = call->begin(); next != exchange::action::done;) {
            if (next == exchange::action::wait) {
                co_await call->transport().sleep_until(call->wake_at());
                next = call->woke();
                continue;
            }
            if (!call->make_request()) break;
            auto const response =
                co_await call->transport().send(call->request(), call->attempt_deadline());
            next = call->take(response);
        }
        co_return call->finish();
    }

    template <class T>
    static void report(state const& self, exchange const& call, time_point::duration elapsed,
                       result<http::response> const& response,
                       std::vector<api_message> const& messages, result<T> const& decoded) {
        if (!self.options.trace()) return;
        trace_event event{.operation = call.operation()};
        event.messages = &messages;
        event.attempt = call.attempts();
        event.elapsed = elapsed;
        if (response) {
            event.http_status = response->status;
            event.cf_ray = response->fields.find("cf-ray");
            event.limit = parse_rate_limit(response->fields);
        }
        error const failure = decoded ? error() : decoded.error();
        if (!decoded) event.failure = &failure;
        self.options.trace()(event);
    }

    std::shared_ptr<state> state_;
};

} // namespace cloudflare::inline v0
