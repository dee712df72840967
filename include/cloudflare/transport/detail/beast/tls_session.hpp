/// TLS with OpenSSL, without a socket: bytes in, bytes out.
#pragma once

#include <cloudflare/transport/detail/beast/read_buffer.hpp>
#include <cloudflare/transport/detail/beast/tls_error_queue.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/system/error_code.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <string>

namespace cloudflare::inline v0::detail::beast {

struct free_ssl {
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(SSL_SESSION* p) const noexcept { SSL_SESSION_free(p); }
};
/// A session that a later connection to the same origin may resume.
using session_ticket = std::unique_ptr<SSL_SESSION, free_ssl>;

/// One TLS connection as a state machine: the bytes of the network go through `feed` and
/// `outgoing`, those of the application through `write` and `read`.
///
/// Asio's `ssl::stream` does the same around a socket. Without the socket, the same code sends and
/// receives with and without TLS, and each request takes one system call less.
class tls_session {
public:
    /// The client's side of a connection. `expect_peer` must succeed before the handshake.
    ///
    /// @throws std::bad_alloc where OpenSSL has no memory left
    tls_session(SSL_CTX* context, SSL_SESSION* resumed) {
        tls_error_queue const kept;
        ssl_.reset(SSL_new(context));
        BIO* const in = BIO_new(BIO_s_mem());
        BIO* const out = BIO_new(BIO_s_mem());
        if (in != nullptr && out != nullptr && ssl_) {
            SSL_set_bio(ssl_.get(), in, out);
        } else {
            BIO_free(in);
            BIO_free(out);
            throw std::bad_alloc();
        }
        SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
        if (resumed != nullptr) SSL_set_session(ssl_.get(), resumed); // else a full handshake
        SSL_set_options(ssl_.get(), SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION);
        SSL_set_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
        SSL_set_read_ahead(ssl_.get(), 1);
        SSL_set_connect_state(ssl_.get());
    }

    /// Sets the host that the certificate must name, as an alternative name and without partial
    /// wildcards (RFC 9525), and HTTP/1.1 as the ALPN protocol.
    ///
    /// @param host a host name, which is also sent as SNI, or an address
    /// @return false where OpenSSL failed; the connection must not be used then, because the
    /// certificate's name would not be verified
    [[nodiscard]] bool expect_peer(std::string const& host, bool is_address) {
        tls_error_queue const kept;
        static constexpr unsigned char protocol[] = "\x08http/1.1";
        bool const offered =
            SSL_set_alpn_protos(ssl_.get(), protocol, sizeof protocol - 1) == 0; // 0 is success
        SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                          X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        bool const named =
            is_address
                ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) == 1
                : !host.empty() && SSL_set1_host(ssl_.get(), host.c_str()) == 1 &&
                      send_host_name(host);
        return offered && named;
    }

    /// Continues the handshake as far as the received bytes allow.
    ///
    /// @return whether it is complete; `ec` is set where it failed
    bool handshake(boost::system::error_code& ec) {
        tls_error_queue const kept;
        auto const done = SSL_do_handshake(ssl_.get());
        ec = done == 1 ? boost::system::error_code() : meaning_of(done);
        return done == 1;
    }

    /// Encrypts all of `plain` into `outgoing()`.
    void write(boost::asio::const_buffer plain, boost::system::error_code& ec) {
        tls_error_queue const kept;
        std::size_t written = 0;
        auto const done = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
        ec = done == 1 ? boost::system::error_code() : meaning_of(done);
    }

    /// Decrypts received bytes into `plain`; `eof` where the server has sent its close_notify.
    void read(read_buffer& plain, boost::system::error_code& ec) {
        tls_error_queue const kept;
        for (;;) {
            std::size_t size = 0;
            auto const space = plain.prepare();
            auto const done = SSL_read_ex(ssl_.get(), space.data(), space.size(), &size);
            plain.commit(size);
            if (done == 1) continue;
            ec = meaning_of(done);
            return;
        }
    }
    /// Whether there are received bytes that no `read` has returned, e.g. part of a record.
    [[nodiscard]] bool has_unread() const noexcept {
        return SSL_has_pending(ssl_.get()) == 1 || BIO_pending(SSL_get_rbio(ssl_.get())) != 0;
    }

