/// Reads an HTTP response from the bytes that it is given, by Beast's parser.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/response.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Informational responses (1xx) are ignored, and so are trailer fields. The body, and what has not
/// been parsed yet, is in memory that is wiped. A response is refused whose body is larger than 8 MiB,
/// or whose header, trailers or chunk extensions are larger than 8 KiB.
class response_reader {
public:
    using error_code = boost::beast::error_code;

    response_reader() { begin(); }

    /// Takes what has been received.
    [[nodiscard]] error_code put(std::string_view bytes) {
        using boost::beast::http::error;
        error_code failed;
        unparsed_ += bytes;
        while (!failed && !is_done() && unparsed_.size() >= least_to_put()) {
            unparsed_.erase(0, parser_->put(boost::asio::buffer(unparsed_), failed));
            if (!failed && parser_->is_header_done() && !header_) failed = take_header();
        }
        if (failed != error::need_more) return failed;
        // Beast bounds the header only.
        return unparsed_.size() > max_unparsed ? error_code(error::header_limit) : error_code();
    }

    /// The connection has ended: an error, but behind a body whose length was left open.
    [[nodiscard]] error_code put_end() {
        error_code failed = boost::beast::http::error::end_of_stream;
        if (parser_->got_some()) parser_->put_eof(failed = {});
        return failed;
    }

    [[nodiscard]] bool is_done() const { return header_ && parser_->is_done(); }

    /// The response; the reader is used up.
    [[nodiscard]] cloudflare::http::response take() {
        header_->body = std::move(parser_->get().body());
        return std::move(*header_);
    }

    /// The code for what `put` or `put_end` came upon.
    [[nodiscard]] static cloudflare::errc meaning_of(error_code const& e) {
        using boost::beast::http::error;
        using cloudflare::errc;
        if (e == error::end_of_stream || e == error::partial_message) return errc::connection_lost;
        if (e == error::header_limit || e == error::body_limit) return errc::response_too_large;
        return errc::malformed_response;
    }

private:
    using wiped_body = boost::beast::http::basic_string_body<char, std::char_traits<char>,
                                                             cloudflare::wiping_allocator<char>>;

    static constexpr std::size_t max_unparsed = 16 * 1024;
    static constexpr int max_informational = 32;

    void begin() { parser_.emplace(); }

    /// Beast 1.81 fails an assertion of its own where the last line of a chunked body comes in two
    /// pieces, the first shorter than `0 CR LF CR LF`. Every chunked body ends with as much.
    [[nodiscard]] std::size_t least_to_put() const {
        return parser_->is_header_done() && parser_->chunked() ? 5 : 1;
    }

    /// The parser stops behind the header, which is taken here: later it adds trailer fields to it.
    [[nodiscard]] error_code take_header() {
        using boost::beast::http::error;
        auto const& from = parser_->get();
        auto const status = static_cast<int>(from.result_int());
        if (status == 101) return error::bad_status; // nobody asked for another protocol
        if (status < 200) {
            begin();
            return ++informational_ > max_informational ? error_code(error::header_limit)
                                                        : error_code();
        }
        header_.emplace().status = status;
        for (auto const& f : from)
            static_cast<void>(header_->fields.add(f.name_string(), f.value()));
        parser_->eager(true);
        return {};
    }

    std::optional<boost::beast::http::response_parser<wiped_body>> parser_;
    std::optional<cloudflare::http::response> header_; ///< once it is there
    cloudflare::wiped_string unparsed_;
    int informational_ = 0;
};
