/// The result of a rotation.
#pragma once

#include <cloudflare/access/service_token.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <ostream>
#include <utility>

namespace cloudflare::inline v0::access {

/// The token that was rotated; its new secret is in the sink. Not an aggregate: see "g++ 12's
/// rules" in include/README.md.
class rotated {
public:
    rotated() {}
    /// A rotation that is complete, with the end of the grace.
    rotated(service_token of, timestamp end) : token(std::move(of)), previous_valid_until(end) {}

    service_token token; ///< as the server shows it
    /// Until when the previous secret is accepted, according to the server: at least `grace` after
    /// the new one was stored, unless the server does not grant that.
    timestamp previous_valid_until;
};

/// One line: the token, and the end of the grace.
inline std::ostream& operator<<(std::ostream& out, rotated const& r) {
    return out << r.token << ", the previous secret is valid until " << r.previous_valid_until;
}

} // namespace cloudflare::inline v0::access
