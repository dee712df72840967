/// C libraries' handles as values that free themselves.
#pragma once

#include <cloudflare/core/config.hpp>

namespace cloudflare::inline v0::detail {

/// A deleter for `std::unique_ptr` that calls the function `Free`.
template <auto Free>
struct free_with {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};

} // namespace cloudflare::inline v0::detail
