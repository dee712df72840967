// The coroutine type of the simulation: lazy, and driven by simulated time alone.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace simulation {

template <class T>
struct result_slot {
    std::optional<T> value;
    void return_value(T given) { value.emplace(std::move(given)); }
    T take() { return std::move(*value); }
};
template <>
struct result_slot<void> {
    void return_void() const noexcept {}
    void take() const noexcept {}
};

/// Starts when it is awaited; resumes its awaiter at its end.
template <class T>
class [[nodiscard]] task {
public:
    struct promise_type : result_slot<T> {
        std::coroutine_handle<> awaiter = std::noop_coroutine();
        std::exception_ptr thrown;

        struct resume_awaiter {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                return h.promise().awaiter;
            }
            void await_resume() const noexcept {}
        };
        task get_return_object() noexcept {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        resume_awaiter final_suspend() const noexcept { return {}; }
        void unhandled_exception() noexcept { thrown = std::current_exception(); }
    };

    task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
        handle_.promise().awaiter = awaiter;
        return handle_;
    }
    T await_resume() {
        if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
        return handle_.promise().take();
    }

    /// Starts a task that nobody awaits; it must outlive its run.
    void start() { handle_.resume(); }
    [[nodiscard]] bool done() const noexcept { return handle_.done(); }

private:
    explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

/// Simulated time, and what is to happen when.
class scheduler {
public:
    using time_point = cloudflare::time_point;

    [[nodiscard]] time_point now() const noexcept { return now_; }

    /// Calls `what` at `when`; what is due at the same time comes in the order of these calls.
    void at(time_point when, std::function<void()> what) {
        agenda_.emplace(std::max(when, now_), std::move(what));
    }

    /// Awaited, lets time pass.
    [[nodiscard]] auto until(time_point when) {
        struct awaiter {
            scheduler& s;
            time_point when;
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> h) {
                s.at(when, [h] { h.resume(); });
            }
            void await_resume() const noexcept {}
        };
        return awaiter{*this, when};
    }

    /// Runs until nothing is left to happen; or, where that never is, so long that it is given up.
    void run() {
        constexpr int most_events = 100'000;
        for (int events = 0; step(); ++events)
            if (events == most_events) return agenda_.clear();
    }
    /// Lets the next thing happen; false where nothing is left.
    bool step() {
        if (agenda_.empty()) return false;
        auto const next = agenda_.begin();
        now_ = next->first;
        auto const what = std::move(next->second);
        agenda_.erase(next);
        what();
        return true;
    }

private:
    time_point now_{std::chrono::hours(1)};
    std::multimap<time_point, std::function<void()>> agenda_;
};

} // namespace simulation
