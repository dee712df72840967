// TLS without a socket: the client's session against a server's of OpenSSL's, both in memory.
#include <cloudflare/transport/detail/beast/tls_session.hpp>

#include <cloudflare/testing/certificate.hpp>

#include <boost/asio/buffer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace cloudflare;
using detail::beast::read_buffer;
using detail::beast::session_ticket;
using detail::beast::tls_session;
namespace asio = boost::asio;

struct free_context {
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
};
using context_ptr = std::unique_ptr<SSL_CTX, free_context>;

/// Reads PEM by one of OpenSSL's functions.
template <class Read>
auto from_pem(std::string const& pem, Read read) {
    std::unique_ptr<BIO, void (*)(BIO*)> const in(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), [](BIO* b) { BIO_free(b); });
    return read(in.get(), nullptr, nullptr, nullptr);
}

context_ptr make_client_context(testing::certificate const& trusted) {
    context_ptr context(SSL_CTX_new(TLS_client_method()));
    auto* const ca = from_pem(trusted.pem, PEM_read_bio_X509);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca);
    X509_free(ca);
    return context;
}

/// The server's side.
class server {
public:
    explicit server(testing::certificate const& identity, int version = TLS1_3_VERSION)
        : context_(SSL_CTX_new(TLS_server_method())) {
        SSL_CTX_set_max_proto_version(context_.get(), version);
        auto* const certificate = from_pem(identity.pem, PEM_read_bio_X509);
        auto* const key = from_pem(identity.key_pem, PEM_read_bio_PrivateKey);
        SSL_CTX_use_certificate(context_.get(), certificate);
        SSL_CTX_use_PrivateKey(context_.get(), key);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    void demand_certificate() {
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
    }
    /// Begins a connection.
    void begin() {
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(ssl_.get());
    }
    [[nodiscard]] SSL* get() const noexcept { return ssl_.get(); }
    void feed(std::string_view bytes) {
        BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
    [[nodiscard]] std::string take() {
        char* data = nullptr;
        auto const size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
        std::string bytes(data, static_cast<std::size_t>(size));
        BIO_reset(SSL_get_wbio(ssl_.get()));
        return bytes;
    }
    [[nodiscard]] std::string read() {
        char string[4096];
        auto const size = SSL_read(ssl_.get(), string, sizeof string);
        return {string, static_cast<std::size_t>(std::max(size, 0))};
    }

private:
    context_ptr context_;
    std::unique_ptr<SSL, detail::beast::free_ssl> ssl_;
};

void feed(tls_session& client, std::string_view bytes, std::size_t piece = 8192) {
    while (!bytes.empty()) {
        auto const space = client.prepare();
        auto const size = std::min({space.size(), piece, bytes.size()});
        std::memcpy(space.data(), bytes.data(), size);
        client.feed(size);
        bytes.remove_prefix(size);
    }
}
std::string take(tls_session& client) {
    auto const out = client.outgoing();
    std::string bytes(static_cast<char const*>(out.data()), out.size());
    client.sent(out.size());
    return bytes;
}
std::string text_of(read_buffer const& b) {
    return {static_cast<char const*>(b.data().data()), b.data().size()};
}

/// Shakes hands; gives the client's failure, if any.
boost::system::error_code handshake(tls_session& client, server& s) {
    s.begin();
    for (int i = 0; i != 10; ++i) {
        boost::system::error_code ec;
        bool const done = client.handshake(ec);
        s.feed(take(client));
        if (ec) return ec;
        SSL_do_handshake(s.get());
        feed(client, s.take());
        if (done) return {};
    }
    return asio::error::timed_out;
}

testing::certificate const identity = testing::make_certificate("DNS:api.example,IP:192.0.2.1");

TEST_CASE("what is written comes out on the other side, both ways, in pieces of any size") {
    auto const context = make_client_context(identity);
    server s(identity);
    tls_session client(context.get(), nullptr);
    REQUIRE(client.expect_peer("api.example", false));
    REQUIRE_FALSE(handshake(client, s));
    CHECK(std::string(SSL_get_servername(s.get(), TLSEXT_NAMETYPE_host_name)) == "api.example");

    boost::system::error_code ec;
    client.write(asio::buffer(std::string("request")), ec);
    CHECK_FALSE(ec);
    s.feed(take(client));
    CHECK(s.read() == "request");

    read_buffer plain;
    for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, std::size_t{8192}}) {
        SSL_write(s.get(), "response", 8);
        auto const bytes = s.take();
        feed(client, bytes.substr(0, bytes.size() - 1), piece);
        client.read(plain, ec);
        CHECK_FALSE(ec);
        CHECK(client.has_unread()); // a record that has come in part
        feed(client, bytes.substr(bytes.size() - 1));
        client.read(plain, ec);
        CHECK_FALSE(ec);
        CHECK_FALSE(client.has_unread());
        CHECK(text_of(plain) == "response");
        plain.consume(8);
    }
    SSL_write(s.get(), "more", 4);
    feed(client, s.take());
    CHECK(client.has_unread());
}

