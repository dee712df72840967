/// Building the path of a request.
#pragma once

#include <cloudflare/http/percent_encoding.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::http {

/// A path built segment by segment: whatever a segment holds, it stays one segment.
///
///     path("accounts", id, "access", "service_tokens").str()
///
/// An empty segment, `.` and `..` are the caller's to refuse: a server may fold them.
class path {
public:
    template <class... Segments>
        requires(sizeof...(Segments) != 0)
    explicit path(Segments const&... segments) {
        text_.reserve(160); // also for the base URL's path, which is prepended later
        (append(segments), ...);
    }

    path& append(std::string_view segment) {
        text_ += '/';
        append_percent_encoded(text_, segment);
        return *this;
    }

    /// The path, beginning with `/`.
    [[nodiscard]] std::string const& str() const& noexcept { return text_; }
    [[nodiscard]] std::string str() && noexcept { return std::move(text_); }

private:
    std::string text_;
};

} // namespace cloudflare::inline v0::http
