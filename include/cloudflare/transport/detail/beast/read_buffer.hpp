/// Received bytes that are not parsed yet.
#pragma once

#include <cloudflare/core/wipe.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// A buffer that is filled at its end and consumed from its beginning, with the functions of Asio's
/// dynamic buffers. `wipe()` is for a buffer that contained a secret.
class read_buffer {
public:
    /// The bytes that have not been consumed.
    [[nodiscard]] boost::asio::const_buffer data() const noexcept {
        return boost::asio::buffer(bytes_.data() + begin_, end_ - begin_);
    }
    /// Memory for more bytes, at least one.
    [[nodiscard]] boost::asio::mutable_buffer prepare() {
        if (begin_ == end_) begin_ = end_ = 0;
        if (end_ == bytes_.size() || (was_filled_ && bytes_.size() < max_read_size)) make_space();
        was_filled_ = false;
        return boost::asio::buffer(bytes_.data() + end_, bytes_.size() - end_);
    }
    /// `size` bytes were written to the memory from `prepare()`.
    void commit(std::size_t size) noexcept {
        end_ += size;
        high_ = (std::max)(high_, end_);
        was_filled_ = end_ == bytes_.size();
    }
    void consume(std::size_t size) noexcept { begin_ += size; }
    /// Empties the buffer, and overwrites all that it ever contained.
    void wipe() noexcept {
        cloudflare::wipe(bytes_.data(), high_);
        begin_ = end_ = high_ = 0;
    }

private:
    void make_space() {
        if (begin_ == 0) {
            bytes_.resize(bytes_.empty() ? initial_size : bytes_.size() * 2);
        } else {
            std::copy(bytes_.data() + begin_, bytes_.data() + end_, bytes_.data());
            end_ -= std::exchange(begin_, 0);
        }
    }

    static constexpr std::size_t initial_size = 2048; ///< a response with one token is about 1 KiB
    static constexpr std::size_t max_read_size = 16384; ///< up to here full reads make it grow
    wiped_string bytes_;
    std::size_t begin_ = 0, end_ = 0, high_ = 0;
    bool was_filled_ = false; ///< by the last read: more is likely to follow
};

} // namespace cloudflare::inline v0::detail::beast