TEST_CASE("the peer must be named by an alternative name, whole, and be trusted") {
    auto const refused = [](std::string const& names, std::string const& host, bool is_address) {
        auto const shown = testing::make_certificate(names);
        auto const context = make_client_context(shown);
        server s(shown);
        tls_session client(context.get(), nullptr);
        REQUIRE(client.expect_peer(host, is_address));
        auto const ec = handshake(client, s);
        CHECK((client.verify_result() == X509_V_OK) == !ec);
        return static_cast<bool>(ec);
    };
    CHECK_FALSE(refused("DNS:api.example", "api.example", false));
    CHECK_FALSE(refused("DNS:*.api.example", "v4.api.example", false));
    CHECK(refused("DNS:api.example", "ap.example", false));
    CHECK(refused("DNS:ap*.example", "api.example", false));
    CHECK(refused("DNS:*pi.example", "api.example", false));
    CHECK(refused("DNS:*", "api.example", false));
    CHECK(refused("DNS:example", ".example", false));
    CHECK(refused("IP:192.0.2.1", "cloudflare-access sandbox", false)); // the common name
    CHECK_FALSE(refused("IP:192.0.2.1", "192.0.2.1", true));
    CHECK(refused("DNS:192.0.2.1", "192.0.2.1", true));
    CHECK(refused("IP:192.0.2.2", "192.0.2.1", true));

    auto const other = make_client_context(testing::make_certificate("DNS:other.example"));
    server s(identity);
    tls_session client(other.get(), nullptr);
    REQUIRE(client.expect_peer("api.example", false));
    CHECK(handshake(client, s));
}

TEST_CASE("a peer that cannot be named is not expected") {
    auto const context = make_client_context(identity);
    tls_session client(context.get(), nullptr);
    CHECK_FALSE(client.expect_peer("", false));
    CHECK_FALSE(client.expect_peer("api.example", true)); // no address
}

TEST_CASE("http/1.1 is offered, and nothing else") {
    auto const context = make_client_context(identity);
    tls_session client(context.get(), nullptr);
    REQUIRE(client.expect_peer("api.example", false));
    boost::system::error_code ec;
    client.handshake(ec);
    auto const hello = take(client);
    CHECK(hello.find(std::string("\0\x10\0\x0b\0\x09\x08http/1.1", 15)) != hello.npos);
    CHECK(hello.find("\x02h2") == hello.npos);
}

TEST_CASE("an end with a close_notify is distinguished from one without") {
    for (bool const said : {true, false}) {
        auto const context = make_client_context(identity);
        server s(identity);
        tls_session client(context.get(), nullptr);
        REQUIRE(client.expect_peer("api.example", false));
        REQUIRE_FALSE(handshake(client, s));
        if (said) SSL_shutdown(s.get());
        feed(client, s.take());
        client.feed_end();
        read_buffer plain;
        boost::system::error_code ec;
        client.read(plain, ec);
        CHECK((ec == asio::error::eof) == said);
        CHECK(ec.failed());
    }
}

TEST_CASE("close says so to the server, and within the handshake says nothing") {
    auto const context = make_client_context(identity);
    server s(identity);
    tls_session client(context.get(), nullptr);
    REQUIRE(client.expect_peer("api.example", false));
    client.close_notify();
    CHECK(client.outgoing().size() == 0);
    REQUIRE_FALSE(handshake(client, s));
    client.close_notify();
    s.feed(take(client));
    CHECK(s.read().empty());
    CHECK(SSL_get_shutdown(s.get()) == SSL_RECEIVED_SHUTDOWN);
}

TEST_CASE("a later session resumes an earlier one by its ticket") {
    auto const context = make_client_context(identity);
    server s(identity);
    session_ticket kept;
    {
        tls_session client(context.get(), nullptr);
        REQUIRE(client.expect_peer("api.example", false));
        REQUIRE_FALSE(handshake(client, s));
        read_buffer plain;
        boost::system::error_code ec;
        client.read(plain, ec); // the ticket comes behind the handshake
        kept = client.make_ticket();
        CHECK_FALSE(client.is_resumed());
        client.close_notify();
    }
    REQUIRE(kept);
    tls_session client(context.get(), kept.get());
    REQUIRE(client.expect_peer("api.example", false));
    REQUIRE_FALSE(handshake(client, s));
    CHECK(client.is_resumed());
}

TEST_CASE("the alert for want of a certificate is known, with TLS 1.3 after the handshake too") {
    for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        auto const context = make_client_context(identity);
        server s(identity, version);
        s.demand_certificate();
        tls_session client(context.get(), nullptr);
        REQUIRE(client.expect_peer("api.example", false));
        auto ec = handshake(client, s);
        if (!ec) {
            CHECK(version == TLS1_3_VERSION);
            read_buffer plain;
            SSL_do_handshake(s.get());
            feed(client, s.take());
            client.read(plain, ec);
        }
        CHECK(tls_session::is_refusal_of_certificate(ec));
    }
    CHECK_FALSE(tls_session::is_refusal_of_certificate({}));
    CHECK_FALSE(tls_session::is_refusal_of_certificate(asio::error::eof));
}

} // namespace
