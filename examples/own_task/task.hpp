/// A custom coroutine type: it runs when it is awaited or started, and hands control back to
/// its awaiter at its end.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

/// What a coroutine ended with.
template <class T>
struct task_outcome {
    std::optional<T> value;
    std::exception_ptr thrown;

    void return_value(T given) { value.emplace(std::move(given)); }
    T take() {
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*value);
    }
};

template <>
struct task_outcome<void> {
    std::exception_ptr thrown;

    void return_void() const noexcept {}
    void take() const {
        if (thrown) std::rethrow_exception(thrown);
    }
};

template <class T>
class [[nodiscard]] task {
public:
    struct promise_type;
    using handle = std::coroutine_handle<promise_type>;

    struct promise_type : task_outcome<T> {
        std::coroutine_handle<> awaiter = std::noop_coroutine();

        /// Jumps to the awaiter instead of calling it: a long chain of tasks needs no deep stack.
        struct hand_back {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(handle ended) const noexcept {
                return ended.promise().awaiter;
            }
            void await_resume() const noexcept {}
        };

        task get_return_object() noexcept { return task(handle::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        hand_back final_suspend() const noexcept { return {}; }
        void unhandled_exception() noexcept { this->thrown = std::current_exception(); }
    };

    task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    task& operator=(task other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) const noexcept {
        handle_.promise().awaiter = awaiter;
        return handle_;
    }
    T await_resume() const { return handle_.promise().take(); }

    /// Runs it without an awaiter, until it first waits for something.
    void start() const { handle_.resume(); }
    bool done() const noexcept { return handle_.done(); }
    /// What it ended with, once.
    T take() const { return handle_.promise().take(); }

private:
    explicit task(handle h) noexcept : handle_(h) {}
    handle handle_;
};
