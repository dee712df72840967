/// Decodes the chunked transfer coding (RFC 9112, section 7.1), fed in pieces of any size.
#pragma once

#include <cloudflare/core/wipe.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cloudflare::inline v0::detail {

/// Decodes a chunked body, and finds its end. Chunk extensions and trailer fields are ignored;
/// their size is limited, because a server could send them without end.
///
/// Strict about line ends: every line must end with CR LF.
class chunked_decoder {
public:
    enum class status : unsigned char {
        incomplete, ///< more bytes are needed
        complete,   ///< the body has ended
        malformed,  ///< the bytes break the coding's rules
        too_large,  ///< the body, or what is ignored, exceeds its limit
    };

    /// @param max_body_size in bytes
    /// @param max_ignored of chunk extensions and trailer fields together, in bytes
    chunked_decoder(std::uint64_t max_body_size, std::size_t max_ignored) noexcept
        : body_left_(max_body_size), ignored_left_(max_ignored) {}

    [[nodiscard]] status state() const noexcept { return status_; }

    /// Decodes `input` up to the end of the body or the first invalid byte, and appends the result
    /// to `body`.
    ///
    /// @return how many bytes were consumed: all of them while the body is incomplete
    std::size_t put(std::string_view input, wiped_string& body) {
        std::size_t taken = 0;
        while (taken != input.size() && status_ == status::incomplete) {
            if (next_ == part::data) {
                taken += put_data(input.substr(taken), body);
            } else {
                put_byte(input[taken++]);
            }
        }
        return taken;
    }

private:
    /// What the next byte belongs to.
    enum class part : unsigned char {
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_begin,
        trailer,
        trailer_lf,
        last_lf,
    };

    std::size_t put_data(std::string_view input, wiped_string& body) {
        auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
        body.append(input.substr(0, size));
        left_ -= size;
        if (left_ == 0) next_ = part::data_cr;
        return size;
    }

    void put_byte(char c) noexcept {
        switch (next_) {
        case part::size: return put_size(c);
        case part::extension: return c == '\r' ? expect(part::size_lf) : ignore(c);
        case part::size_lf: return c == '\n' ? begin_chunk() : end(status::malformed);
        case part::data: return; // consumed by put_data
        case part::data_cr: return c == '\r' ? expect(part::data_lf) : end(status::malformed);
        case part::data_lf: return c == '\n' ? end_chunk() : end(status::malformed);
        case part::trailer_begin:
            if (c == '\r') return expect(part::last_lf);
            next_ = part::trailer;
            return ignore(c);
        case part::trailer: return c == '\r' ? expect(part::trailer_lf) : ignore(c);
        case part::trailer_lf:
            return c == '\n' ? expect(part::trailer_begin) : end(status::malformed);
        case part::last_lf: return end(c == '\n' ? status::complete : status::malformed);
        }
    }

    void put_size(char c) noexcept {
        if (auto const digit = hex_digit(c); digit >= 0) {
            // 16 digits are 64 bits; more would be endless zeros or an overflow.
            if (++digits_ > 16) return end(status::malformed);
            left_ = left_ * 16 + static_cast<unsigned>(digit);
            return;
        }
        if (digits_ == 0) return end(status::malformed);
        if (c == '\r') return expect(part::size_lf);
        if (c != ';' && c != ' ' && c != '\t') return end(status::malformed);
        next_ = part::extension;
        ignore(c);
    }

    void begin_chunk() noexcept {
        if (left_ == 0) return expect(part::trailer_begin);
        if (left_ > body_left_) return end(status::too_large);
        body_left_ -= left_;
        expect(part::data);
    }

    void end_chunk() noexcept {
        digits_ = 0;
        expect(part::size);
    }

    /// A byte of an extension or a trailer field.
    void ignore(char c) noexcept {
        auto const byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7f) return end(status::malformed);
        if (ignored_left_-- == 0) end(status::too_large);
    }

    void expect(part next) noexcept { next_ = next; }
    void end(status outcome) noexcept { status_ = outcome; }

    [[nodiscard]] static constexpr int hex_digit(char c) noexcept {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    }

    std::uint64_t body_left_;  ///< how large later chunks may be
    std::uint64_t left_ = 0;   ///< of the current chunk
    std::size_t ignored_left_; ///< what may still be ignored
    unsigned digits_ = 0;      ///< of the current chunk's size
    part next_ = part::size;
    status status_ = status::incomplete;
};

} // namespace cloudflare::inline v0::detail
