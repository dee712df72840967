/// The options of the curl transport.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/transport/connection_event.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace cloudflare::inline v0 {

/// Options of `curl_transport`. Built by chained setters.
class curl_options : public detail::options_base<curl_options> {
public:
    /// A file of CA certificates in PEM to trust in place of libcurl's own.
    curl_options& ca_file(std::string path) { return set(ca_file_, std::move(path)); }
    [[nodiscard]] std::string const& ca_file() const noexcept { return ca_file_; }

    /// The client's certificate with its chain, and its private key: two files in PEM.
    curl_options& client_certificate(std::string certificate_file, std::string key_file) {
        client_certificate_file_ = std::move(certificate_file);
        return set(client_key_file_, std::move(key_file));
    }
    /// As set by `client_certificate`, or empty.
    [[nodiscard]] std::string const& client_certificate_file() const noexcept {
        return client_certificate_file_;
    }
    /// As set by `client_certificate`, or empty.
    [[nodiscard]] std::string const& client_key_file() const noexcept { return client_key_file_; }

    /// The maximum size of a response's header section, together with the informational (1xx)
    /// responses before it and the trailer fields after it. Default 64 KiB. More is
    /// `errc::response_too_large`.
    curl_options& max_header_size(std::size_t bytes) noexcept {
        return set(max_header_size_, bytes);
    }
    [[nodiscard]] std::size_t max_header_size() const noexcept { return max_header_size_; }

    /// The maximum size of a response's body. Default 1 MiB. More is `errc::response_too_large`.
    curl_options& max_body_size(std::size_t bytes) noexcept { return set(max_body_size_, bytes); }
    [[nodiscard]] std::size_t max_body_size() const noexcept { return max_body_size_; }

    /// How long a connection may have been idle and still carry a request that must not be sent
    /// twice; the time that the machine was suspended counts. Default 5 s; with zero or less such a
    /// request always opens a new connection; at most 118 s, because libcurl uses no older one.
    curl_options& max_idle_before_unsafe(std::chrono::seconds span) noexcept {
        return set(max_idle_before_unsafe_, span);
    }
    [[nodiscard]] std::chrono::seconds max_idle_before_unsafe() const noexcept {
        return max_idle_before_unsafe_;
    }

    /// How long resolving the host name, connecting and the TLS handshake may take together, within
    /// the request's deadline. Default 10 s; at least 1 ms; with `milliseconds::max()` the deadline
    /// is the only limit. Longer is `errc::connect_failed` with the cause `timed_out`.
    curl_options& connect_timeout(std::chrono::milliseconds span) noexcept {
        return set(connect_timeout_, span);
    }
    [[nodiscard]] std::chrono::milliseconds connect_timeout() const noexcept {
        return connect_timeout_;
    }

    /// Called when a connection was opened, reused or closed: for logs and metrics. Called on the
    /// thread of the call, or of who destroys the transport, perhaps within libcurl: it must not use
    /// the transport. Default none.
    curl_options& connection_trace(connection_hook hook) noexcept {
        return set(connection_trace_, std::move(hook));
    }
    [[nodiscard]] connection_hook const& connection_trace() const noexcept {
        return connection_trace_;
    }

private:
    std::string ca_file_;
    std::string client_certificate_file_, client_key_file_;
    std::size_t max_header_size_ = std::size_t{64} * 1024;
    std::size_t max_body_size_ = std::size_t{1024} * 1024;
    std::chrono::seconds max_idle_before_unsafe_{5};
    std::chrono::milliseconds connect_timeout_{10'000};
    connection_hook connection_trace_;
};

} // namespace cloudflare::inline v0
