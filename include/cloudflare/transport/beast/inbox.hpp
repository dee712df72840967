/// Bytes received and not parsed yet.
#pragma once

#include <cloudflare/core/wipe.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// A buffer that is filled at its end and read from its front; `wipe()` is for what held a secret.
class inbox {
public:
    [[nodiscard]] boost::asio::const_buffer unread() const noexcept {
        return boost::asio::buffer(bytes_.data() + begin_, end_ - begin_);
    }
    /// Room for more, never empty.
    [[nodiscard]] boost::asio::mutable_buffer room() {
        if (begin_ == end_) begin_ = end_ = 0;
        if (end_ == bytes_.size() || (was_filled_ && bytes_.size() < most_at_once)) make_room();
        was_filled_ = false;
        return boost::asio::buffer(bytes_.data() + end_, bytes_.size() - end_);
    }
    /// `size` bytes have been written to `room()`.
    void commit(std::size_t size) noexcept {
        end_ += size;
        high_ = std::max(high_, end_);
        was_filled_ = end_ == bytes_.size();
    }
    void consume(std::size_t size) noexcept { begin_ += size; }
    /// Empties the buffer, and overwrites all that it ever held.
    void wipe() noexcept {
        v0::wipe(bytes_.data(), high_);
        begin_ = end_ = high_ = 0;
    }

private:
    void make_room() {
        if (begin_ == 0) {
            bytes_.resize(bytes_.empty() ? first_size : bytes_.size() * 2);
        } else {
            std::copy(bytes_.data() + begin_, bytes_.data() + end_, bytes_.data());
            end_ -= std::exchange(begin_, 0);
        }
    }

    static constexpr std::size_t first_size = 2048; ///< an answer with one token takes about 1 KiB
    static constexpr std::size_t most_at_once = 16384; ///< how far full reads make it grow
    wiped_string bytes_;
    std::size_t begin_ = 0, end_ = 0, high_ = 0;
    bool was_filled_ = false; ///< by what came last: more is likely to follow
};

} // namespace cloudflare::inline v0::detail::beast
