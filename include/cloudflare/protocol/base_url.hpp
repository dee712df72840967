/// Where the API is: an origin and the path that its endpoints stand under.
#pragma once

#include <cloudflare/http/origin.hpp>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// A base URL such as `https://api.cloudflare.com/client/v4`.
class base_url {
public:
    /// Reads `http(s)://host[:port][/path]`; a slash at the end is dropped. No user name, query or
    /// fragment, and a path of unreserved characters only.
    [[nodiscard]] static result<base_url> parse(std::string_view text) {
        auto const scheme_end = text.find("://");
        auto const path_begin =
            scheme_end == text.npos ? text.npos : text.find('/', scheme_end + 3);
        auto where = http::origin::parse(text.substr(0, path_begin));
        if (!where) return where.error();

        auto path = path_begin == text.npos ? std::string_view() : text.substr(path_begin);
        while (path.ends_with('/'))
            path.remove_suffix(1);
        auto const allowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~/%";
        if (path.find_first_not_of(allowed) != path.npos)
            return error(errc::invalid_argument,
                         "base URL: must have a path without query or fragment");
        return base_url(std::move(*where), std::string(path));
    }

    /// The public API. Source: the `servers` entry of Cloudflare's OpenAPI document.
    [[nodiscard]] static base_url production() {
        return parse("https://api.cloudflare.com/client/v4").value();
    }

    [[nodiscard]] http::origin const& origin() const noexcept { return origin_; }
    /// Empty, or beginning with `/` and not ending with one.
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    friend std::ostream& operator<<(std::ostream& out, base_url const& url) {
        return out << url.origin_ << url.path_;
    }

private:
    base_url(http::origin origin, std::string path)
        : origin_(std::move(origin)), path_(std::move(path)) {}

    http::origin origin_;
    std::string path_;
};

} // namespace cloudflare::inline v0
