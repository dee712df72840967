/// Builds a response from what libcurl delivers, and checks what libcurl does not check.
#pragma once

#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/headers.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/curl_options.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::detail::curl {

/// Reads header lines and pieces of the body. Informational responses (1xx) and trailer fields are
/// ignored; both count towards the maximum size of the header.
class response_reader {
public:
    /// Why a response was refused.
    enum class fault : unsigned char {
        none,
        malformed,
        too_large
    };

    explicit response_reader(curl_options const& options) noexcept
        : max_header_size_(options.max_header_size()), max_body_size_(options.max_body_size()) {}

    /// Reads a line of the header or trailer section, including its line break.
    ///
    /// @param status of the last status line
    /// @return false where the response is refused
    bool take_line(std::string_view line, int status) {
        if (line.size() > max_header_size_ - header_size_) return refuse(fault::too_large);
        header_size_ += line.size();
        while (line.ends_with('\n') || line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.starts_with("HTTP/")) return begin(status);
        switch (next_) {
        case part::status_line: return refuse(fault::malformed);
        case part::fields: return line.empty() ? end_header() : take_field_line(line);
        case part::body: break; // a trailer
        }
        return true;
    }

    /// Reads a piece of the decoded body.
    bool take_body(std::string_view piece) {
        if (piece.size() > max_body_size_ - response_.body.size()) return refuse(fault::too_large);
        response_.body.append(piece);
        undecoded_size_ = 0;
        return true;
    }

    /// Counts bytes that arrived after the header, before they are decoded. This limits chunk
    /// extensions and an incomplete trailer, which libcurl does not deliver.
    void note_undecoded(std::size_t size) noexcept {
        body_begun_ = true;
        undecoded_size_ += size;
        if (undecoded_size_ > max_header_size_ + libcurl_buffer_size) refuse(fault::too_large);
    }

    [[nodiscard]] fault failure() const noexcept { return fault_; }
    /// Whether any part of a response was received.
    [[nodiscard]] bool has_begun() const noexcept { return header_size_ != 0; }
    /// Whether the header of a final response is complete.
    [[nodiscard]] bool has_header() const noexcept { return next_ == part::body; }
    /// Whether a chunked body ended without its last chunk. libcurl 8.22 takes the end of the
    /// connection for it.
    [[nodiscard]] bool lacks_chunks() const noexcept {
        return may_have_body() && !body_begun_ && response_.fields.contains("Transfer-Encoding");
    }
    /// Whether the end of the connection ends the body.
    [[nodiscard]] bool ends_with_connection() const noexcept {
        return may_have_body() && !response_.fields.contains("Content-Length") &&
               !response_.fields.contains("Transfer-Encoding");
    }
    /// The response; the reader must not be used again.
    [[nodiscard]] http::response take() noexcept { return std::move(response_); }

private:
    enum class part : unsigned char {
        status_line,
        fields,
        body
    };
    static constexpr std::size_t libcurl_buffer_size = 16 * 1024; // CURL_MAX_WRITE_SIZE

    bool refuse(fault why) noexcept {
        if (fault_ == fault::none) fault_ = why;
        return false;
    }

    [[nodiscard]] bool may_have_body() const noexcept {
        return response_.status != 204 && response_.status != 304;
    }

    bool begin(int status) {
        // 101: no other protocol was requested, and what follows is not HTTP.
        if (next_ != part::status_line || status == 101) return refuse(fault::malformed);
        response_ = http::response{.status = status};
        next_ = part::fields;
        return true;
    }

    /// A field's line, or one that continues the field before it (RFC 9112, section 5.2), in which
    /// case the line break means a space.
    bool take_field_line(std::string_view line) {
        if (line.front() == ' ' || line.front() == '\t') {
            if (field_.empty()) return refuse(fault::malformed);
            field_.append(1, ' ').append(trim(line));
            return true;
        }
        if (!add_field()) return false;
        field_ = line;
        return true;
    }

    /// Adds the last field, which is known to be complete now.
    bool add_field() {
        if (field_.empty()) return true;
        std::string_view const field = field_;
        auto const colon = field.find(':');
        if (colon == field.npos) return refuse(fault::malformed);
        auto const name = field.substr(0, colon), value = trim(field.substr(colon + 1));
        if (http::same_name(name, "Content-Length") && !is_length(value))
            return refuse(fault::malformed);
        // Only `chunked`, which every recipient must support; no other coding was requested.
        if (http::same_name(name, "Transfer-Encoding") &&
            (!http::same_name(value, "chunked") || response_.fields.contains(name)))
            return refuse(fault::malformed);
        if (!response_.fields.add(name, value)) return refuse(fault::malformed);
        field_.clear();
        return true;
    }

    bool end_header() {
        if (!add_field()) return false;
        if (response_.status < 200) {
            next_ = part::status_line;
            return true;
        }
        next_ = part::body;
        bool const framed_twice = response_.fields.contains("Content-Length") &&
                                  response_.fields.contains("Transfer-Encoding");
        return !framed_twice || refuse(fault::malformed);
    }

    /// Whether this is a body's length, and the only one.
    [[nodiscard]] bool is_length(std::string_view value) const noexcept {
        auto const earlier = response_.fields.find("Content-Length");
        return !value.empty() && value.size() < 19 &&
               value.find_first_not_of("0123456789") == value.npos &&
               (earlier.empty() || earlier == value);
    }

    [[nodiscard]] static std::string_view trim(std::string_view value) noexcept {
        value.remove_prefix((std::min)(value.find_first_not_of(" \t"), value.size()));
        return value.substr(0, value.find_last_not_of(" \t") + 1);
    }

    std::size_t max_header_size_, max_body_size_;
    http::response response_;
    wiped_string field_; ///< the last field, which the next line may continue
    std::size_t header_size_ = 0;
    std::size_t undecoded_size_ = 0; ///< since the last piece of the body
    bool body_begun_ = false;
    part next_ = part::status_line;
    fault fault_ = fault::none;
};

} // namespace cloudflare::inline v0::detail::curl
