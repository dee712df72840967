/// The options of the Beast transport.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/fwd.hpp>
#include <cloudflare/transport/connection_event.hpp>
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

/// Options of `beast_transport`. Built by chained setters. Times are clamped to 0 to ten years.
class beast_options : public detail::options_base<beast_options> {
public:
    /// A file of CA certificates in PEM to trust in place of the system's.
    beast_options& ca_file(std::string path) { return set(ca_file_, std::move(path)); }
    [[nodiscard]] std::string const& ca_file() const noexcept { return ca_file_; }

    /// The client's certificate with its chain, and its private key: two files in PEM.
    beast_options& client_certificate(std::string certificate_file, std::string key_file) {
        client_certificate_file_ = std::move(certificate_file);
        return set(client_key_file_, std::move(key_file));
    }
    /// As set by `client_certificate`, or empty.
    [[nodiscard]] std::string const& client_certificate_file() const noexcept {
        return client_certificate_file_;
    }
    /// As set by `client_certificate`, or empty.
    [[nodiscard]] std::string const& client_key_file() const noexcept { return client_key_file_; }

    /// A TLS context to use in place of one that the transport makes. The two settings above are
    /// ignored then: TLS versions, CA certificates and client certificates are as the context has
    /// them. The server's chain and host name are verified in any case.
    beast_options& tls_context(std::shared_ptr<boost::asio::ssl::context> context) noexcept {
        return set(tls_context_, std::move(context));
    }
    [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> const& tls_context() const noexcept {
        return tls_context_;
    }

    /// The proxy to use: see `proxy_from_environment()`. Default none.
    beast_options& proxy(std::optional<cloudflare::proxy> value) noexcept {
        return set(proxy_, std::move(value));
    }
    [[nodiscard]] std::optional<cloudflare::proxy> const& proxy() const noexcept { return proxy_; }

    /// The maximum size of a response's header section, including the informational (1xx) responses
    /// before it; and of its chunk extensions and trailer fields together. Default 64 KiB. More is
    /// `errc::response_too_large`.
    beast_options& max_header_size(std::uint32_t bytes) noexcept {
        return set(max_header_size_, bytes);
    }
    [[nodiscard]] std::uint32_t max_header_size() const noexcept { return max_header_size_; }

    /// The maximum size of a response's body. Default 1 MiB. More is `errc::response_too_large`.
    beast_options& max_body_size(std::uint64_t bytes) noexcept {
        return set(max_body_size_, bytes);
    }
    [[nodiscard]] std::uint64_t max_body_size() const noexcept { return max_body_size_; }

    /// The maximum number of connections to one origin at a time, 1 or more. Further requests wait
    /// in order of arrival, within their deadlines. Default: unlimited.
    beast_options& max_connections_per_host(std::size_t count) noexcept {
        return set(max_connections_per_host_, count);
    }
    [[nodiscard]] std::size_t max_connections_per_host() const noexcept {
        return max_connections_per_host_;
    }

    /// The maximum number of connections at a time to all origins together, 1 or more. Default:
    /// unlimited.
    beast_options& max_connections(std::size_t count) noexcept {
        return set(max_connections_, count);
    }
    [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }

    /// How many idle connections are kept for each origin. Default 16; with 0 a connection is closed
    /// after its response.
    beast_options& max_idle_connections(std::size_t count) noexcept {
        return set(max_idle_connections_, count);
    }
    [[nodiscard]] std::size_t max_idle_connections() const noexcept {
        return max_idle_connections_;
    }

    /// How long an idle connection may be used again; the time that the machine was suspended
    /// counts. Default 30 s. No timer runs for it, because a timer would keep the context's `run()`
    /// from returning: an expired connection is closed by the next request, by `close_idle()`, or
    /// with the transport.
    beast_options& idle_timeout(std::chrono::milliseconds span) noexcept {
        return set(idle_timeout_, clamp(span));
    }
    [[nodiscard]] std::chrono::milliseconds idle_timeout() const noexcept { return idle_timeout_; }

    /// How long a connection may have been idle and still carry a request that must not be sent
    /// twice. After that such a request opens a new connection, because the server may be closing
    /// the old one. Default 5 s.
    beast_options& max_idle_before_unsafe(std::chrono::milliseconds span) noexcept {
        return set(max_idle_before_unsafe_, clamp(span));
    }
    [[nodiscard]] std::chrono::milliseconds max_idle_before_unsafe() const noexcept {
        return max_idle_before_unsafe_;
    }

    /// How long resolving the host name, connecting and the TLS handshake may take together, within
    /// the request's deadline. Default 10 s. Longer is `errc::connect_failed` with the cause
    /// `timed_out`.
    beast_options& connect_timeout(std::chrono::milliseconds span) noexcept {
        return set(connect_timeout_, clamp(span));
    }
    [[nodiscard]] std::chrono::milliseconds connect_timeout() const noexcept {
        return connect_timeout_;
    }

    /// Called when a connection was opened, reused or closed: for logs and metrics. See
    /// `connection_hook` for threads. Default none.
    beast_options& connection_trace(connection_hook hook) noexcept {
        return set(connection_trace_, std::move(hook));
    }
    [[nodiscard]] connection_hook const& connection_trace() const noexcept {
        return connection_trace_;
    }

    /// How long the attempt to connect to one address may take before the next address is tried at
    /// the same time (RFC 8305). Default 250 ms, as the RFC recommends.
    beast_options& connection_attempt_delay(std::chrono::milliseconds span) noexcept {
        return set(connection_attempt_delay_, clamp(span));
    }
    [[nodiscard]] std::chrono::milliseconds connection_attempt_delay() const noexcept {
        return connection_attempt_delay_;
    }

private:
    /// Within these bounds the sum with any time of a clock cannot overflow.
    [[nodiscard]] static constexpr std::chrono::milliseconds
    clamp(std::chrono::milliseconds span) noexcept {
        return (std::clamp)(span, std::chrono::milliseconds(0),
                            std::chrono::milliseconds(std::chrono::years(10)));
    }

    static constexpr auto unlimited = (std::numeric_limits<std::size_t>::max)();

    std::string ca_file_;
    std::string client_certificate_file_, client_key_file_;
    std::shared_ptr<boost::asio::ssl::context> tls_context_;
    std::optional<cloudflare::proxy> proxy_;
    std::uint32_t max_header_size_ = 64 * 1024;
    std::uint64_t max_body_size_ = std::uint64_t{1024} * 1024;
    std::size_t max_connections_per_host_ = unlimited;
    std::size_t max_connections_ = unlimited;
    std::size_t max_idle_connections_ = 16;
    std::chrono::milliseconds idle_timeout_{30'000};
    std::chrono::milliseconds max_idle_before_unsafe_{5'000};
    std::chrono::milliseconds connect_timeout_{10'000};
    std::chrono::milliseconds connection_attempt_delay_{250};
    connection_hook connection_trace_;
};

} // namespace cloudflare::inline v0
