/// Memory that is overwritten before it is freed: for secrets and the bytes around them.
#pragma once

#include <cloudflare/core/config.hpp>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

namespace cloudflare::inline v0 {

/// Overwrites `size` bytes at `data` with zeros, in a way that the optimiser may not remove.
inline void wipe(void* data, std::size_t size) noexcept {
    if (size == 0) return;
#if defined(__GNUC__)
    std::memset(data, 0, size);
    __asm__ __volatile__("" : : "r"(data) : "memory");
#else
    for (auto* p = static_cast<volatile unsigned char*>(data); size != 0; --size)
        *p++ = 0;
#endif
}

/// Overwrites the string's whole buffer, which may hold parts of earlier values, and leaves it
/// empty.
template <class Allocator>
void wipe(std::basic_string<char, std::char_traits<char>, Allocator>& string) noexcept {
    string.resize(string.capacity());
    wipe(string.data(), string.size());
    string.clear();
}

/// The standard allocator, except that memory is wiped before it is freed: a string that grows
/// leaves no copy behind.
template <class T>
struct wiping_allocator {
    /// As the standard asks of an allocator.
    using value_type = T;

    wiping_allocator() noexcept = default;
    /// For another type: it has no state.
    template <class U>
    wiping_allocator(wiping_allocator<U> const&) noexcept {}

    /// As `std::allocator`.
    [[nodiscard]] T* allocate(std::size_t n) { return std::allocator<T>{}.allocate(n); }
    /// Wipes all `n` objects first.
    void deallocate(T* p, std::size_t n) noexcept {
        wipe(p, n * sizeof(T));
        std::allocator<T>{}.deallocate(p, n);
    }

    /// Any two are equal.
    template <class U>
    friend bool operator==(wiping_allocator const&, wiping_allocator<U> const&) noexcept {
        return true;
    }
};

/// A string whose heap memory is wiped. A string short enough to be stored in the object itself (15
/// characters with libstdc++, 22 with libc++) is not wiped; every secret of this API is longer. For
/// what must never be printed use `secret`.
using wiped_string = std::basic_string<char, std::char_traits<char>, wiping_allocator<char>>;

} // namespace cloudflare::inline v0
