/// A server on loopback whose replies are scripted byte for byte, to test a transport against.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/testing/certificate.hpp>
#include <cloudflare/testing/detail/request_size.hpp>
#include <cloudflare/testing/detail/scripted_server_options.hpp>
#include <cloudflare/testing/scripted_reply.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

namespace asio = boost::asio;

/// Serves on a port of loopback, on a thread of its own, from construction until it is destroyed.
class scripted_server {
public:
    /// Called on the server's thread, for one request at a time.
    using script = server_script;
    using options = scripted_server_options;

    /// @throws boost::system::system_error where no port is available
    explicit scripted_server(script response, options how = options())
        : script_(std::move(response)),
          options_(std::move(how)),
          identity_(options_.identity ? *options_.identity : make_certificate()),
          acceptor_(context_, {asio::ip::make_address(options_.address), options_.port}) {
        // Minimal buffers, so that a client cannot send what the server does not read.
        if (options_.read_delay.count() != 0)
            acceptor_.set_option(asio::socket_base::receive_buffer_size(4096));
        if (options_.tls) set_up_tls();
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::thread([this] { context_.run(); });
    }
    scripted_server(scripted_server const&) = delete;
    scripted_server& operator=(scripted_server const&) = delete;
    ~scripted_server() {
        context_.stop();
        thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// The server's origin, e.g. `https://127.0.0.1:40123`.
    [[nodiscard]] http::origin origin() const {
        bool const v6 = options_.address.find(':') != std::string::npos;
        return origin(v6 ? '[' + options_.address + ']' : options_.address);
    }
    /// The same with another host name.
    [[nodiscard]] http::origin origin(std::string_view host) const { return origin(host, port_); }
    /// The same with another port, e.g. that of a relay.
    [[nodiscard]] http::origin origin(std::string_view host, std::uint16_t port) const {
        auto const scheme = options_.tls ? "https://" : "http://";
        return http::origin::parse(scheme + std::string(host) + ':' + std::to_string(port)).value();
    }
    /// The CA certificate that a client must trust, in PEM.
    [[nodiscard]] std::string const& ca_pem() const noexcept {
        return identity_.ca_pem.empty() ? identity_.pem : identity_.ca_pem;
    }

    /// The complete requests received so far.
    [[nodiscard]] std::vector<seen_request> requests() const {
        std::lock_guard const lock(mutex_);
        return requests_;
    }
    /// How many bytes were received so far, without a TLS handshake.
    [[nodiscard]] std::size_t bytes_received() const {
        std::lock_guard const lock(mutex_);
        return bytes_received_;
    }
    [[nodiscard]] std::size_t connection_count() const {
        std::lock_guard const lock(mutex_);
        return connections_;
    }
    /// How many bytes of replies have been sent so far.
    [[nodiscard]] std::size_t bytes_sent() const {
        std::lock_guard const lock(mutex_);
        return bytes_sent_;
    }
    /// How many replies have been sent, to their last byte.
    [[nodiscard]] std::size_t replies_sent() const {
        std::lock_guard const lock(mutex_);
        return replies_sent_;
    }
    /// How many TLS handshakes resumed an earlier session.
    [[nodiscard]] std::size_t resumed_count() const {
        std::lock_guard const lock(mutex_);
        return resumed_;
    }
    /// The host name (SNI) in the last TLS handshake, or empty.
    [[nodiscard]] std::string server_name() const {
        std::lock_guard const lock(mutex_);
        return server_name_;
    }

private:
    using tcp = asio::ip::tcp;
    using greeting = options::greeting;
    static constexpr auto nothrow = asio::as_tuple(asio::deferred);

    void set_up_tls() {
        tls_.use_certificate_chain(asio::buffer(identity_.pem));
        tls_.use_private_key(asio::buffer(identity_.key_pem), asio::ssl::context::pem);
        auto* const native = tls_.native_handle();
        unsigned char const id[] = "scripted";
        SSL_CTX_set_session_id_context(native, id, sizeof id - 1);
        if (!options_.client_ca_pem.empty()) {
            tls_.add_certificate_authority(asio::buffer(options_.client_ca_pem));
            tls_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        }
        if (options_.max_tls_version != 0) {
            SSL_CTX_set_min_proto_version(native, 0);
            SSL_CTX_set_max_proto_version(native, options_.max_tls_version);
            SSL_CTX_set_security_level(native, 0);
        }
    }

    asio::awaitable<void> accept() {
        for (;;) {
            auto [ec, socket] = co_await acceptor_.async_accept(nothrow);
            if (ec) { // e.g. no descriptor is left
                auto pending = wait(std::chrono::milliseconds(10));
                co_await std::move(pending);
                continue;
            }
            boost::system::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            std::size_t number = 0;
            {
                std::lock_guard const lock(mutex_);
                number = ++connections_;
            }
            asio::co_spawn(context_, serve(std::move(socket), number), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket socket, std::size_t number) {
        if (options_.first == greeting::close) co_return;
        if (options_.first == greeting::hang) {
            asio::steady_timer never(context_, (std::chrono::steady_clock::time_point::max)());
            co_await never.async_wait(nothrow);
        }
        if (options_.first == greeting::garbage) {
            std::string_view const garbage = "\1\2\3 neither TLS nor HTTP\r\n\r\n";
            co_await asio::async_write(socket, asio::buffer(garbage), nothrow);
            co_return;
        }
        auto pending = wait(options_.handshake_delay);
        co_await std::move(pending);
        if (!options_.tls) {
            auto pending_serve_on = serve_on(socket, socket, number);
            co_await std::move(pending_serve_on);
            co_return;
        }
        asio::ssl::stream<tcp::socket&> tls(socket, tls_);
        auto const [ec] = co_await tls.async_handshake(asio::ssl::stream_base::server, nothrow);
        if (ec) { // let the alert that says why arrive before a reset
            auto pending_wait = wait(std::chrono::milliseconds(20));
            co_await std::move(pending_wait);
            co_return;
        }
        note_handshake(tls.native_handle());
        auto pending_serve_on = serve_on(tls, socket, number);
        co_await std::move(pending_serve_on);
    }

    void note_handshake(SSL* tls) {
        std::lock_guard const lock(mutex_);
        if (SSL_session_reused(tls) == 1) ++resumed_;
        char const* const name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
        server_name_ = name != nullptr ? name : "";
    }

    /// Responds to requests until the connection ends.
    template <class Stream>
    asio::awaitable<void> serve_on(Stream& stream, tcp::socket& socket, std::size_t connection) {
        auto pending = wait(options_.read_delay);
        co_await std::move(pending);
        std::string received;
        for (;;) {
            auto pending_read_request = read_request(stream, socket, received);
            auto request = co_await std::move(pending_read_request);
            if (!request) co_return;
            auto const response = response_to(connection, std::move(*request));
            auto pending_send = send(stream, response);
            bool const sent = co_await std::move(pending_send);
            if (!sent) co_return;
            auto pending_end = end(stream, socket, response.then);
            bool const keep_running = co_await std::move(pending_end);
            if (!keep_running) co_return;
        }
    }

    [[nodiscard]] reply response_to(std::size_t connection, std::string bytes) {
        seen_request seen{.connection = connection, .bytes = std::move(bytes)};
        {
            std::lock_guard const lock(mutex_);
            seen.number = requests_.size() + 1;
            requests_.push_back(seen);
        }
        return script_(seen);
    }

    /// Removes the next complete request from `received`; empty where the connection has ended.
    template <class Stream>
    asio::awaitable<std::optional<std::string>> read_request(Stream& stream, tcp::socket& socket,
                                                             std::string& received) {
        for (;;) {
            if (auto const size = detail::request_size(received, options_.early)) {
                std::optional<std::string> request(received.substr(0, *size));
                received.erase(0, *size);
                co_return request;
            }
            char piece[16384];
            auto const [ec, size] = co_await stream.async_read_some(asio::buffer(piece), nothrow);
            received.append(piece, size);
            {
                std::lock_guard const lock(mutex_);
                bytes_received_ += size;
            }
            if (options_.reset_after != 0 && received.size() >= options_.reset_after) reset(socket);
            if (ec || !socket.is_open()) co_return std::nullopt;
        }
    }

    template <class Stream>
    asio::awaitable<bool> send(Stream& stream, reply const& r) {
        auto const piece_size = r.piece_size != 0 ? r.piece_size : r.bytes.size();
        for (std::string_view rest = r.bytes; !rest.empty();) {
            auto pending = wait(r.pause);
            co_await std::move(pending);
            auto const piece = rest.substr(0, piece_size);
            rest.remove_prefix(piece.size());
            auto pending_write = write(stream, piece);
            bool const written = co_await std::move(pending_write);
            if (!written) co_return false;
        }
        if (!r.later.empty()) {
            auto pending = wait(r.later_after);
            co_await std::move(pending);
            auto pending_write = write(stream, r.later);
            bool const written = co_await std::move(pending_write);
            if (!written) co_return false;
        }
        while (!r.endless.empty()) {
            auto pending = wait(r.pause);
            co_await std::move(pending);
            auto pending_write = write(stream, r.endless);
            bool const written = co_await std::move(pending_write);
            if (!written) co_return false;
        }
        std::lock_guard const lock(mutex_);
        ++replies_sent_;
        co_return true;
    }

    template <class Stream>
    asio::awaitable<bool> write(Stream& stream, std::string_view bytes) {
        auto const [ec, size] = co_await asio::async_write(stream, asio::buffer(bytes), nothrow);
        std::lock_guard const lock(mutex_);
        bytes_sent_ += size;
        co_return !ec;
    }

    asio::awaitable<void> wait(std::chrono::microseconds time) {
        if (time.count() == 0) co_return;
        asio::steady_timer timer(context_, time);
        co_await timer.async_wait(nothrow);
    }

    static void reset(tcp::socket& socket) {
        boost::system::error_code ignored;
        socket.set_option(asio::socket_base::linger(true, 0), ignored);
        socket.close(ignored);
    }

    /// Ends a reply; returns whether the connection stays open.
    template <class Stream>
    asio::awaitable<bool> end(Stream& stream, tcp::socket& socket, reply::end how) {
        boost::system::error_code ignored;
        switch (how) {
        case reply::end::read_on: co_return true;
        case reply::end::hang: {
            asio::steady_timer never(context_, (std::chrono::steady_clock::time_point::max)());
            co_await never.async_wait(nothrow);
            break;
        }
        case reply::end::close:
            if constexpr (!std::is_same_v<Stream, tcp::socket>) {
                co_await stream.async_shutdown(nothrow);
            }
            break;
        case reply::end::cut: break;
        case reply::end::reset: reset(socket); break;
        }
        socket.close(ignored);
        co_return false;
    }

    script script_;
    options options_;
    certificate identity_;
    asio::io_context context_{1};
    asio::ssl::context tls_{asio::ssl::context::tls_server};
    tcp::acceptor acceptor_;
    std::uint16_t port_ = acceptor_.local_endpoint().port();

    mutable std::mutex mutex_;
    std::vector<seen_request> requests_;
    std::size_t bytes_received_ = 0;
    std::size_t bytes_sent_ = 0;
    std::size_t replies_sent_ = 0;
    std::size_t connections_ = 0;
    std::size_t resumed_ = 0;
    std::string server_name_;
    std::thread thread_;
};

} // namespace cloudflare::inline v0::testing
