/// Where the API is: an origin, and a path that all its endpoints begin with.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/http/percent_encoding.hpp>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A base URL such as `https://api.cloudflare.com/client/v4`.
class base_url {
public:
    /// Reads `http(s)://host[:port][/path]`; slashes at the end are dropped. User name, query and
    /// fragment are refused. The path may contain unreserved characters and complete `%XX`; a
    /// segment `.` or `..` is refused, because a server may remove it by normalization.
    ///
    /// @return `errc::invalid_argument` with the rule that is broken
    [[nodiscard]] static result<base_url> parse(std::string_view url) {
        auto const scheme_end = url.find("://");
        auto const path_begin = scheme_end == url.npos ? url.npos : url.find('/', scheme_end + 3);
        auto origin = http::origin::parse(url.substr(0, path_begin));
        if (!origin) return origin.error();

        auto path = path_begin == url.npos ? std::string_view() : url.substr(path_begin);
        while (path.ends_with('/'))
            path.remove_suffix(1);
        auto const allowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~/%";
        if (path.find_first_not_of(allowed) != path.npos)
            return error(errc::invalid_argument,
                         "base URL: must have a path without query or fragment");
        if (!http::percent_decode(path))
            return error(errc::invalid_argument,
                         "base URL: must have two hexadecimal digits after each %");
        if (has_dot_segment(path))
            return error(errc::invalid_argument, "base URL: must have no segment . or ..");
        return base_url(*origin, std::string(path));
    }

    /// The public API. Source: the `servers` entry of Cloudflare's OpenAPI document.
    [[nodiscard]] static base_url production() {
        return parse("https://api.cloudflare.com/client/v4").value();
    }

    /// Scheme, host and port.
    [[nodiscard]] http::origin const& origin() const noexcept { return origin_; }
    /// Empty, or begins with `/` and does not end with it.
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// Prints the URL.
    friend std::ostream& operator<<(std::ostream& out, base_url const& url) {
        return out << url.origin_ << url.path_;
    }

private:
    [[nodiscard]] static bool has_dot_segment(std::string_view path) {
        while (!path.empty()) {
            path.remove_prefix(1);
            auto const end = path.find('/');
            auto const segment = http::percent_decode(path.substr(0, end));
            if (segment == "." || segment == "..") return true;
            path.remove_prefix(end == path.npos ? path.size() : end);
        }
        return false;
    }

    base_url(http::origin const& origin, std::string path)
        : origin_(origin), path_(std::move(path)) {}

    http::origin origin_;
    std::string path_;
};

} // namespace cloudflare::inline v0
