/// How a scripted server replies to a request: the bytes, their timing, and what happens to the
/// connection.
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

/// What a scripted server does when it has received a complete request.
struct reply {
    /// What the server does after the bytes.
    enum class end : unsigned char {
        read_on, ///< waits for the next request
        close,   ///< closes the connection cleanly, with TLS's close_notify
        cut,     ///< closes the connection without a close_notify
        reset,   ///< resets the connection
        hang,    ///< reads and sends nothing more
    };
    std::string bytes{};               ///< sent as they are, status line and fields included
    std::size_t piece_size = 0;        ///< `bytes` are sent in pieces of this size; 0: at once
    std::chrono::milliseconds pause{}; ///< before each piece
    end then = end::read_on;           ///< after the bytes
    /// Sent after `bytes` by a write of its own, and so in a TLS record of its own.
    std::string later{};
    std::chrono::microseconds later_after{}; ///< how long after `bytes`
    /// Sent repeatedly after all that, until the client has closed the connection.
    std::string endless{};
};

/// A request that was received.
struct seen_request {
    std::size_t number = 0;     ///< among all requests, from 1
    std::size_t connection = 0; ///< among all connections, from 1
    std::string bytes{};        ///< as they came, complete
};

/// Returns the reply to a request.
using server_script = std::function<reply(seen_request const&)>;

/// A script that gives the same reply to every request.
[[nodiscard]] inline server_script always(reply r) {
    return [r = std::move(r)](seen_request const&) { return r; };
}

/// A script that gives its replies in order, and repeats the last one.
[[nodiscard]] inline server_script in_turn(std::vector<reply> replies) {
    return [replies = std::move(replies)](seen_request const& seen) {
        return replies[(std::min)(seen.number, replies.size()) - 1];
    };
}

} // namespace cloudflare::inline v0::testing
