/// A response as a value.
#pragma once

#include <cloudflare/core/wipe.hpp>
#include <cloudflare/http/headers.hpp>

#include <ostream>

namespace cloudflare::inline v0::http {

/// What a transport returns: a complete response, its body decoded from any transfer coding. As the
/// body may contain a client secret, its memory is wiped and it is never printed.
struct response {
    int status = 0;      ///< of three digits
    headers fields{};    ///< in the order in which they came
    wiped_string body{}; ///< decoded from any transfer coding
};

/// Prints status and fields, credentials as `[redacted]`, and the size of the body.
inline std::ostream& operator<<(std::ostream& out, response const& r) {
    return out << "HTTP " << r.status << '\n'
               << r.fields << "(" << r.body.size() << " bytes of body)\n";
}

} // namespace cloudflare::inline v0::http
