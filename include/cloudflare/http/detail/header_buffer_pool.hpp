/// Reuses the memory of header buffers.
#pragma once

#include <cloudflare/http/headers.hpp>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail {

/// A small thread-safe pool of header buffers, wiped.
class header_buffer_pool {
public:
    header_buffer_pool() { free_.reserve(max_count); }

    /// Empty headers, which have the memory of released ones where the pool has any.
    [[nodiscard]] http::headers acquire() noexcept {
        std::lock_guard const lock(mutex_);
        if (free_.empty()) return {};
        auto taken = std::move(free_.back());
        free_.pop_back();
        return taken;
    }
    void release(http::headers used) noexcept {
        used.clear();
        std::lock_guard const lock(mutex_);
        if (free_.size() != max_count) free_.push_back(std::move(used));
    }

private:
    static constexpr std::size_t max_count = 64;
    std::mutex mutex_;
    std::vector<http::headers> free_;
};

} // namespace cloudflare::inline v0::detail
