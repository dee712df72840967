/// A connection over a socket of its own, plain or TLS, every step of which ends by a deadline or a
/// cancellation. Right, or with a defect.
#pragma once

#include "defects.hpp"

#include <cloudflare/core/result.hpp>
#include <cloudflare/http/origin.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace tests {

using cloudflare::delivery;
using cloudflare::errc;
using cloudflare::time_point;

[[nodiscard]] inline cloudflare::error failure(errc code, bool sent) {
    cloudflare::error_details d;
    d.delivery = sent ? delivery::unknown : delivery::not_sent;
    return {code, std::move(d)};
}

/// When a call has to end.
struct limit {
    time_point deadline;
    std::atomic<bool> const* cancelled = nullptr;

    /// Why it ends now, or nothing.
    [[nodiscard]] std::optional<errc> passed() const {
        if (cancelled != nullptr && *cancelled) return errc::cancelled;
        if (time_point::clock::now() >= deadline) return errc::deadline_exceeded;
        return std::nullopt;
    }
    /// Waits until the descriptor is ready; gives why it did not wait longer.
    [[nodiscard]] std::optional<errc> wait(int descriptor, short events) const {
        for (;;) {
            if (auto const code = passed()) return code;
            ::pollfd one{descriptor, events, 0};
            auto const left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline - time_point::clock::now());
            auto const turn = cancelled != nullptr ? 4 : 200;
            if (::poll(&one, 1, static_cast<int>(std::clamp<long>(left.count(), 0, turn))) > 0)
                return std::nullopt;
        }
    }
};

struct free_tls {
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(addrinfo* p) const noexcept { ::freeaddrinfo(p); }
};

class socket_stream {
public:
    explicit socket_stream(defects const& d) : defects_(d) {
        sigset_t pipe; // OpenSSL writes by write(2)
        ::sigemptyset(&pipe);
        ::sigaddset(&pipe, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    }
    socket_stream(socket_stream const&) = delete;
    socket_stream& operator=(socket_stream const&) = delete;
    ~socket_stream() {
        tls_.reset();
        if (descriptor_ >= 0) ::close(descriptor_);
        if (defects_.leaks_descriptors) static_cast<void>(::dup(0));
    }

    /// Looks the host up, connects, and speaks TLS where the origin says so.
    [[nodiscard]] std::optional<errc> open(cloudflare::http::origin const& to, SSL_CTX* context,
                                           limit const& until) {
        auto const [addresses, failed] = look_up(to, until);
        if (failed) return failed;
        for (auto const* a = addresses.get(); a != nullptr; a = a->ai_next) {
            auto const code = connect(*a, until);
            if (!code) return to.is_secure() ? shake_hands(to, context, until) : std::nullopt;
            if (*code != errc::connect_failed) return code;
        }
        return errc::connect_failed;
    }

    /// Whether there is anything to read, or the end.
    [[nodiscard]] bool has_unread() const {
        if (tls_ && !defects_.ignores_unread_tls && SSL_has_pending(tls_.get()) == 1) return true;
        ::pollfd one{descriptor_, POLLIN, 0};
        return ::poll(&one, 1, 0) != 0;
    }

    /// Gives how many bytes were taken; 0: `code` says why.
    [[nodiscard]] std::size_t write(std::string_view bytes, limit const& until, errc& code) {
        return transfer(until, code, POLLOUT, [&] {
            auto const size = std::min<std::size_t>(bytes.size(), 16384);
            return tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(size))
                        : static_cast<int>(::send(descriptor_, bytes.data(), size, MSG_NOSIGNAL));
        });
    }
    /// Gives how many bytes came; 0: `code` says why, or `at_end()`.
    [[nodiscard]] std::size_t read(char* buffer, std::size_t size, limit const& until, errc& code) {
        return transfer(until, code, POLLIN, [&] {
            return tls_ ? SSL_read(tls_.get(), buffer, static_cast<int>(size))
                        : static_cast<int>(::recv(descriptor_, buffer, size, 0));
        });
    }
    /// The other side has ended cleanly.
    [[nodiscard]] bool at_end() const noexcept { return at_end_; }

private:
    using address_list = std::unique_ptr<addrinfo, free_tls>;

