/// Settings of the curl transport.
#pragma once

#include <cloudflare/core/config.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace cloudflare::inline v0 {

/// Options of `curl_transport`. Built by chained setters.
class curl_options {
public:
    // Not defaulted: g++ 12 destroys an aggregate twice inside a co_await expression.
    curl_options() noexcept {}

    /// A file of CA certificates in PEM to trust in place of libcurl's own.
    curl_options& ca_file(std::string path) {
        ca_file_ = std::move(path);
        return *this;
    }
    /// The client's certificate, with its chain, and its key: two files in PEM.
    curl_options& client_certificate(std::string certificate_file, std::string key_file) {
        client_certificate_file_ = std::move(certificate_file);
        client_key_file_ = std::move(key_file);
        return *this;
    }
    /// The most bytes of a response's header, together with the informational responses before it
    /// and the trailers behind it. Default 64 KiB. More is `errc::response_too_large`.
    curl_options& max_header_size(std::size_t bytes) noexcept {
        max_header_size_ = bytes;
        return *this;
    }
    /// The most bytes of a response's body. Default 1 MiB. More is `errc::response_too_large`.
    curl_options& max_body_size(std::size_t bytes) noexcept {
        max_body_size_ = bytes;
        return *this;
    }
    /// How long a connection may have been idle and still carry a request that must not be repeated.
    /// Default 5 s. Zero or less: such a request always opens a new one. Clamped to 118 s, after which no
    /// connection is used again. The time that the machine was suspended counts.
    curl_options& max_idle_before_unsafe(std::chrono::seconds span) noexcept {
        max_idle_before_unsafe_ = span;
        return *this;
    }
    /// How long name look-up, connecting and the TLS handshake may take together, within
    /// the request's deadline. Default 10 s. Longer is `errc::connect_failed`, with the cause
    /// `timed_out`. Less than 1 ms counts as 1 ms; `milliseconds::max()` is no bound but the
    /// deadline.
    curl_options& connect_timeout(std::chrono::milliseconds span) noexcept {
        connect_timeout_ = span;
        return *this;
    }

    [[nodiscard]] std::string const& ca_file() const noexcept { return ca_file_; }
    [[nodiscard]] std::string const& client_certificate_file() const noexcept {
        return client_certificate_file_;
    }
    [[nodiscard]] std::string const& client_key_file() const noexcept { return client_key_file_; }
    [[nodiscard]] std::size_t max_header_size() const noexcept { return max_header_size_; }
    [[nodiscard]] std::size_t max_body_size() const noexcept { return max_body_size_; }
    [[nodiscard]] std::chrono::seconds max_idle_before_unsafe() const noexcept {
        return max_idle_before_unsafe_;
    }
    [[nodiscard]] std::chrono::milliseconds connect_timeout() const noexcept {
        return connect_timeout_;
    }

private:
    std::string ca_file_;
    std::string client_certificate_file_, client_key_file_;
    std::size_t max_header_size_ = std::size_t{64} * 1024;
    std::size_t max_body_size_ = std::size_t{1024} * 1024;
    std::chrono::seconds max_idle_before_unsafe_{5};
    std::chrono::milliseconds connect_timeout_{10'000};
};

} // namespace cloudflare::inline v0
