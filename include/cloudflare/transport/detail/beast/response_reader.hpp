/// Reads an HTTP/1.x response, fed piece by piece.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/detail/beast/header_parser.hpp>
#include <cloudflare/transport/detail/beast/read_buffer.hpp>
#include <cloudflare/transport/detail/chunked_decoder.hpp>

#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// Reads a `response`: the header by Beast's parser, the body by the rules of RFC 9112, section
/// 6.3. Informational responses (1xx) before the final one are ignored. `max_header_size` limits
/// the size of all headers together, and that of chunk extensions and trailer fields together.
class response_reader {
public:
    using error_code = boost::beast::error_code;

    enum class body_kind : unsigned char {
        framed,  ///< as the header says
        nothing, ///< none whatever the header says: the response to CONNECT
    };

    explicit response_reader(beast_options const& options, body_kind kind = body_kind::framed)
        : max_body_size_(options.max_body_size()),
          max_header_size_(options.max_header_size()),
          header_left_(options.max_header_size()),
          kind_(kind),
          parser_(std::in_place, response_) {}
    response_reader(response_reader const&) = delete;
    response_reader& operator=(response_reader const&) = delete;

    [[nodiscard]] int status() const noexcept { return response_.status; }
    /// Whether the response is complete.
    [[nodiscard]] bool is_done() const noexcept { return framing_ == framing::done; }
    /// Whether any byte of a response was received.
    [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }
    /// Whether the end of the connection was the end of the response.
    [[nodiscard]] bool is_ended_by_connection() const noexcept { return is_ended_by_connection_; }
    /// Whether another response may follow on the connection.
    [[nodiscard]] bool keep_alive() const {
        return !is_ended_by_connection_ && parser_->keep_alive();
    }

    /// Parses what the buffer contains, and consumes it.
    [[nodiscard]] error_code put_all(read_buffer& received) {
        error_code ec;
        for (auto data = received.data(); data.size() != 0 && !ec && !is_done();
             data = received.data()) {
            has_begun_ = true;
            auto const taken =
                framing_ == framing::header ? put_header(data, ec) : put_body(view_of(data), ec);
            received.consume(taken);
            if (ec == boost::beast::http::error::need_more) return {};
        }
        return ec;
    }
    /// The connection has ended cleanly, which ends a body that has no length.
    void put_end() noexcept {
        if (framing_ != framing::connection) return;
        framing_ = framing::done;
        is_ended_by_connection_ = true;
    }
    /// The response; the reader must not be used again.
    [[nodiscard]] http::response take() noexcept { return std::move(response_); }

private:
    /// What is being read, and for a body how its end is found.
    enum class framing : unsigned char {
        header,
        length,
        chunks,
        connection,
        done,
    };
    using fault = boost::beast::http::error;

    [[nodiscard]] static std::string_view view_of(boost::asio::const_buffer data) noexcept {
        return {static_cast<char const*>(data.data()), data.size()};
    }

    std::size_t put_header(boost::asio::const_buffer data, error_code& ec) {
        auto const allowed = boost::asio::buffer(data, header_left_);
        auto const taken = parser_->parse(allowed, ec);
        if (ec == fault::need_more && allowed.size() == header_left_) ec = fault::header_limit;
        header_left_ -= taken;
        if (!ec && parser_->is_header_done()) ec = end_header();
        return taken;
    }

    [[nodiscard]] error_code end_header() {
        auto const status = response_.status;
        if (status < 100 || status == 101) // no other protocol was requested
            return fault::bad_status;
        if (status < 200) return begin_again();
        if (kind_ == body_kind::nothing || status == 204 || status == 304) return end();
        if (parser_->has_unknown_coding()) return fault::bad_transfer_encoding;
        if (parser_->is_chunked()) {
            framing_ = framing::chunks;
            chunks_.emplace(max_body_size_, max_header_size_);
        } else if (auto const length = parser_->content_length()) {
            if (*length > max_body_size_) return fault::body_limit;
            if (*length == 0) return end();
            framing_ = framing::length;
            left_ = *length;
            response_.body.reserve(static_cast<std::size_t>(*length));
        } else {
            framing_ = framing::connection;
        }
        return {};
    }

    /// An informational response is complete: starts reading the next one.
    [[nodiscard]] error_code begin_again() {
        if (header_left_ == 0) return fault::header_limit;
        response_.fields.clear();
        parser_.emplace(response_);
        return {};
    }
    error_code end() noexcept {
        framing_ = framing::done;
        return {};
    }

    std::size_t put_body(std::string_view data, error_code& ec) {
        if (framing_ == framing::chunks) return put_chunks(data, ec);
        if (framing_ == framing::connection &&
            data.size() > max_body_size_ - response_.body.size()) {
            ec = fault::body_limit;
            return 0;
        }
        auto const size =
            framing_ == framing::length
                ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size()))
                : data.size();
        response_.body.append(data.substr(0, size));
        if (framing_ == framing::length && (left_ -= size) == 0) end();
        return size;
    }

    std::size_t put_chunks(std::string_view data, error_code& ec) {
        using status = chunked_decoder::status;
        auto const taken = chunks_->put(data, response_.body);
        switch (chunks_->state()) {
        case status::incomplete: break;
        case status::complete: end(); break;
        case status::malformed: ec = fault::bad_chunk; break;
        case status::too_large: ec = fault::body_limit; break;
        }
        return taken;
    }

    std::uint64_t max_body_size_;
    std::size_t max_header_size_;
    std::size_t header_left_;
    body_kind kind_;
    framing framing_ = framing::header;
    bool has_begun_ = false;
    bool is_ended_by_connection_ = false;
    std::uint64_t left_ = 0; ///< of a body with a length
    http::response response_;
    std::optional<header_parser> parser_;
    std::optional<chunked_decoder> chunks_;
};

/// What a failure to parse means.
[[nodiscard]] inline errc meaning_of(boost::beast::error_code const& ec) noexcept {
    using boost::beast::http::error;
    if (ec == error::header_limit || ec == error::body_limit || ec == error::buffer_overflow)
        return errc::response_too_large;
    return errc::malformed_response;
}

} // namespace cloudflare::inline v0::detail::beast
