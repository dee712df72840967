/// Reads an HTTP/1.1 response from the bytes that it is given, right or with a defect.
#pragma once

#include "defects.hpp"

#include <cloudflare/http/response.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tests {

class response_parser {
public:
    enum class state : unsigned char {
        more,
        done,
        malformed,
        too_large
    };

    response_parser(defects const& d, std::size_t max_header_size, std::size_t max_body_size)
        : defects_(d), max_header_size_(max_header_size), max_body_size_(max_body_size) {}

    state put(std::string_view bytes) {
        in_ += bytes;
        while (state_ == state::more && step()) {
        }
        return state_;
    }
    /// The connection has ended.
    state put_end() {
        if (state_ == state::more && stage_ == stage::until_end) state_ = state::done;
        return state_;
    }
    [[nodiscard]] bool may_be_whole() const noexcept { return stage_ == stage::until_end; }
    [[nodiscard]] cloudflare::http::response take() { return std::move(response_); }
    [[nodiscard]] bool keeps_alive() const noexcept {
        bool const leftover = !in_.empty() && !defects_.takes_leftover;
        return keeps_alive_ && !leftover && stage_ != stage::until_end;
    }
    /// What stands behind the response.
    [[nodiscard]] std::string take_leftover() { return std::exchange(in_, {}); }

private:
    enum class stage : unsigned char {
        status_line,
        field,
        length,
        chunk_size,
        chunk,
        chunk_end,
        trailer,
        until_end
    };

    /// Goes one step on; gives whether there may be another.
    bool step() {
        switch (stage_) {
        case stage::length:
        case stage::chunk: return take_counted();
        case stage::until_end: return take_body(in_.size()) && false;
        default: return take_line();
        }
    }
    bool fail(state s) {
        state_ = s;
        return false;
    }

    bool take_line() {
        auto const end = in_.find('\n');
        if (end == in_.npos) {
            if (in_.size() > max_header_size_ && !is_unbounded()) return fail(state::too_large);
            return false;
        }
        if (end == 0 || in_[end - 1] != '\r') return fail(state::malformed);
        // The defect: the end of the body is looked for in one piece.
        if (defects_.needs_final_line_whole && stage_ == stage::trailer && end == 1 && fresh_)
            return fail(state::malformed);
        std::string const line = in_.substr(0, end - 1);
        in_.erase(0, end + 1);
        bool const counts = stage_ != stage::chunk_size && stage_ != stage::chunk_end;
        if (counts && !is_unbounded()) header_size_ += end + 1;
        if (header_size_ > max_header_size_) return fail(state::too_large);
        switch (stage_) {
        case stage::status_line: return take_status(line);
        case stage::field: return line.empty() ? end_header() : take_field(line);
        case stage::chunk_size: return take_chunk_size(line);
        case stage::chunk_end:
            stage_ = stage::chunk_size;
            return line.empty() || fail(state::malformed);
        default: return take_trailer(line);
        }
    }
    [[nodiscard]] bool is_unbounded() const noexcept {
        return (defects_.unbounded_trailers && stage_ == stage::trailer) ||
               (defects_.unbounded_extensions && stage_ == stage::chunk_size) ||
               (defects_.unbounded_informational &&
                (stage_ == stage::status_line || stage_ == stage::field));
    }

    bool take_status(std::string const& line) {
        auto string = std::string_view(line);
        bool const http = string.starts_with("HTTP/1.1 ") || string.starts_with("HTTP/1.0 ") ||
                          (defects_.takes_lower_case && string.starts_with("http/1."));
        if (!http || string.size() < 12) return fail(state::malformed);
        auto const digits = string.substr(9, 3);
        if (digits.find_first_not_of("0123456789") != digits.npos) return fail(state::malformed);
        if (string.size() == 12 ? defects_.needs_blank_behind_status : string[12] != ' ')
            return fail(state::malformed);
        keeps_alive_ = string[7] == '1';
        response_.status = std::stoi(std::string(digits));
        if (response_.status < 100) return fail(state::malformed);
        if (response_.status == 101 && !defects_.passes_over_101) return fail(state::malformed);
        fields_.clear();
        stage_ = stage::field;
        return true;
    }
    bool take_field(std::string_view line) {
        if (line.front() == ' ' || line.front() == '\t') {
            if (fields_.empty() || defects_.refuses_folds) return fail(state::malformed);
            fields_.back().second.append(1, ' ').append(trimmed(line));
            return true;
        }
        auto const colon = line.find(':');
        if (colon == line.npos || colon == 0) return fail(state::malformed);
        fields_.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
        return true;
    }
    bool take_trailer(std::string_view line) {
        if (line.empty()) return fail(state::done);
        auto const colon = std::min(line.find(':'), line.size());
        if (defects_.merges_trailers && colon != line.size())
            static_cast<void>(
                response_.fields.add(line.substr(0, colon), trimmed(line.substr(colon + 1))));
        return true;
    }
    [[nodiscard]] static std::string_view trimmed(std::string_view value) {
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        return value.substr(0, value.find_last_not_of(" \t") + 1);
    }

