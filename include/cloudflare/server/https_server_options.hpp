/// The limits of a server, and its hooks.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/server/routes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::server {

/// A request that was responded to, or whose client did not wait for that.
struct exchange {
    server::request const& request;        ///< with its route
    unsigned status;                       ///< of the response; 499: the client has hung up
    std::chrono::duration<double> elapsed; ///< from the end of the request, without the writing
};

/// Options of an `https_server`. Built by chained setters. A time below a second counts as a second,
/// and one above a day as a day.
class https_server_options : public cloudflare::detail::options_base<https_server_options> {
    using seconds = std::chrono::seconds;

public:
    /// Of a request's header; a larger one is responded to with 431. Default 8192.
    https_server_options& max_header_bytes(std::size_t n) noexcept {
        return set(max_header_bytes_, (std::min)(std::max<std::size_t>(n, 1), largest));
    }
    [[nodiscard]] std::size_t max_header_bytes() const noexcept { return max_header_bytes_; }

    /// Of a request's body; a larger one is responded to with 413, one in chunks with 411. Default
    /// 16384.
    https_server_options& max_body_bytes(std::size_t n) noexcept {
        return set(max_body_bytes_, (std::min)(n, largest));
    }
    [[nodiscard]] std::size_t max_body_bytes() const noexcept { return max_body_bytes_; }

    /// Further ones are closed as soon as they are accepted. At least 1; default 1024.
    https_server_options& max_connections(std::size_t n) noexcept {
        return set(max_connections_, std::max<std::size_t>(n, 1));
    }
    [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }

    /// For the TLS handshake, and for each request from its first byte to its last one; then the
    /// connection is closed. Default 30 s.
    https_server_options& read_time(seconds span) noexcept {
        return set(read_time_, bounded(span));
    }
    [[nodiscard]] seconds read_time() const noexcept { return read_time_; }

    /// For a handler; then the client is responded to with 504, and the handler is cancelled. Let it
    /// be longer than the handler's own deadlines. Default 31 s.
    https_server_options& handler_time(seconds span) noexcept {
        return set(handler_time_, bounded(span));
    }
    [[nodiscard]] seconds handler_time() const noexcept { return handler_time_; }

    /// Between two requests; then the connection is closed. Default 60 s.
    https_server_options& idle_time(seconds span) noexcept {
        return set(idle_time_, bounded(span));
    }
    [[nodiscard]] seconds idle_time() const noexcept { return idle_time_; }

    /// Called after each request, for logs and metrics. Must not throw.
    https_server_options& trace(std::function<void(exchange const&)> f) {
        return set(trace_, std::move(f));
    }
    [[nodiscard]] std::function<void(exchange const&)> const& trace() const noexcept {
        return trace_;
    }

    /// Called for each connection that is closed at once, as `max_connections` are open. Must not
    /// throw.
    https_server_options& refused(std::function<void()> f) { return set(refused_, std::move(f)); }
    [[nodiscard]] std::function<void()> const& refused() const noexcept { return refused_; }

    /// Who a client is by the value of its `Authorization`, e.g. `bearer_hashes::identity_of`. A
    /// request with this field is nobody else's, whatever certificate its connection has. Default:
    /// nobody.
    https_server_options&
    identify(std::function<std::optional<std::string>(std::string_view authorization)> f) {
        return set(identify_, std::move(f));
    }
    /// What `identify` says.
    [[nodiscard]] std::optional<std::string> identity_of(std::string_view authorization) const {
        return identify_ ? identify_(authorization) : std::nullopt;
    }

private:
    static constexpr std::size_t largest = UINT32_MAX; ///< as Beast counts a header

    [[nodiscard]] static seconds bounded(seconds span) noexcept {
        return std::clamp(span, seconds(1), seconds(std::chrono::hours(24)));
    }

    std::size_t max_header_bytes_ = 8192, max_body_bytes_ = 16384, max_connections_ = 1024;
    seconds read_time_{30}, handler_time_{31}, idle_time_{60};
    std::function<void(exchange const&)> trace_;
    std::function<void()> refused_;
    std::function<std::optional<std::string>(std::string_view)> identify_;
};

} // namespace cloudflare::inline v0::server
