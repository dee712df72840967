/// A value that can be reached under its lock only.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <mutex>
#include <utility>

namespace cloudflare::inline v0::detail {

/// Holds a `T` and its mutex: the `T` is reachable only through `lock()`.
template <class T>
class guarded {
public:
    /// Access to the value; its destructor unlocks.
    class access {
    public:
        explicit access(guarded& owner) : lock_(owner.mutex_), value_(owner.value_) {}
        T* operator->() const noexcept { return &value_; }
        T& operator*() const noexcept { return value_; }

    private:
        std::lock_guard<std::mutex> lock_;
        T& value_;
    };

    template <class... Arguments>
    explicit guarded(Arguments&&... arguments) : value_(std::forward<Arguments>(arguments)...) {}

    [[nodiscard]] access lock() { return access(*this); }

private:
    std::mutex mutex_;
    T value_;
};

} // namespace cloudflare::inline v0::detail