    [[nodiscard]] static bool says_close(std::string value) {
        for (char& c : value)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return value.find("close") != value.npos;
    }
    /// The header is whole: says where the body ends.
    bool end_header() {
        if (response_.status < 200) {
            stage_ = stage::status_line;
            return true;
        }
        std::vector<std::string> lengths, codings;
        for (auto const& [name, value] : fields_) {
            using cloudflare::http::same_name;
            if (same_name(name, "Content-Length")) lengths.push_back(value);
            if (same_name(name, "Transfer-Encoding")) codings.push_back(value);
            if (same_name(name, "Connection") && says_close(value)) keeps_alive_ = false;
            if (!response_.fields.add(name, value)) return fail(state::malformed);
        }
        bool const has_none = response_.status == 204 || response_.status == 304;
        if (has_none && !(defects_.waits_for_length_of_304 && !lengths.empty()))
            return fail(state::done);
        if (!codings.empty() && !lengths.empty() && !defects_.takes_length_over_chunks)
            return fail(state::malformed);
        if (!codings.empty() && lengths.empty()) {
            stage_ = stage::chunk_size;
            return codings == std::vector<std::string>{"chunked"} || fail(state::malformed);
        }
        if (lengths.empty()) {
            stage_ = stage::until_end;
            return true;
        }
        if (defects_.takes_first_length) lengths.resize(1);
        for (auto const& length : lengths)
            if (length != lengths.front()) return fail(state::malformed);
        if (!is_number(lengths.front(), 10)) return fail(state::malformed);
        stage_ = stage::length;
        if (left_ > max_body_size_) return fail(state::too_large);
        return left_ != 0 || fail(state::done);
    }
    bool is_number(std::string_view digits, int base) {
        if (defects_.takes_signs && digits.starts_with('+')) digits.remove_prefix(1);
        auto const* const last = digits.data() + digits.size();
        auto const [end, failed] = std::from_chars(digits.data(), last, left_, base);
        return failed == std::errc() && end == last && digits.front() != '-';
    }

    bool take_chunk_size(std::string_view line) {
        auto const size = trimmed(line.substr(0, line.find(';')));
        if (size.empty() || !is_number(size, 16)) return fail(state::malformed);
        if (left_ > max_body_size_ - response_.body.size()) return fail(state::too_large);
        stage_ = left_ == 0 ? stage::trailer : stage::chunk;
        fresh_ = in_.size() < 2; // where the last line comes in a piece of its own
        return true;
    }
    bool take_counted() {
        auto const size = std::min(left_, in_.size());
        if (size == 0 || !take_body(size)) return false;
        left_ -= size;
        if (left_ != 0) return false;
        if (stage_ == stage::length) return fail(state::done);
        stage_ = stage::chunk_end;
        return true;
    }
    bool take_body(std::size_t size) {
        if (size > max_body_size_ - response_.body.size()) return fail(state::too_large);
        response_.body.append(in_, 0, size);
        in_.erase(0, size);
        return true;
    }

    defects const& defects_;
    std::size_t max_header_size_, max_body_size_;
    std::string in_;
    state state_ = state::more;
    stage stage_ = stage::status_line;
    std::size_t header_size_ = 0, left_ = 0;
    std::vector<std::pair<std::string, std::string>> fields_;
    cloudflare::http::response response_;
    bool keeps_alive_ = false;
    bool fresh_ = false;
};

} // namespace tests
