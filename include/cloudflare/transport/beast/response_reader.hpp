/// Reads an HTTP/1.x answer, fed piece by piece, straight into a `response`.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/response.hpp>
#include <cloudflare/transport/beast/inbox.hpp>
#include <cloudflare/transport/beast_options.hpp>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// Beast's parser, with a `response` at its end. Interim answers (1xx) are the caller's to pass
/// over.
class response_reader final : public boost::beast::http::basic_parser<false> {
public:
    explicit response_reader(beast_options const& options)
        : max_body_size_(options.max_body_size()) {
        eager(true);
        header_limit(options.max_header_size());
        body_limit(max_body_size_);
    }

    [[nodiscard]] bool is_interim() const noexcept {
        return response_.status >= 100 && response_.status < 200;
    }
    [[nodiscard]] int status() const noexcept { return response_.status; }

    /// Parses what is there, and consumes it.
    [[nodiscard]] boost::beast::error_code put_all(inbox& received) {
        error_code failed;
        while (!failed && !is_done() && received.unread().size() >= least_to_put())
            received.consume(put(received.unread(), failed));
        return failed == boost::beast::http::error::need_more ? error_code() : failed;
    }
    /// The connection has ended in good order, which ends a body that has no length.
    [[nodiscard]] boost::beast::error_code put_end() {
        error_code failed;
        if (got_some() && need_eof()) put_eof(failed);
        return failed;
    }
    /// The answer; the reader is used up.
    [[nodiscard]] http::response take() noexcept { return std::move(response_); }

private:
    /// Beast 1.81 fails an assertion of its own where a last chunk without any before it comes in
    /// two pieces, the first shorter than `0 CR LF CR LF`. Every chunked body ends with as much.
    [[nodiscard]] std::size_t least_to_put() const { return is_header_done() && chunked() ? 5 : 1; }

    using error_code = boost::beast::error_code;
    using text = boost::beast::string_view;

    /// Whether the bytes around both are `Name: value CR LF` already; folded and padded lines are
    /// not, nor is one with no value.
    [[nodiscard]] static bool stands_as_written(text name, text value) noexcept {
        char const* const colon = name.data() + name.size();
        return !value.empty() && colon + 2 == value.data() && colon[1] == ' ' &&
               value.data()[value.size()] == '\r';
    }

    void on_request_impl(boost::beast::http::verb, text, text, int, error_code&) override {}
    void on_response_impl(int status, text, int, error_code&) override {
        response_.status = status;
        response_.fields.reserve(1024);
    }
    void on_field_impl(boost::beast::http::field, text name, text value, error_code&) override {
        // Beast has refused all that `add` would.
        if (stands_as_written(name, value)) {
            response_.fields.add_line_unchecked({name.data(), name.size() + value.size() + 4});
        } else {
            response_.fields.add_unchecked(name, value);
        }
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) override {
        if (length && *length <= max_body_size_)
            response_.body.reserve(static_cast<std::size_t>(*length));
    }
    std::size_t on_body_impl(text body, error_code&) override {
        response_.body.append(body.data(), body.size());
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code& ec) override {
        return on_body_impl(body, ec);
    }
    void on_finish_impl(error_code&) override {}

    std::uint64_t max_body_size_;
    http::response response_;
};

/// What a failure to parse means.
[[nodiscard]] inline errc meaning_of(boost::beast::error_code const& ec) noexcept {
    using boost::beast::http::error;
    if (ec == error::header_limit || ec == error::body_limit || ec == error::buffer_overflow)
        return errc::response_too_large;
    if (ec == error::end_of_stream || ec == error::partial_message) return errc::connection_lost;
    return errc::malformed_response;
}

} // namespace cloudflare::inline v0::detail::beast
