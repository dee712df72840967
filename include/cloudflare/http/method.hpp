/// The HTTP methods that the Cloudflare API uses.
#pragma once

#include <cloudflare/core/fwd.hpp>

#include <ostream>
#include <string_view>

namespace cloudflare::inline v0::http {

/// The methods that the API uses.
enum class method : unsigned char {
    get,    ///< reads
    post,   ///< makes, or acts
    put,    ///< replaces
    patch,  ///< changes
    delete_ ///< deletes; `delete` is a keyword
};

/// As it is written in a request line.
[[nodiscard]] constexpr std::string_view to_string(method m) noexcept {
    switch (m) {
    case method::get: return "GET";
    case method::post: return "POST";
    case method::put: return "PUT";
    case method::patch: return "PATCH";
    case method::delete_: return "DELETE";
    }
    return "";
}

inline std::ostream& operator<<(std::ostream& out, method m) {
    return out << to_string(m);
}

} // namespace cloudflare::inline v0::http
