/// Building the path of a request.
#pragma once

#include <cloudflare/http/percent_encoding.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::http {

/// A path built segment by segment. A segment is percent-encoded, so that it stays one segment
/// whatever it holds.
///
///     path("accounts", id, "access", "service_tokens").str()
///
/// The caller must refuse an empty segment, `.` and `..`: a server may remove them by
/// normalization.
class path {
public:
    /// A path of these segments, each a string, percent-encoded.
    template <class... Segments>
        requires(sizeof...(Segments) != 0)
    explicit path(Segments const&... segments) {
        string_.reserve(160); // enough for the base URL's path too, which is prepended later
        (append(segments), ...);
    }

    /// Appends `/` and the segment, percent-encoded.
    path& append(std::string_view segment) {
        string_ += '/';
        append_percent_encoded(string_, segment);
        return *this;
    }

    /// The path, beginning with `/`.
    [[nodiscard]] std::string const& str() const& noexcept { return string_; }
    /// The path, beginning with `/`.
    [[nodiscard]] std::string str() && noexcept { return std::move(string_); }

private:
    std::string string_;
};

} // namespace cloudflare::inline v0::http
