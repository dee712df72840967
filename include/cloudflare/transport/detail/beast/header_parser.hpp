/// Parses the header of an HTTP/1.x response, straight into a `response`.
#pragma once

#include <cloudflare/http/response.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cloudflare::inline v0::detail::beast {

/// From Boost 1.90 on a parser must override this function. It is in a base class of its own, so
/// that no `override` is needed, which earlier versions do not allow.
class trailer_ignoring_parser : public boost::beast::http::basic_parser<false> {
    virtual void on_trailer_field_impl(boost::beast::http::field, boost::beast::string_view,
                                       boost::beast::string_view, boost::beast::error_code&) {}
};

/// Beast's parser, for the header only. `response_reader` finds the end of the body, because
/// Beast's versions differ there, and none of them limits chunk extensions and trailer fields.
class header_parser final : public trailer_ignoring_parser {
public:
    using error_code = boost::beast::error_code;

    /// @param response receives status and fields; must outlive the parser
    explicit header_parser(http::response& response) : response_(response) {
        skip(true);
        // Beast's own limit depends on how the bytes arrive, and on its version.
        header_limit(static_cast<std::uint32_t>(-1));
    }

    /// Parses what was received so far; `ec` is `need_more` until the header is complete. The
    /// caller limits its size.
    ///
    /// @return how many bytes were consumed
    std::size_t parse(boost::asio::const_buffer bytes, error_code& ec) {
        std::size_t taken = 0;
        if (!has_status_line_) {
            taken = put_status_line(bytes, ec);
            if (ec) return taken;
            bytes += taken;
        }
        return taken + put(bytes, ec);
    }

    /// Whether the only transfer coding of the body is `chunked`.
    [[nodiscard]] bool is_chunked() const { return chunked(); }
    /// Whether the body has a transfer coding other than `chunked`, which is not supported.
    [[nodiscard]] bool has_unknown_coding() const noexcept { return has_unknown_coding_; }

private:
    using string_view = boost::beast::string_view;

    /// Beast requires a space after the status code, which a server that sends no reason may omit
    /// (RFC 9112, section 4, requires clients to accept both).
    std::size_t put_status_line(boost::asio::const_buffer bytes, error_code& ec) {
        constexpr std::string_view pattern = "HTTP/1.1 201";
        auto const size = pattern.size();
        auto const* const string = static_cast<char const*>(bytes.data());
        if (bytes.size() < size + 2 && !is_complete_line(string, bytes.size())) {
            ec = boost::beast::http::error::need_more;
            return 0;
        }
        has_status_line_ = true;
        if (bytes.size() < size + 2 || string[size] != '\r' || string[size + 1] != '\n') return 0;
        char line[pattern.size() + 3];
        auto* end = std::copy_n(string, size, line);
        for (char const c : {' ', '\r', '\n'})
            *end++ = c;
        put(boost::asio::buffer(line), ec);
        if (ec == boost::beast::http::error::need_more) ec = {};
        return size + 2;
    }
    [[nodiscard]] static bool is_complete_line(char const* string, std::size_t size) noexcept {
        return std::string_view(string, size).find('\n') != std::string_view::npos;
    }

    /// Whether the bytes around both are `Name: value CR LF` already; folded and padded lines are
    /// not, nor is one with no value.
    [[nodiscard]] static bool stands_as_written(string_view name, string_view value) noexcept {
        char const* const colon = name.data() + name.size();
        return !value.empty() && colon + 2 == value.data() && colon[1] == ' ' &&
               value.data()[value.size()] == '\r';
    }

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int,
                         error_code&) override {}
    void on_response_impl(int status, string_view, int, error_code&) override {
        response_.status = status;
        response_.fields.reserve(1024);
    }
    void on_field_impl(boost::beast::http::field field, string_view name, string_view value,
                       error_code&) override {
        // Beast refuses all that `headers::add` refuses, except white space at the ends of a folded
        // value.
        if (stands_as_written(name, value)) {
            response_.fields.add_line_unchecked({name.data(), name.size() + value.size() + 4});
        } else {
            response_.fields.add_unchecked(name, trim(value));
        }
        if (field == boost::beast::http::field::transfer_encoding &&
            !http::same_name(value, "chunked"))
            has_unknown_coding_ = true;
    }
    [[nodiscard]] static std::string_view trim(std::string_view value) noexcept {
        auto const begin = value.find_first_not_of(" \t");
        if (begin == value.npos) return {};
        return value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
    }

    // The parser never sees a body.
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
    std::size_t on_body_impl(string_view, error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
    void on_finish_impl(error_code&) override {}

    http::response& response_;
    bool has_status_line_ = false;
    bool has_unknown_coding_ = false;
};

} // namespace cloudflare::inline v0::detail::beast
