/// A connection of bare sockets and OpenSSL: the baseline that contestants are measured against.
#pragma once

#include "arguments.hpp"
#include "descriptor.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

namespace bench {

struct free_tls {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL* tls) const noexcept { SSL_free(tls); }
};
using tls_context = std::unique_ptr<SSL_CTX, free_tls>;

/// A TLS context that trusts `ca_file` only.
inline tls_context make_tls_context(std::string const& ca_file) {
    tls_context context(SSL_CTX_new(TLS_client_method()));
    if (!context || SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1)
        throw std::runtime_error("CA file not read: " + ca_file);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_read_ahead(context.get(), 1);
    return context;
}

/// A socket that is connected to `server`.
inline descriptor connect_to(address const& server) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    if (::getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &first) != 0)
        throw std::runtime_error("host not found: " + server.host);
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const found(first, &::freeaddrinfo);
    for (auto const* a = found.get(); a != nullptr; a = a->ai_next) {
        descriptor made(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
        if (::connect(made.get(), a->ai_addr, a->ai_addrlen) != 0) continue;
        int const on = 1;
        ::setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return made;
    }
    throw std::system_error(errno, std::generic_category(), "connect");
}

/// An HTTP/1.1 connection that sends prepared bytes and reads responses with a `Content-Length`.
class bare_connection {
public:
    /// Connects and shakes hands, and waits for both.
    ///
    /// @param context null for plain HTTP
    bare_connection(address const& server, SSL_CTX* context) : socket_(connect_to(server)) {
        if (context != nullptr) handshake(server, context);
    }

    [[nodiscard]] int native_handle() const noexcept { return socket_.get(); }

    /// From now on `receive` gives what there is.
    void do_not_block() noexcept {
        ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
    }

    /// Sends a request, which must fit into the socket's buffer.
    void send(std::string_view request) {
        response_size_ = size_ = 0;
        auto const sent = tls_
                              ? SSL_write(tls_.get(), request.data(), int(request.size()))
                              : ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(request.size())) throw std::runtime_error("not sent");
    }

    /// Reads once; whether the response is complete.
    bool receive() {
        auto const got = read_some();
        if (got < 0) return false;
        if (got == 0) throw std::runtime_error("the server closed the connection");
        size_ += static_cast<std::size_t>(got);
        if (response_size_ == 0) read_header();
        return response_size_ != 0 && size_ >= response_size_;
    }

    [[nodiscard]] std::string_view body() const noexcept {
        return {bytes_.data() + body_begin_, response_size_ - body_begin_};
    }

private:
    void handshake(address const& server, SSL_CTX* context) {
        tls_.reset(SSL_new(context));
        SSL_set_fd(tls_.get(), socket_.get());
        auto* const parameters = SSL_get0_param(tls_.get());
        if (X509_VERIFY_PARAM_set1_ip_asc(parameters, server.host.c_str()) != 1) {
            SSL_set_tlsext_host_name(tls_.get(), server.host.c_str());
            SSL_set1_host(tls_.get(), server.host.c_str());
        }
        if (SSL_connect(tls_.get()) != 1) throw std::runtime_error("TLS handshake failed");
    }

    /// How many bytes came; 0 at the end, -1 where there are none yet.
    ssize_t read_some() {
        auto* const buffer = bytes_.data() + size_;
        auto const space = bytes_.size() - size_;
        if (space == 0) throw std::runtime_error("the response is too large");
        if (!tls_) {
            auto const got = ::recv(socket_.get(), buffer, space, 0);
            if (got < 0 && errno != EAGAIN) throw std::runtime_error("connection lost");
            return got;
        }
        auto const got = SSL_read(tls_.get(), buffer, int(space));
        if (got > 0) return got;
        auto const why = SSL_get_error(tls_.get(), got);
        if (why == SSL_ERROR_WANT_READ) return -1;
        if (why == SSL_ERROR_ZERO_RETURN) return 0;
        throw std::runtime_error("connection lost");
    }

    /// Once the header is complete, knows the response's size.
    void read_header() {
        std::string_view const string(bytes_.data(), size_);
        auto const end = string.find("\r\n\r\n");
        if (end == string.npos) return;
        if (!string.starts_with("HTTP/1.1 2")) throw std::runtime_error("the server refused");
        auto const header = string.substr(0, end);
        constexpr std::string_view name = "\r\nContent-Length: ";
        auto const field = header.find(name);
        if (field == header.npos) throw std::runtime_error("a response without a length");
        std::size_t length = 0;
        std::from_chars(header.data() + field + name.size(), header.data() + header.size(), length);
        body_begin_ = end + 4;
        response_size_ = body_begin_ + length;
    }

    descriptor socket_;
    std::unique_ptr<SSL, free_tls> tls_;
    std::array<char, 16384> bytes_;
    std::size_t size_ = 0;
    std::size_t body_begin_ = 0;
    std::size_t response_size_ = 0; ///< 0 until the header is read
};

} // namespace bench
