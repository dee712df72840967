/// Faults to inject between a client and the sandbox, and the plan of which request gets which.
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

/// A fault of one request. With "before" in its name the API does not act on the request; with
/// "after" it acts first.
struct fault {
    /// What happens in place of a plain response.
    enum class kind : unsigned char {
        none,           ///< the plain response
        drop_before,    ///< the connection is closed
        drop_after,     ///< the connection is closed
        reset_before,   ///< the connection is reset
        reset_after,    ///< the connection is reset
        respond_before, ///< the response has this `status`, and `value` as its body
        respond_after,  ///< the response has this `status`, and `value` as its body
        truncate,       ///< the response is cut after `count` bytes, and the connection closed
        drip,           ///< the response is sent byte by byte, each after `delay`
        delay,          ///< the response is sent after `delay`
        chunked,        ///< the response's body is sent in chunks of 7 bytes
        close,          ///< the connection is closed after the response, which does not announce it
        hang_before,    ///< no response is sent, and the connection stays open
        hang_after,     ///< no response is sent, and the connection stays open
        retry_after,    ///< a 429 with `value` as its `Retry-After`; the API does not act
        gzip,           ///< the response's body is compressed, though the client did not ask for it
        bare_status,    ///< the status line ends after the number, without a space and a reason
    };
    kind what = kind::none;            ///< which of them
    std::size_t count = 0;             ///< bytes
    int status = 0;                    ///< of `respond_before` and `respond_after`
    std::string value{};               ///< a body, or the value of `Retry-After`
    std::chrono::milliseconds delay{}; ///< of `drip` and `delay`
};

/// Which requests get which faults. Of several entries that match a request, the first is used.
class fault_plan {
public:
    /// Adds an entry written `WHEN=WHAT`:
    ///
    /// - WHEN is `[METHOD][#N]`: `POST#2` for the second POST, `#3` for the third request, `GET`
    ///   for every GET; or `*` for all requests;
    /// - WHAT is `drop-before`, `drop-after`, `reset-before`, `reset-after`,
    ///   `respond-before:STATUS:BODY`, `respond-after:STATUS:BODY`, `truncate:BYTES`,
    ///   `drip:MILLISECONDS`, `delay:MILLISECONDS`, `chunked`, `close`, `hang-before`,
    ///   `hang-after`, `retry-after:VALUE`, `gzip` or `bare-status`: see `fault::kind`.
    ///
    /// @return `errc::invalid_argument` with the part that is wrong
    [[nodiscard]] result<void> add(std::string_view entry);

    /// Counts a request of this method, and returns its fault.
    [[nodiscard]] fault next(http::method m);

private:
    struct entry {
        std::optional<http::method> method;
        std::optional<std::uint64_t> number;
        fault what;
    };
    [[nodiscard]] static result<fault> parse_fault(std::string_view string);

    std::vector<entry> entries_;
    std::uint64_t requests_ = 0;
    std::uint64_t requests_of_method_[5] = {};
};

namespace detail {

template <class Number>
[[nodiscard]] bool parse_number(std::string_view string, Number& out) noexcept {
    auto const [end, failed] = std::from_chars(string.data(), string.data() + string.size(), out);
    return failed == std::errc() && end == string.data() + string.size();
}

} // namespace detail

inline result<fault> fault_plan::parse_fault(std::string_view string) {
    using kind = fault::kind;
    struct name {
        std::string_view word;
        kind what;
    };
    static constexpr name names[] = {
        {"drop-before", kind::drop_before},
        {"drop-after", kind::drop_after},
        {"reset-before", kind::reset_before},
        {"reset-after", kind::reset_after},
        {"respond-before", kind::respond_before},
        {"respond-after", kind::respond_after},
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
    auto const colon = string.find(':');
    auto const word = string.substr(0, colon);
    auto argument = colon == string.npos ? std::string_view() : string.substr(colon + 1);
    for (auto const& n : names) {
        if (n.word != word) continue;
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
        case kind::respond_before:
        case kind::respond_after: {
            auto const second = argument.find(':');
            ok = detail::parse_number(argument.substr(0, second), f.status);
            if (second != argument.npos) f.value = argument.substr(second + 1);
            break;
        }
        case kind::retry_after:
            ok = !argument.empty();
            f.value = argument;
            break;
        default: ok = argument.empty(); break;
        }
        if (ok) return f;
    }
    return error(errc::invalid_argument,
                 "fault: unknown, or with a wrong argument: " + std::string(string));
}

inline result<void> fault_plan::add(std::string_view entry_string) {
    auto const equals = entry_string.find('=');
    if (equals == entry_string.npos)
        return error(errc::invalid_argument, "fault: must be WHEN=WHAT, such as POST#1=drop-after");
    auto when = entry_string.substr(0, equals);
    auto what = parse_fault(entry_string.substr(equals + 1));
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
            return error(errc::invalid_argument, "fault: the number after # must be 1 or more");
        e.number = number;
    } else if (!when.empty() && when != "*") {
        return error(errc::invalid_argument,
                     "fault: must begin with a method, #N or *: " + std::string(entry_string));
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
