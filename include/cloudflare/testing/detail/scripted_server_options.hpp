/// How a scripted server is set up.
#pragma once

#include <cloudflare/testing/detail/certificate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace cloudflare::inline v0::testing {

/// How a scripted server is set up.
struct scripted_server_options {
    /// What a connection meets before its first request.
    enum class greeting : unsigned char {
        serve,   ///< nothing special
        close,   ///< it is closed at once
        garbage, ///< bytes that are no TLS and no HTTP, then it is closed
        hang,    ///< nothing is ever read or sent
    };
    bool tls = false;
    std::optional<certificate> identity{}; ///< none: one for loopback is made
    std::string client_ca_pem{};           ///< where set, the client must show a certificate of it
    int max_tls_version = 0;               ///< as OpenSSL names it; 0: the newest
    greeting first = greeting::serve;
    std::uint16_t port = 0;                      ///< 0: any
    std::string address = "127.0.0.1";           ///< an address of loopback: `::1` too
    std::chrono::milliseconds handshake_delay{}; ///< before any byte is read
    std::chrono::milliseconds read_delay{};      ///< before a request is read, behind a handshake
    std::size_t reset_after = 0; ///< after so many bytes the connection is reset; 0: never
    bool early = false;          ///< a reply begins once the request's header is there
};

} // namespace cloudflare::inline v0::testing
