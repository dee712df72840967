/// The sockets that libcurl has open for one transport.
#pragma once

#include <cloudflare/core/error.hpp>
#include <cloudflare/core/fwd.hpp>
#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/detail/boot_clock.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cloudflare::inline v0::detail::curl {

/// Opens and closes sockets for libcurl, and so knows every connection in libcurl's cache.
class open_sockets {
public:
    /// @param hook is told of the connections
    explicit open_sockets(connection_hook hook) : hook_(std::move(hook)) {}

    /// Makes libcurl open and close the sockets of this handle's transfers through this object,
    /// which must outlive the connections: they close their sockets later.
    void serve(CURL* easy) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_sockets::open);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &open_sockets::close);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    }

    /// Notes that a response came over this socket just now.
    void used(curl_socket_t descriptor, boot_clock::time_point now) noexcept {
        for (auto& s : sockets_)
            if (s.descriptor == descriptor) {
                s.last_used = now;
                if (s.connection) ++s.connection->requests;
            }
    }

    /// A request is about to be sent over the connection with this port of ours, which was opened for
    /// it since `began`, or is an earlier one.
    void begins(http::origin const& origin, int local_port, bool is_new, time_point began) {
        auto const now = time_point::clock::now();
        for (auto& s : sockets_) {
            if (port_of(s.descriptor) != local_port) continue;
            if (!s.connection) s.connection.emplace(identification{origin, ++count_, now, 0});
            tell(s, is_new ? connection_change::opened : connection_change::reused,
                 is_new ? now - began : now - s.connection->opened_at);
            return;
        }
    }
    /// No connection could be opened for a request.
    void open_failed(http::origin const& origin, error const& why, time_point began) const {
        if (!hook_) return;
        connection_event e{.change = connection_change::open_failed, .origin = origin};
        e.elapsed = time_point::clock::now() - began;
        e.failure = &why;
        hook_(e);
    }
    /// Why connections are closed from now on, as far as this program closes them.
    void closing_because(close_reason why, error const* failure = nullptr) noexcept {
        why_ = why;
        failure_ = failure;
    }
    [[nodiscard]] std::size_t count() const noexcept { return sockets_.size(); }

    /// Whether all connections may be used again: none has been idle for `max_idle` or longer, has
    /// ended, or has something to read. What a server sends between two requests is unsolicited,
    /// and must not be taken for the response to the next one.
    [[nodiscard]] bool all_usable(boot_clock::time_point now, boot_clock::duration max_idle) {
        std::vector<::pollfd> idle;
        ::nfds_t count = 0; // of another type than a size on some systems
        idle.reserve(sockets_.size());
        for (auto const& s : sockets_) {
            if (now - s.last_used >= max_idle) return false;
            idle.push_back({.fd = s.descriptor, .events = POLLIN, .revents = 0});
            ++count;
        }
        return idle.empty() || ::poll(idle.data(), count, 0) == 0;
    }

    /// Closes this process's descriptors, without sending anything to the server, and forgets
    /// them: for a forked child, whose parent still uses the connections.
    void close_inherited() noexcept {
        closing_because(close_reason::inherited);
        for (auto const& s : sockets_) {
            ::close(s.descriptor);
            tell_closed(s);
        }
        sockets_.clear();
    }

private:
    struct identification {
        http::origin origin;
        std::uint64_t number; ///< from 1
        time_point opened_at;
        std::uint64_t requests;
    };
    struct socket {
        curl_socket_t descriptor;
        boot_clock::time_point last_used;
        std::optional<identification> connection{}; ///< once it can carry requests
    };

    [[nodiscard]] static int port_of(curl_socket_t descriptor) noexcept {
        ::sockaddr_storage address{};
        ::socklen_t size = sizeof address;
        if (::getsockname(descriptor, reinterpret_cast<::sockaddr*>(&address), &size) != 0)
            return -1;
        return address.ss_family == AF_INET6
                   ? ntohs(reinterpret_cast<::sockaddr_in6 const&>(address).sin6_port)
                   : ntohs(reinterpret_cast<::sockaddr_in const&>(address).sin_port);
    }

    void tell(socket const& s, connection_change change, time_point::duration elapsed) const {
        if (!hook_) return;
        connection_event e{.change = change, .origin = s.connection->origin};
        e.connection = s.connection->number;
        e.requests = s.connection->requests;
        e.elapsed = elapsed;
        if (change == connection_change::closed) {
            e.why = why_;
            e.failure = failure_;
        }
        hook_(e);
    }
    void tell_closed(socket const& s) const {
        if (hook_ && s.connection)
            tell(s, connection_change::closed, time_point::clock::now() - s.connection->opened_at);
    }

    static curl_socket_t open(void* self, curlsocktype, curl_sockaddr* address) noexcept {
        int type = address->socktype;
#if defined(SOCK_CLOEXEC)
        type |= SOCK_CLOEXEC;
#endif
        int const descriptor = ::socket(address->family, type, address->protocol);
        if (descriptor == -1) return CURL_SOCKET_BAD;
#if !defined(SOCK_CLOEXEC)
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#endif
#if defined(SO_NOSIGPIPE)
        int const on = 1;
        ::setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
        try {
            static_cast<open_sockets*>(self)->sockets_.push_back(
                {descriptor, boot_clock::now(), std::nullopt});
        } catch (...) {
            ::close(descriptor);
            return CURL_SOCKET_BAD;
        }
        return descriptor;
    }

    static int close(void* self, curl_socket_t descriptor) noexcept {
        auto& all = *static_cast<open_sockets*>(self);
        auto const closed =
            std::find_if(all.sockets_.begin(), all.sockets_.end(),
                         [&](socket const& s) { return s.descriptor == descriptor; });
        int const result = ::close(descriptor);
        if (closed == all.sockets_.end()) return result;
        auto const s = *closed;
        all.sockets_.erase(closed);
        all.tell_closed(s);
        return result;
    }

    std::vector<socket> sockets_;
    connection_hook hook_;
    std::uint64_t count_ = 0;
    close_reason why_ = close_reason::library;
    error const* failure_ = nullptr;
};

} // namespace cloudflare::inline v0::detail::curl
