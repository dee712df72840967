/// The coroutine type of blocking transports: it runs to its end when it is called.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail {

template <class T>
struct blocking_state {
    std::optional<T> value;
    std::exception_ptr thrown;

    /// By value, so that only implicit conversions apply: a `result<bool>` is not converted to a
    /// bool.
    void return_value(T given) { value.emplace(std::move(given)); }
    T take() {
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*value);
    }
};

template <>
struct blocking_state<void> {
    std::exception_ptr thrown;

    void return_void() const noexcept {}
    void take() const {
        if (thrown) std::rethrow_exception(thrown);
    }
};

} // namespace detail

/// The result of a call that has already ended: `get()` returns it.
///
/// In another `blocking` coroutine `co_await` does the same. Nothing is ever suspended.
template <class T>
class [[nodiscard]] blocking {
public:
    struct promise_type : detail::blocking_state<T> {
        blocking get_return_object() noexcept {
            return blocking(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void unhandled_exception() noexcept { this->thrown = std::current_exception(); }
    };

    /// Leaves `other` without a coroutine.
    blocking(blocking&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    /// Destroys the coroutine that was held.
    blocking& operator=(blocking other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~blocking() {
        if (handle_) handle_.destroy();
    }

    /// The value, to be called once. Throws what the coroutine threw, e.g. in a user's transport.
    T get() { return handle_.promise().take(); }

    /// It has run when it is returned: awaiting it never suspends.
    bool await_ready() const noexcept { return true; }
    /// Never called.
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    /// As `get`.
    T await_resume() { return get(); }

private:
    explicit blocking(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

} // namespace cloudflare::inline v0
