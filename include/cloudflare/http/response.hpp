/// A response as a value.
#pragma once

#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/headers.hpp>

#include <ostream>

namespace cloudflare::inline v0::http {

/// What a transport returns: a complete response, its body decoded from any transfer coding. As the
/// body may contain a client secret, its memory is wiped and it is never printed.
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
