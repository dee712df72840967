/// Finds out whether a connection buffers bytes that were read from its socket earlier.
#pragma once

#include <cloudflare/core/config.hpp>

#include <curl/curl.h>

#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cloudflare::inline v0::detail::curl {

/// A socket from which nothing can ever be read, which temporarily replaces another one.
///
/// TLS decrypts complete records, and libcurl may read ahead: a second response may be in their
/// memory while the socket is empty. A read would show it, but may also remove part of a record
/// from the socket and so hide the rest. While this replaces the socket, a read returns only what
/// is in memory.
class silent_socket {
public:
    silent_socket() noexcept {
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_) != 0) return;
        for (int const end : ends_) {
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
            ::fcntl(end, F_SETFL, O_NONBLOCK);
        }
    }
    silent_socket(silent_socket&& other) noexcept { swap(other); }
    silent_socket& operator=(silent_socket other) noexcept {
        swap(other);
        return *this;
    }
    ~silent_socket() {
        for (int const end : ends_)
            if (end != -1) ::close(end);
    }

    /// Calls `check()` while this replaces the socket.
    ///
    /// @return whether that could be done, nothing was written meanwhile, and `check` returned true
    template <class Check>
    [[nodiscard]] bool with_socket_replaced(curl_socket_t socket, Check check) const noexcept {
        if (ends_[0] == -1) return false;
        int const kept = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
        if (kept == -1) return false;
        bool const replaced = replace(socket, ends_[0]);
        bool const found = replaced && check();
        bool const restored = !replaced || replace(socket, kept);
        ::close(kept);
        return found && restored && nothing_written();
    }

private:
    void swap(silent_socket& other) noexcept {
        std::swap(ends_[0], other.ends_[0]);
        std::swap(ends_[1], other.ends_[1]);
    }

    /// Makes `descriptor` refer to what `source` does, closed on exec.
    [[nodiscard]] static bool replace(int descriptor, int source) noexcept {
#if defined(__linux__)
        return ::dup3(source, descriptor, O_CLOEXEC) != -1;
#else
        return ::dup2(source, descriptor) != -1 && ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
#endif
    }

    [[nodiscard]] bool nothing_written() const noexcept {
        ::pollfd other{.fd = ends_[1], .events = POLLIN, .revents = 0};
        return ::poll(&other, 1, 0) == 0;
    }

    int ends_[2] = {-1, -1};
};

} // namespace cloudflare::inline v0::detail::curl
