/// Calls of the API without coroutines, many at once on one thread: `cloudflare::call` says what each
/// is to do next, poll(2) says when.
#pragma once

#include "http_attempt.hpp"

#include <cloudflare/api/call.hpp>

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
struct shared_state {
    std::shared_ptr<cloudflare::call_context> api;
    address_list addresses;
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

    call_of(shared_state& shared, Op op, std::function<void(result)> then,
            cloudflare::time_point now)
        : shared_(shared), then_(std::move(then)), call_(shared.api, std::move(op)) {
        perform(call_.start(now));
    }

    [[nodiscard]] pollfd awaited() const override {
        return attempt_ ? attempt_->awaited() : pollfd{-1, 0, 0};
    }
    [[nodiscard]] cloudflare::time_point deadline() const override { return next_.until(); }
    [[nodiscard]] bool done() const override { return next_.what() == action::done; }

    void advance(bool ready, cloudflare::time_point now) override {
        if (next_.what() == action::wait && now >= next_.until()) return perform(call_.resume(now));
        if (next_.what() != action::send) return;
        if (ready) attempt_->advance();
        if (!attempt_->done() && now >= next_.until()) attempt_->expire();
        if (attempt_->done()) perform(call_.responded(attempt_->take(), now, shared_.random()));
    }

private:
    using action = cloudflare::call_step::action;

    void perform(cloudflare::call_step next) {
        next_ = next;
        attempt_.reset();
        if (done()) then_(std::move(call_).finish());
        if (next.what() == action::send) attempt_.emplace(next.request(), shared_.addresses);
    }

    shared_state& shared_;
    std::function<void(result)> then_;
    cloudflare::call<Op> call_;
    cloudflare::call_step next_;
    std::optional<http_attempt> attempt_;
};

/// All calls under way.
class calls {
public:
    using clock = std::chrono::steady_clock;

    calls(cloudflare::credentials const& credentials, cloudflare::client_options options,
          address_list addresses)
        : shared_{std::make_shared<cloudflare::call_context>(credentials, std::move(options)),
                  std::move(addresses)} {}
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

    shared_state shared_;
    std::vector<std::unique_ptr<call>> running_, started_;
};