    /// The buffer for the next bytes from the network; `feed` says how many there are.
    [[nodiscard]] boost::asio::mutable_buffer prepare() noexcept {
        return boost::asio::buffer(*received_);
    }
    void feed(std::size_t size) noexcept {
        BIO_write(SSL_get_rbio(ssl_.get()), received_->data(), static_cast<int>(size));
    }
    /// The connection has ended: a read that needs more bytes fails.
    void feed_end() noexcept { BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), 0); }

    /// The bytes to send.
    [[nodiscard]] boost::asio::const_buffer outgoing() const noexcept {
        char* data = nullptr;
        auto const size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
        return boost::asio::buffer(data + sent_, static_cast<std::size_t>(size) - sent_);
    }
    void sent(std::size_t size) noexcept {
        sent_ += size;
        if (outgoing().size() != 0) return;
        static_cast<void>(BIO_reset(SSL_get_wbio(ssl_.get())));
        sent_ = 0;
    }

    /// Appends a close_notify to `outgoing()`. Without it OpenSSL does not resume the session.
    void close_notify() {
        if (SSL_in_init(ssl_.get()) == 1) return;
        tls_error_queue const kept;
        SSL_shutdown(ssl_.get());
    }

    /// The session that a later connection may resume, or null.
    [[nodiscard]] session_ticket make_ticket() const noexcept {
        session_ticket given(SSL_get1_session(ssl_.get()));
        if (given && SSL_SESSION_is_resumable(given.get()) == 0) given.reset();
        return given;
    }
    [[nodiscard]] bool is_resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }
    /// The result of verifying the peer's chain, as `X509_V_*`.
    [[nodiscard]] long verify_result() const noexcept { return SSL_get_verify_result(ssl_.get()); }

    /// Whether a failure is the server's alert that it refuses the client's certificate, or
    /// requires one.
    ///
    /// With TLS 1.3 it arrives after the client's handshake is complete (RFC 8446, section
    /// 4.4.2.4), and perhaps after the request was sent. The server has not read the request,
    /// because its own handshake failed.
    [[nodiscard]] static bool
    is_refusal_of_certificate(boost::system::error_code const& ec) noexcept {
        if (ec.category() != boost::asio::error::get_ssl_category()) return false;
        auto const code = static_cast<unsigned long>(ec.value());
        if (ERR_GET_LIB(code) != ERR_LIB_SSL) return false;
        switch (ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET) {
        case SSL_AD_HANDSHAKE_FAILURE:
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
        case SSL_AD_DECRYPT_ERROR:
        case SSL_AD_CERTIFICATE_REQUIRED: return true;
        default: return false;
        }
    }

private:
    /// As SSL_set_tlsext_host_name, a macro with a cast of C's.
    [[nodiscard]] bool send_host_name(std::string const& host) noexcept {
        return SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                        const_cast<char*>(host.c_str())) == 1;
    }
    /// No error where more bytes must be received first.
    [[nodiscard]] boost::system::error_code meaning_of(int done) const noexcept {
        switch (SSL_get_error(ssl_.get(), done)) {
        case SSL_ERROR_WANT_READ: return {};
        case SSL_ERROR_ZERO_RETURN: return boost::asio::error::eof;
        case SSL_ERROR_SSL:
            return {static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category()};
        default: return boost::asio::ssl::error::stream_truncated;
        }
    }

    std::unique_ptr<SSL, free_ssl> ssl_;
    std::unique_ptr<std::array<char, 8192>> received_ = std::make_unique<std::array<char, 8192>>();
    std::size_t sent_ = 0;
};

} // namespace cloudflare::inline v0::detail::beast
