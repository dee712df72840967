/// Reads an HTTP answer from the bytes that it is given, by Beast's parser.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/response.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Passes over interim answers (1xx). The body, and what has not been parsed yet, is in memory that
/// is wiped. An answer whose body is larger than 8 MiB is refused.
class answer_reader {
public:
    using error_code = boost::beast::error_code;

    answer_reader() { begin(); }

    /// Takes what has been received.
    [[nodiscard]] error_code put(std::string_view bytes) {
        error_code failed;
        unparsed_ += bytes;
        while (!failed && !is_done() && !unparsed_.empty()) {
            unparsed_.erase(0, parser_->put(boost::asio::buffer(unparsed_), failed));
            if (parser_->is_done() && !is_done()) begin();
        }
        return failed == boost::beast::http::error::need_more ? error_code() : failed;
    }

    /// The connection has ended: an error, but behind a body whose length was left open.
    [[nodiscard]] error_code put_end() {
        error_code failed = boost::beast::http::error::end_of_stream;
        if (parser_->got_some()) parser_->put_eof(failed = {});
        return failed;
    }

    [[nodiscard]] bool is_done() const {
        return parser_->is_done() && parser_->get().result_int() >= 200;
    }

    /// The answer; the reader is used up.
    [[nodiscard]] cloudflare::http::response take() {
        auto from = parser_->release();
        cloudflare::http::response r;
        r.status = static_cast<int>(from.result_int());
        for (auto const& f : from)
            static_cast<void>(r.fields.add(f.name_string(), f.value()));
        r.body = std::move(from.body());
        return r;
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

    void begin() {
        parser_.emplace();
        parser_->eager(true);
    }

    std::optional<boost::beast::http::response_parser<wiped_body>> parser_;
    cloudflare::wiped_string unparsed_;
};