    /// On a thread of its own, which is left behind where it takes too long.
    [[nodiscard]] std::pair<address_list, std::optional<errc>>
    look_up(cloudflare::http::origin const& to, limit const& until) const {
        auto const ask = [host = to.host(), port = std::to_string(to.port())] {
            addrinfo wanted{};
            wanted.ai_socktype = SOCK_STREAM;
            addrinfo* list = nullptr;
            ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &list);
            return address_list(list);
        };
        std::packaged_task<address_list()> task(ask);
        auto found = task.get_future();
        std::thread(std::move(task)).detach();
        while (found.wait_for(std::chrono::milliseconds(2)) != std::future_status::ready)
            if (auto const code = until.passed(); code && !defects_.waits_for_look_ups)
                return {nullptr, code};
        auto list = found.get();
        if (!list) return {nullptr, errc::resolve_failed};
        return {std::move(list), std::nullopt};
    }

    [[nodiscard]] std::optional<errc> connect(addrinfo const& to, limit const& until) {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = ::socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (descriptor_ < 0) return errc::connect_failed;
        if (::connect(descriptor_, to.ai_addr, to.ai_addrlen) == 0) return std::nullopt;
        if (errno != EINPROGRESS) return errc::connect_failed;
        if (auto const code = until.wait(descriptor_, POLLOUT)) return code;
        int cause = 0;
        socklen_t size = sizeof cause;
        ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &cause, &size);
        return cause == 0 ? std::nullopt : std::optional(errc::connect_failed);
    }

    [[nodiscard]] std::optional<errc> shake_hands(cloudflare::http::origin const& to,
                                                  SSL_CTX* context, limit until) {
        auto host = to.host();
        if (host.ends_with('.') && !defects_.keeps_dot) host.pop_back();
        tls_.reset(SSL_new(context));
        auto* const parameters = SSL_get0_param(tls_.get());
        bool const is_address = X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
        if (is_address && defects_.checks_no_address)
            X509_VERIFY_PARAM_set1_ip(parameters, nullptr, 0);
        if (!is_address) SSL_set1_host(tls_.get(), host.c_str());
        if (!is_address || defects_.says_address)
            SSL_set_tlsext_host_name(tls_.get(), host.c_str());
        unsigned const strict = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
        SSL_set_hostflags(tls_.get(), (defects_.takes_common_name ? 0 : strict) |
                                          (defects_.takes_partial_wildcards
                                               ? 0U
                                               : unsigned{X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS}));
        if (is_address && defects_.takes_common_name) { // as host names are: by the common name too
            X509_VERIFY_PARAM_set1_ip(parameters, nullptr, 0);
            SSL_set1_host(tls_.get(), host.c_str());
        }
        if (defects_.takes_any_usage) X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY);
        SSL_set_fd(tls_.get(), descriptor_);
        SSL_set_connect_state(tls_.get());
        auto const allowed = until.deadline - time_point::clock::now();
        for (;;) {
            ERR_clear_error();
            auto const done = SSL_do_handshake(tls_.get());
            if (done == 1) return std::nullopt;
            auto const why = SSL_get_error(tls_.get(), done);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
                bool const lost = is_lost(why) && !defects_.calls_lost_handshakes_tls_failed;
                return lost ? errc::connection_lost : errc::tls_failed;
            }
            auto const code =
                until.wait(descriptor_, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
            if (code) return code;
            if (defects_.waits_for_each_byte) until.deadline = time_point::clock::now() + allowed;
        }
    }
    /// Whether the connection has ended, and it is not TLS that failed.
    [[nodiscard]] static bool is_lost(int why) {
        return why == SSL_ERROR_SYSCALL || why == SSL_ERROR_ZERO_RETURN ||
               ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    }

    template <class Step>
    [[nodiscard]] std::size_t transfer(limit const& until, errc& code, short events, Step step) {
        for (;;) {
            if (auto const passed = until.passed()) return code = *passed, 0;
            ERR_clear_error();
            errno = 0;
            auto const size = step();
            if (size > 0) return static_cast<std::size_t>(size);
            auto const why = tls_ ? SSL_get_error(tls_.get(), size) : 0;
            bool const waits = tls_ ? why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE
                                    : size < 0 && errno == EAGAIN;
            if (!waits) {
                at_end_ = tls_ ? why == SSL_ERROR_ZERO_RETURN : size == 0;
                bool const alert = tls_ && why == SSL_ERROR_SSL && !is_lost(why) &&
                                   !defects_.calls_alerts_connection_lost;
                return code = alert ? errc::tls_failed : errc::connection_lost, 0;
            }
            if (why == SSL_ERROR_WANT_READ) events = POLLIN;
            if (why == SSL_ERROR_WANT_WRITE) events = POLLOUT;
            if (auto const passed = until.wait(descriptor_, events)) return code = *passed, 0;
        }
    }

    defects const& defects_;
    int descriptor_ = -1;
    std::unique_ptr<SSL, free_tls> tls_;
    bool at_end_ = false;
};

} // namespace tests
