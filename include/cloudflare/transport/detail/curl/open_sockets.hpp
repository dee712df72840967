/// The sockets that libcurl has open for one transport.
#pragma once

#include <cloudflare/transport/detail/boot_clock.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cloudflare::inline v0::detail::curl {

/// Opens and closes sockets for libcurl, and so knows every connection in libcurl's cache.
class open_sockets {
public:
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
            if (s.descriptor == descriptor) s.last_used = now;
    }

    /// Whether all connections may be used again: none has been idle for `max_idle` or longer, has
    /// ended, or has something to read. What a server sends between two requests is unsolicited,
    /// and must not be taken for the response to the next one.
    [[nodiscard]] bool all_usable(boot_clock::time_point now, boot_clock::duration max_idle) {
        std::vector<::pollfd> idle;
        idle.reserve(sockets_.size());
        for (auto const& s : sockets_) {
            if (now - s.last_used >= max_idle) return false;
            idle.push_back({.fd = s.descriptor, .events = POLLIN, .revents = 0});
        }
        return idle.empty() || ::poll(idle.data(), static_cast<::nfds_t>(idle.size()), 0) == 0;
    }

    /// Closes this process's descriptors, without sending anything to the server, and forgets
    /// them: for a forked child, whose parent still uses the connections.
    void close_inherited() noexcept {
        for (auto const& s : sockets_)
            ::close(s.descriptor);
        sockets_.clear();
    }

private:
    struct socket {
        curl_socket_t descriptor;
        boot_clock::time_point last_used;
    };

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
            static_cast<open_sockets*>(self)->sockets_.push_back({descriptor, boot_clock::now()});
        } catch (...) {
            ::close(descriptor);
            return CURL_SOCKET_BAD;
        }
        return descriptor;
    }

    static int close(void* self, curl_socket_t descriptor) noexcept {
        auto& sockets = static_cast<open_sockets*>(self)->sockets_;
        sockets.erase(std::remove_if(sockets.begin(), sockets.end(),
                                     [&](socket const& s) { return s.descriptor == descriptor; }),
                      sockets.end());
        return ::close(descriptor);
    }

    std::vector<socket> sockets_;
};

} // namespace cloudflare::inline v0::detail::curl
