/// One request and its response over a socket of its own: a state machine that poll(2) drives. Plain
/// HTTP only: a request for TLS is refused.
#pragma once

#include "response_reader.hpp"

#include <cloudflare/http/request.hpp>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// The addresses of a host, to be tried in turn.
using address_list = std::shared_ptr<addrinfo>;

/// Asks for the addresses of a host. This blocks: it is done once, before any call.
[[nodiscard]] inline cloudflare::result<address_list> resolve(cloudflare::http::origin const& to) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    auto const port = std::to_string(to.port());
    if (auto const failed = ::getaddrinfo(to.host().c_str(), port.c_str(), &wanted, &list)) {
        cloudflare::error_details d;
        d.explanation = to.host() + ": " + ::gai_strerror(failed);
        d.delivery = cloudflare::delivery::not_sent;
        return cloudflare::error(cloudflare::errc::resolve_failed, std::move(d));
    }
    return address_list(list, ::freeaddrinfo);
}

class http_attempt {
public:
    http_attempt(cloudflare::http::request const& r, address_list to)
        : addresses_(std::move(to)), address_(addresses_.get()) {
        serialize(r, wire_);
        if (auto const ok = cloudflare::http::check_target(r.target); !ok) {
            finish(ok.error());
        } else if (r.origin.is_secure()) {
            fail(errc::tls_failed, of_system(EPROTONOSUPPORT));
        } else {
            connect();
        }
    }
    http_attempt(http_attempt const&) = delete;
    http_attempt& operator=(http_attempt const&) = delete;
    ~http_attempt() { close(); }

    /// The socket, and what it is waited for.
    [[nodiscard]] pollfd awaited() const noexcept {
        return {socket_, static_cast<short>(step_ == step::reading ? POLLIN : POLLOUT), 0};
    }
    [[nodiscard]] bool done() const noexcept { return step_ == step::done; }
    /// The response, or how far the request got; once, when done.
    [[nodiscard]] cloudflare::result<cloudflare::http::response> take() { return std::move(end_); }

    /// Goes on: the socket is ready.
    void advance() {
        switch (step_) {
        case step::connecting: return finish_connecting();
        case step::writing: return write();
        case step::reading: return read();
        case step::done: return;
        }
    }
    /// Ends: there is no time left.
    void expire() { fail(errc::deadline_exceeded); }

private:
    using errc = cloudflare::errc;
    enum class step : unsigned char {
        connecting,
        writing,
        reading,
        done
    };

    /// Begins to connect to the next address that takes it.
    void connect(int cause = 0) {
        for (; address_ != nullptr; address_ = address_->ai_next) {
            close();
            socket_ = ::socket(address_->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (socket_ < 0) return fail(errc::connect_failed, of_system(errno));
            if (::connect(socket_, address_->ai_addr, address_->ai_addrlen) == 0) return write();
            if (errno == EINPROGRESS) return;
            cause = errno;
        }
        fail(errc::connect_failed, of_system(cause));
    }
    void finish_connecting() {
        int cause = 0;
        socklen_t size = sizeof cause;
        ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &cause, &size);
        if (cause == 0) return write();
        address_ = address_->ai_next;
        connect(cause);
    }

    void write() {
        step_ = step::writing;
        while (written_ != wire_.size()) {
            auto const rest = std::string_view(wire_).substr(written_);
            auto const n = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (n < 0 && errno == EAGAIN) return;
            if (n < 0) return fail(errc::connection_lost, of_system(errno));
            written_ += static_cast<std::size_t>(n);
        }
        step_ = step::reading;
    }

    void read() {
        std::array<char, 8192> buffer{};
        auto const n = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) return fail(errc::connection_lost, of_system(errno));

        auto const size = static_cast<std::size_t>(n);
        auto const failed = n == 0 ? reader_.put_end() : reader_.put({buffer.data(), size});
        cloudflare::wipe(buffer.data(), size);
        if (failed) return fail(response_reader::meaning_of(failed), failed);
        if (reader_.is_done()) finish(reader_.take());
    }

    /// The request is known to be unsent only while the socket has taken no byte of it.
    void fail(errc code, boost::system::error_code cause = {}) {
        using cloudflare::delivery;
        cloudflare::error_details d;
        d.delivery = written_ == 0 ? delivery::not_sent : delivery::unknown;
        d.cause = cause;
        finish(cloudflare::error(code, std::move(d)));
    }
    void finish(cloudflare::result<cloudflare::http::response> end) {
        end_ = std::move(end);
        step_ = step::done;
        close();
    }
    void close() noexcept {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }
    static boost::system::error_code of_system(int number) {
        return {number, boost::system::system_category()};
    }

    address_list addresses_;
    addrinfo const* address_;
    cloudflare::wiped_string wire_;
    std::size_t written_ = 0;
    response_reader reader_;
    int socket_ = -1;
    step step_ = step::connecting;
    cloudflare::result<cloudflare::http::response> end_;
};
