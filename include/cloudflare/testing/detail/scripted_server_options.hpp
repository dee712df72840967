/// The options of a scripted server.
#pragma once

#include <cloudflare/testing/certificate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace cloudflare::inline v0::testing {

/// Options of a scripted server.
struct scripted_server_options {
    /// What the server does when a connection was accepted.
    enum class greeting : unsigned char {
        serve,   ///< reads requests
        close,   ///< closes it at once
        garbage, ///< sends bytes that are neither TLS nor HTTP, and closes it
        hang,    ///< never reads or sends anything
    };
    bool tls = false;
    std::optional<certificate> identity{}; ///< empty: one for loopback is made
    std::string client_ca_pem{};           ///< if set, the client must have a certificate of it
    int max_tls_version = 0;               ///< e.g. OpenSSL's `TLS1_2_VERSION`; 0: the newest
    greeting first = greeting::serve;
    std::uint16_t port = 0;                      ///< 0: any
    std::string address = "127.0.0.1";           ///< an address of loopback: `::1` too
    std::chrono::milliseconds handshake_delay{}; ///< before any byte is read
    std::chrono::milliseconds read_delay{};      ///< before a request is read, after the handshake
    std::size_t reset_after = 0; ///< the connection is reset after this many bytes; 0: never
    bool early = false;          ///< replies as soon as the request's header was received
};

} // namespace cloudflare::inline v0::testing
