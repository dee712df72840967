/// Header buffers to use again.
#pragma once

#include <cloudflare/http/headers.hpp>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail {

/// A small thread-safe pool of header buffers, wiped.
class spare_headers {
public:
    spare_headers() { spare_.reserve(most); }

    /// Headers without a field, with the memory of ones given back where there are any.
    [[nodiscard]] http::headers take() noexcept {
        std::lock_guard const lock(mutex_);
        if (spare_.empty()) return {};
        auto taken = std::move(spare_.back());
        spare_.pop_back();
        return taken;
    }
    void give_back(http::headers used) noexcept {
        used.clear();
        std::lock_guard const lock(mutex_);
        if (spare_.size() != most) spare_.push_back(std::move(used));
    }

private:
    static constexpr std::size_t most = 64;
    std::mutex mutex_;
    std::vector<http::headers> spare_;
};

} // namespace cloudflare::inline v0::detail
