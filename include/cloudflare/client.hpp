/// The client: credentials, options and a transport, and `call(operation)`.
#pragma once

#include <cloudflare/core/splitmix64.hpp>
#include <cloudflare/protocol/exchange.hpp>
#include <cloudflare/protocol/make_request.hpp>
#include <cloudflare/transport/transport.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>

namespace cloudflare::inline v0 {

/// Calls operations over a transport, and gives back what the transport's coroutine type makes of
/// `result<T>`: `blocking<result<T>>`, `boost::asio::awaitable<result<T>>` ...
///
/// A client is a handle: copies share the transport, the retry budget and the options, and a call
/// that is under way keeps them alive. Several threads may use one client if its transport allows
/// it.
template <transport Transport>
class client {
public:
    template <class T>
    using task = typename Transport::template task<T>;

    client(Transport way, credentials who, client_options options = client_options())
        : state_(std::make_shared<state>(std::move(way), std::move(who), std::move(options))) {}

    /// Makes the operation, trying again as far as its idempotency, the retry policy, the retry
    /// budget and the deadline allow.
    ///
    /// @return the operation's result or an `error`, whose `delivery` says whether the server may
    /// have acted
    ///
    /// Cancellation, where the transport's coroutines know it: the call ends with
    /// `errc::cancelled`, and the error's delivery tells whether the request may have arrived. An
    /// answer that was already there is still given.
    template <operation Op>
    [[nodiscard]] task<result<typename Op::result_type>>
    call(Op op, call_options options = call_options()) const {
        return run(state_, std::move(op), std::move(options));
    }

    [[nodiscard]] Transport& transport() const noexcept { return state_->transport; }
    [[nodiscard]] client_options const& options() const noexcept { return state_->options; }

private:
    struct state {
        state(Transport way, credentials c, client_options o)
            : transport(std::move(way)),
              who(std::move(c)),
              options(std::move(o)),
              budget(options.retry_budget()),
              random(options.seed() ? *options.seed() : any_seed()) {}

        /// 64 random bits, for any thread.
        [[nodiscard]] std::uint64_t random_bits() noexcept {
            return detail::splitmix64(
                random.fetch_add(detail::splitmix64_step, std::memory_order_relaxed));
        }
        [[nodiscard]] static std::uint64_t any_seed() {
            std::random_device device;
            return (std::uint64_t{device()} << 32) | device();
        }

        Transport transport;
        credentials who;
        client_options options;
        retry_budget budget;
        std::atomic<std::uint64_t> random;
    };

    template <operation Op>
    static task<result<typename Op::result_type>> run(std::shared_ptr<state> self, Op op,
                                                      call_options options) {
        using result_type = typename Op::result_type;
        auto const started = self->transport.now();
        exchange call(Op::name, op.idempotency, options.retry_over(self->options.retry()),
                      started + options.deadline().value_or(self->options.deadline()),
                      &self->budget);

        for (auto next = call.start(started); next != exchange::action::done;) {
            if (next == exchange::action::wait) {
                co_await self->transport.sleep_until(call.wake_at());
                next = call.woke(self->transport.now());
                continue;
            }
            auto const request = make_request(op, self->who, self->options, options);
            if (!request) {
                next = call.refused(request.error());
                continue;
            }
            auto const sent = self->transport.now();
            auto answer = co_await self->transport.send(*request, call.attempt_deadline());
            auto const ended = self->transport.now();

            std::vector<api_message> messages;
            auto decoded =
                answer ? decode<Op>(*answer, &messages) : result<result_type>(answer.error());
            report(*self, call, ended - sent, answer, messages, decoded);
            if (decoded) {
                static_cast<void>(call.succeeded());
                co_return decoded;
            }
            next = call.failed(decoded.error(), ended, self->random_bits());
        }
        if constexpr (std::is_void_v<result_type> || std::default_initializable<result_type>)
            if (call.gone()) co_return result<result_type>(boost::system::in_place_value);
        co_return call.failure();
    }

    template <class T>
    static void report(state const& self, exchange const& call, time_point::duration elapsed,
                       result<http::response> const& answer,
                       std::vector<api_message> const& messages, result<T> const& decoded) {
        if (!self.options.trace()) return;
        trace_event event{.operation = call.operation()};
        event.messages = &messages;
        event.attempt = call.attempts();
        event.elapsed = elapsed;
        if (answer) {
            event.http_status = answer->status;
            event.cf_ray = answer->fields.find("cf-ray");
            event.limit = parse_rate_limit(answer->fields);
        }
        error const failure = decoded ? error() : decoded.error();
        if (!decoded) event.failure = &failure;
        self.options.trace()(event);
    }

    std::shared_ptr<state> state_;
};

} // namespace cloudflare::inline v0
