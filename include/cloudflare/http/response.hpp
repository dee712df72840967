/// A response as a value.
#pragma once

#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/headers.hpp>

#include <ostream>

namespace cloudflare::inline v0::http {

/// What a transport gives back: a whole answer, its body decoded from any transfer coding. The body
/// may hold a client secret: it lives in memory that is wiped, and does not print.
struct response {
    int status = 0;
    headers fields{};
    wiped_string body{};
};

inline std::ostream& operator<<(std::ostream& out, response const& r) {
    return out << "HTTP " << r.status << '\n'
               << r.fields << "(" << r.body.size() << " bytes of body)\n";
}

} // namespace cloudflare::inline v0::http
