/// Calls of the API without coroutines, many at once on one thread: `exchange` says what each is to
/// do next, poll(2) says when.
#pragma once

#include "http_attempt.hpp"

#include <cloudflare/api/exchange.hpp>
#include <cloudflare/api/make_request.hpp>

#include <algorithm>
#include <chrono>
#include <climits>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

/// What all calls share.
struct call_context {
    cloudflare::credentials who;
    cloudflare::client_options options;
    address_list addresses;
    cloudflare::retry_budget budget{};
    std::mt19937_64 random{std::random_device()()};
};

/// A call under way, whatever it asks for.
class call {
public:
    virtual ~call() = default;
    [[nodiscard]] virtual pollfd awaited() const = 0;
    [[nodiscard]] virtual cloudflare::time_point deadline() const = 0;
    [[nodiscard]] virtual bool done() const = 0;
    /// Goes on. `ready` is whether its socket is.
    virtual void advance(bool ready, cloudflare::time_point now) = 0;
};

/// The call of an operation, and who is told how it ended.
template <cloudflare::operation Op>
class call_of final : public call {
public:
    using result = cloudflare::result<typename Op::result_type>;

    call_of(call_context& shared, Op op, std::function<void(result)> then,
            cloudflare::time_point now)
        : shared_(shared),
          op_(std::move(op)),
          then_(std::move(then)),
          exchange_(Op::name, op_.idempotency, shared.options.retry(),
                    now + shared.options.deadline(), &shared.budget) {
        perform(exchange_.start(now));
    }

    [[nodiscard]] pollfd awaited() const override {
        return attempt_ ? attempt_->awaited() : pollfd{-1, 0, 0};
    }
    [[nodiscard]] cloudflare::time_point deadline() const override {
        bool const under_way = attempt_ && !attempt_->done();
        return under_way ? exchange_.attempt_deadline() : exchange_.wake_at();
    }
    [[nodiscard]] bool done() const override { return done_; }

    void advance(bool ready, cloudflare::time_point now) override {
        if (done_) return;
        if (!attempt_) {
            if (now >= exchange_.wake_at()) perform(exchange_.woke(now));
            return;
        }
        if (ready) attempt_->advance();
        if (!attempt_->done() && now >= exchange_.attempt_deadline()) attempt_->expire();
        if (attempt_->done()) take_answer(now);
    }

private:
    using action = cloudflare::exchange::action;

    void perform(action next) {
        attempt_.reset();
        if (next == action::done) return finish(exchange_.failure());
        if (next == action::wait) return;
        auto const request = make_request(op_, shared_.who, shared_.options);
        if (!request) return perform(exchange_.refused(request.error()));
        attempt_.emplace(*request, shared_.addresses);
    }

    void take_answer(cloudflare::time_point now) {
        auto const answer = attempt_->take();
        auto decoded = answer ? cloudflare::decode<Op>(*answer) : result(answer.error());
        auto const next = decoded ? exchange_.succeeded()
                                  : exchange_.failed(decoded.error(), now, shared_.random());
        if (decoded) return finish(std::move(decoded));
        // A delete that finds nothing, where an earlier one may have acted: there is no value.
        if (exchange_.gone()) return finish(typename Op::result_type());
        perform(next);
    }

    void finish(result end) {
        attempt_.reset();
        done_ = true;
        then_(std::move(end));
    }

    call_context& shared_;
    Op op_;
    std::function<void(result)> then_;
    cloudflare::exchange exchange_;
    std::optional<http_attempt> attempt_;
    bool done_ = false;
};

/// All calls under way.
class calls {
public:
    using clock = std::chrono::steady_clock;

    calls(cloudflare::credentials who, cloudflare::client_options options, address_list addresses)
        : shared_{std::move(who), std::move(options), std::move(addresses)} {}
    calls(calls const&) = delete; // each call knows where they are
    calls& operator=(calls const&) = delete;

    /// Begins a call; `then` is called with its result, and may begin others.
    template <cloudflare::operation Op>
    void start(Op op, std::function<void(typename call_of<Op>::result)> then) {
        started_.push_back(
            std::make_unique<call_of<Op>>(shared_, std::move(op), std::move(then), clock::now()));
    }

    /// Returns when none is left.
    void run() {
        while (!started_.empty() || !running_.empty()) {
            std::move(started_.begin(), started_.end(), std::back_inserter(running_));
            started_.clear();
            turn();
            std::erase_if(running_, [](auto const& c) { return c->done(); });
        }
    }

private:
    /// Waits until a socket is ready or a time has come, and lets each call go on.
    void turn() {
        std::vector<pollfd> sockets;
        auto first = clock::time_point::max();
        for (auto const& c : running_) {
            sockets.push_back(c->awaited());
            first = std::min(first, c->deadline());
        }
        ::poll(sockets.data(), sockets.size(), milliseconds_to(first));
        auto const now = clock::now();
        for (std::size_t i = 0; i != running_.size(); ++i)
            running_[i]->advance(sockets[i].revents != 0, now);
    }

    static int milliseconds_to(clock::time_point t) {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(t - clock::now()).count();
        return static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
    }

    call_context shared_;
    std::vector<std::unique_ptr<call>> running_, started_;
};
