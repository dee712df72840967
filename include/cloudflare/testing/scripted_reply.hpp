/// How a scripted server replies to a request: the bytes, their timing, and what happens to the connection.
#pragma once

#include <cloudflare/core/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// What happens once a whole request has come in.
struct reply {
    enum class end : unsigned char {
        read_on, ///< the connection waits for the next request
        close,   ///< it is closed cleanly, with TLS's close_notify
        cut,     ///< it is closed without one
        reset,   ///< it is reset
        hang,    ///< nothing more is read or sent
    };
    std::string bytes{};
    std::size_t piece_size = 0;        ///< they are sent in pieces of this size; 0: at once
    std::chrono::milliseconds pause{}; ///< before each piece
    end then = end::read_on;
    /// Sent behind `bytes` in a write of its own, and so in a TLS record of its own.
    std::string later{};
    std::chrono::microseconds later_after{}; ///< how long after `bytes`
    /// Sent again and again behind all that, until the client has closed the connection.
    std::string endless{};
};

/// A request as it came in.
struct seen_request {
    std::size_t number = 0;     ///< among all requests, from 1
    std::size_t connection = 0; ///< among all connections, from 1
    std::string bytes{};
};

/// Gives the reply to a request.
using server_script = std::function<reply(seen_request const&)>;

/// A script that gives the same reply to every request.
[[nodiscard]] inline server_script always(reply r) {
    return [r = std::move(r)](seen_request const&) { return r; };
}

/// A script that gives its replies in turn, and the last one from then on.
[[nodiscard]] inline server_script in_turn(std::vector<reply> replies) {
    return [replies = std::move(replies)](seen_request const& seen) {
        return replies[(std::min)(seen.number, replies.size()) - 1];
    };
}

} // namespace cloudflare::inline v0::testing
