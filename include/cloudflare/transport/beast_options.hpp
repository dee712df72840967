/// Settings of the Beast transport.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/transport/proxy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace boost::asio::ssl {
class context;
}

namespace cloudflare::inline v0 {

/// Options of `beast_transport`. Built by chained setters.
class beast_options {
public:
    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    beast_options() noexcept {}

    /// A file of CA certificates in PEM to trust in place of the system's.
    beast_options& ca_file(std::string path) {
        ca_file_ = std::move(path);
        return *this;
    }
    /// The client's certificate, with its chain, and its key: two files in PEM.
    beast_options& client_certificate(std::string certificate_file, std::string key_file) {
        client_certificate_file_ = std::move(certificate_file);
        client_key_file_ = std::move(key_file);
        return *this;
    }
    /// A TLS context to use as it is, in place of one that the transport makes: versions, CA
    /// certificates and client certificates are yours to set; the peer's chain and host name are
    /// checked in any case.
    beast_options& tls_context(std::shared_ptr<boost::asio::ssl::context> context) noexcept {
        tls_context_ = std::move(context);
        return *this;
    }
    /// The proxy to use: see `proxy_from_environment()`. Default none.
    beast_options& proxy(std::optional<cloudflare::proxy> value) noexcept {
        proxy_ = std::move(value);
        return *this;
    }
    /// The most bytes of a response's header, informational responses before it included; and the
    /// most bytes of chunk extensions and trailer fields. Default 64 KiB. More is
    /// `errc::response_too_large`.
    beast_options& max_header_size(std::uint32_t bytes) noexcept {
        max_header_size_ = bytes;
        return *this;
    }
    /// The most bytes of a response's body. Default 1 MiB. More is `errc::response_too_large`.
    beast_options& max_body_size(std::uint64_t bytes) noexcept {
        max_body_size_ = bytes;
        return *this;
    }
    /// The most connections to one origin at a time, 1 or more; further calls wait, within their
    /// deadline, the longest waiting first. Default: no bound.
    beast_options& max_connections_per_host(std::size_t count) noexcept {
        max_connections_per_host_ = count;
        return *this;
    }
    /// The most connections at a time in all, 1 or more. Default: no bound.
    beast_options& max_connections(std::size_t count) noexcept {
        max_connections_ = count;
        return *this;
    }
    /// How many idle connections are kept for each origin. Default 16; 0 closes each after its
    /// response.
    beast_options& max_idle_connections(std::size_t count) noexcept {
        max_idle_connections_ = count;
        return *this;
    }
    /// How long an idle connection is kept, from 0 to ten years; the time that the machine sleeps
    /// counts. Default 30 s. No timer runs for it, which would keep the context running: a connection
    /// that is past it is closed when the transport is next used, by `close_idle()`, or with the
    /// transport.
    beast_options& idle_timeout(std::chrono::milliseconds span) noexcept {
        idle_timeout_ = clamp(span);
        return *this;
    }
    /// How long a connection may have been idle and still carry a request that must not be repeated.
    /// After that such a request opens a new one, for the server may just be closing the old one.
    /// Default 5 s.
    beast_options& max_idle_before_unsafe(std::chrono::milliseconds span) noexcept {
        max_idle_before_unsafe_ = clamp(span);
        return *this;
    }
    /// How long name look-up, connecting and the TLS handshake may take together, within
    /// the request's deadline; from 0 to ten years, default 10 s. Past it a request ends with
    /// `errc::connect_failed`, whose cause is that it timed out.
    beast_options& connect_timeout(std::chrono::milliseconds span) noexcept {
        connect_timeout_ = clamp(span);
        return *this;
    }
    /// How long one address has to respond before the next one is tried beside it. Default 250 ms,
    /// as RFC 8305 recommends.
    beast_options& connection_attempt_delay(std::chrono::milliseconds span) noexcept {
        connection_attempt_delay_ = clamp(span);
        return *this;
    }

    [[nodiscard]] std::string const& ca_file() const noexcept { return ca_file_; }
    [[nodiscard]] std::string const& client_certificate_file() const noexcept {
        return client_certificate_file_;
    }
    [[nodiscard]] std::string const& client_key_file() const noexcept { return client_key_file_; }
    [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> const& tls_context() const noexcept {
        return tls_context_;
    }
    [[nodiscard]] std::optional<cloudflare::proxy> const& proxy() const noexcept { return proxy_; }
    [[nodiscard]] std::uint32_t max_header_size() const noexcept { return max_header_size_; }
    [[nodiscard]] std::uint64_t max_body_size() const noexcept { return max_body_size_; }
    [[nodiscard]] std::size_t max_connections_per_host() const noexcept {
        return max_connections_per_host_;
    }
    [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }
    [[nodiscard]] std::size_t max_idle_connections() const noexcept {
        return max_idle_connections_;
    }
    [[nodiscard]] std::chrono::milliseconds idle_timeout() const noexcept { return idle_timeout_; }
    [[nodiscard]] std::chrono::milliseconds max_idle_before_unsafe() const noexcept {
        return max_idle_before_unsafe_;
    }
    [[nodiscard]] std::chrono::milliseconds connect_timeout() const noexcept {
        return connect_timeout_;
    }
    [[nodiscard]] std::chrono::milliseconds connection_attempt_delay() const noexcept {
        return connection_attempt_delay_;
    }

private:
    /// Times beyond these bounds are clamped, so that adding them to any time of a clock cannot overflow.
    [[nodiscard]] static constexpr std::chrono::milliseconds
    clamp(std::chrono::milliseconds span) noexcept {
        return (std::clamp)(span, std::chrono::milliseconds(0),
                            std::chrono::milliseconds(std::chrono::years(10)));
    }

    static constexpr auto no_bound = (std::numeric_limits<std::size_t>::max)();

    std::string ca_file_;
    std::string client_certificate_file_, client_key_file_;
    std::shared_ptr<boost::asio::ssl::context> tls_context_;
    std::optional<cloudflare::proxy> proxy_;
    std::uint32_t max_header_size_ = 64 * 1024;
    std::uint64_t max_body_size_ = std::uint64_t{1024} * 1024;
    std::size_t max_connections_per_host_ = no_bound;
    std::size_t max_connections_ = no_bound;
    std::size_t max_idle_connections_ = 16;
    std::chrono::milliseconds idle_timeout_{30'000};
    std::chrono::milliseconds max_idle_before_unsafe_{5'000};
    std::chrono::milliseconds connect_timeout_{10'000};
    std::chrono::milliseconds connection_attempt_delay_{250};
};

} // namespace cloudflare::inline v0
