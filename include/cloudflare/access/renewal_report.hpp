/// The report of a round of renewal.
#pragma once

#include <cloudflare/access/renewal_plan.hpp>
#include <cloudflare/core/detail/is_printed.hpp>
#include <cloudflare/core/error.hpp>
#include <cloudflare/core/redact.hpp>
#include <cloudflare/core/timestamp.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace cloudflare::inline v0::access {

/// What one round of renewal found and did.
struct renewal_report {
    /// One token.
    struct entry {
        std::string key;          ///< of the sink
        std::string token_id;     ///< the API's
        std::string client_id{};  ///< by the sink
        std::int64_t version = 0; ///< of the secret that the sink holds; 0: not known
        std::string name{};       ///< empty if the server shows no such token
        renewal_state state = renewal_state::fresh; ///< as it was found
        bool refreshed = false;                     ///< its expiry was moved
        bool rotated = false;                       ///< the new secret is in the sink
        std::optional<timestamp> expires_at{};      ///< after this round; empty: not told
        /// Until when the previous secret is accepted; if a secret was lost, that is the one in
        /// use.
        std::optional<timestamp> previous_valid_until{};
        renewal_action next = renewal_action::none; ///< what falls due next
        std::optional<timestamp> next_at{};         ///< when
        std::optional<error> failure{};             ///< of what was due
    };
    std::vector<entry> tokens; ///< all that the sink holds
    timestamp next_look;       ///< by the server's clock

    /// Whether nothing failed and no token needs somebody's decision.
    [[nodiscard]] bool is_well() const {
        return std::none_of(tokens.begin(), tokens.end(), [](entry const& e) {
            return e.failure || e.state == renewal_state::missing ||
                   e.state == renewal_state::disabled;
        });
    }
};

inline std::ostream& operator<<(std::ostream& out, renewal_report::entry const& e) {
    using cloudflare::detail::redact_own;
    out << "key " << redact_own(e.key, 200) << ": token " << redact_own(e.token_id, 100) << ' '
        << e.state;
    if (e.refreshed) out << ", refreshed";
    if (e.rotated) out << ", rotated";
    if (e.expires_at) out << ", expires " << *e.expires_at;
    if (e.failure) out << ": " << *e.failure;
    return out;
}
/// One line of counts; print the entries for more.
inline std::ostream& operator<<(std::ostream& out, renewal_report const& r) {
    auto const count = [&](auto is) { return std::count_if(r.tokens.begin(), r.tokens.end(), is); };
    out << r.tokens.size() << " tokens";
    for (auto s = renewal_state::fresh; s <= renewal_state::missing;
         s = static_cast<renewal_state>(static_cast<unsigned>(s) + 1))
        if (auto const n = count([&](auto const& e) { return e.state == s; }); n != 0)
            out << ", " << n << ' ' << s;
    if (auto const n = count([](auto const& e) { return e.failure.has_value(); }); n != 0)
        out << ", " << n << " failed";
    return out << "; next look at " << r.next_look;
}

} // namespace cloudflare::inline v0::access

namespace cloudflare::inline v0::detail {
template <>
inline constexpr bool is_printed<access::renewal_report::entry> = true;
} // namespace cloudflare::inline v0::detail
