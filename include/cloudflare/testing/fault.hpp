/// Faults to inject between a client and the sandbox, and the plan of which request meets which.
#pragma once

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/method.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// What happens to one request. "Before" is before the API has acted on it, "after" is after.
struct fault {
    enum class kind : unsigned char {
        none,
        drop_before,   ///< the connection is closed
        drop_after,    ///< the same, but the API has acted
        reset_before,  ///< the connection is reset
        reset_after,   ///< the same, but the API has acted
        answer_before, ///< `status` and `text` are the response
        answer_after,  ///< the same, but the API has acted
        truncate,      ///< the response is cut behind `count` bytes, and the connection closed
        drip,          ///< the response comes byte by byte, `delay` between two of them
        delay,         ///< the response comes after `delay`
        chunked,       ///< the response's body comes in chunks of 7 bytes
        close,         ///< the connection is closed behind the response, which does not say so
        hang_before,   ///< no response comes, and the connection stays open
        hang_after,    ///< the same, but the API has acted
        retry_after,   ///< status 429 with `text` as its `Retry-After`; the API has not acted
        gzip,          ///< the response's body comes in gzip, though nobody asked for it
        bare_status,   ///< the status line ends behind the number: no blank, no reason
    };
    kind what = kind::none;
    std::size_t count = 0;
    int status = 0;
    std::string text{};
    std::chrono::milliseconds delay{};
};

/// Which faults are met when. The first entry that fits a request is taken.
class fault_plan {
public:
    /// Adds an entry written `WHEN=WHAT`:
    ///
    /// - WHEN is `[METHOD][#N]`, e.g. `POST#2` for the second POST, `#3` for the third request, `*`
    /// for all;
    /// - WHAT is `drop-before`, `drop-after`, `reset-before`, `reset-after`,
    /// `answer-before:STATUS:BODY`,
    ///   `answer-after:STATUS:BODY`, `truncate:BYTES`, `drip:MILLISECONDS`, `delay:MILLISECONDS`,
    ///   `chunked`, `close`, `hang-before`, `hang-after`, `retry-after:VALUE`, `gzip` or
    ///   `bare-status`.
    ///
    /// @return `errc::invalid_argument` that names the part not understood
    [[nodiscard]] result<void> add(std::string_view entry);

    /// The fault of the next request, which is of this method; counts it.
    [[nodiscard]] fault next(http::method m);

private:
    struct entry {
        std::optional<http::method> method;
        std::optional<std::uint64_t> number;
        fault what;
    };
    [[nodiscard]] static result<fault> parse_fault(std::string_view text);

    std::vector<entry> entries_;
    std::uint64_t requests_ = 0;
    std::uint64_t requests_of_method_[5] = {};
};

namespace detail {

template <class Number>
[[nodiscard]] bool parse_number(std::string_view text, Number& out) noexcept {
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failed == std::errc() && end == text.data() + text.size();
}

} // namespace detail

inline result<fault> fault_plan::parse_fault(std::string_view text) {
    using kind = fault::kind;
    struct name {
        std::string_view text;
        kind what;
    };
    static constexpr name names[] = {
        {"drop-before", kind::drop_before},
        {"drop-after", kind::drop_after},
        {"reset-before", kind::reset_before},
        {"reset-after", kind::reset_after},
        {"answer-before", kind::answer_before},
        {"answer-after", kind::answer_after},
        {"truncate", kind::truncate},
        {"drip", kind::drip},
        {"delay", kind::delay},
        {"chunked", kind::chunked},
        {"close", kind::close},
        {"hang-before", kind::hang_before},
        {"hang-after", kind::hang_after},
        {"retry-after", kind::retry_after},
        {"gzip", kind::gzip},
        {"bare-status", kind::bare_status},
    };
    auto const colon = text.find(':');
    auto const word = text.substr(0, colon);
    auto argument = colon == text.npos ? std::string_view() : text.substr(colon + 1);
    for (auto const& n : names) {
        if (n.text != word) continue;
        fault f{.what = n.what};
        bool ok = true;
        switch (f.what) {
        case kind::truncate: ok = detail::parse_number(argument, f.count); break;
        case kind::drip:
        case kind::delay: {
            std::int64_t count = 0;
            ok = detail::parse_number(argument, count);
            f.delay = std::chrono::milliseconds(count);
            break;
        }
        case kind::answer_before:
        case kind::answer_after: {
            auto const second = argument.find(':');
            ok = detail::parse_number(argument.substr(0, second), f.status);
            if (second != argument.npos) f.text = argument.substr(second + 1);
            break;
        }
        case kind::retry_after:
            ok = !argument.empty();
            f.text = argument;
            break;
        default: ok = argument.empty(); break;
        }
        if (ok) return f;
    }
    return error(errc::invalid_argument, "fault: not understood: " + std::string(text));
}

inline result<void> fault_plan::add(std::string_view text) {
    auto const equals = text.find('=');
    if (equals == text.npos)
        return error(errc::invalid_argument, "fault: must be WHEN=WHAT, such as POST#1=drop-after");
    auto when = text.substr(0, equals);
    auto what = parse_fault(text.substr(equals + 1));
    if (!what) return what.error();

    entry e{.method = std::nullopt, .number = std::nullopt, .what = std::move(*what)};
    for (auto const m : {http::method::get, http::method::post, http::method::put,
                         http::method::patch, http::method::delete_}) {
        if (!when.starts_with(to_string(m))) continue;
        e.method = m;
        when.remove_prefix(to_string(m).size());
        break;
    }
    if (when.starts_with('#')) {
        std::uint64_t number = 0;
        if (!detail::parse_number(when.substr(1), number) || number == 0)
            return error(errc::invalid_argument, "fault: the number behind # must be 1 or more");
        e.number = number;
    } else if (!when.empty() && when != "*") {
        return error(errc::invalid_argument,
                     "fault: must begin with a method, #N or *: " + std::string(text));
    }
    entries_.push_back(std::move(e));
    return {};
}

inline fault fault_plan::next(http::method m) {
    ++requests_;
    auto const of_method = ++requests_of_method_[static_cast<std::size_t>(m)];
    for (auto const& e : entries_) {
        if (e.method && *e.method != m) continue;
        if (e.number && *e.number != (e.method ? of_method : requests_)) continue;
        return e.what;
    }
    return {};
}

} // namespace cloudflare::inline v0::testing
