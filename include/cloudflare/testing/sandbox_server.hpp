/// The sandbox as a server on loopback, plain or TLS, which injects faults as planned.
#pragma once

#include <cloudflare/testing/certificate.hpp>
#include <cloudflare/testing/detail/sandbox_wire.hpp>
#include <cloudflare/testing/fault.hpp>
#include <cloudflare/testing/sandbox.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::testing {

namespace asio = boost::asio;

/// Options of a sandbox server.
struct sandbox_server_options {
    bool tls = true;                       ///< else plain HTTP
    std::uint16_t port = 0;                ///< 0: any free one
    std::optional<certificate> identity{}; ///< empty: a self-signed one is made
    int max_tls_version = 0;               ///< e.g. OpenSSL's `TLS1_2_VERSION`; 0: the newest
    std::chrono::milliseconds idle_timeout{60'000}; ///< after it an idle connection is closed
    /// Called with each request as it arrives, on the context's thread.
    std::function<void(http::request const&)> on_request{};
    /// Tells the sandbox's time. Empty: the system's clock. Called on the context's thread.
    std::function<timestamp()> clock{};
};

/// Serves a sandbox over HTTP/1.1 on 127.0.0.1, from construction until it is destroyed.
///
/// Threads: one thread runs the context. Other threads reach the sandbox and the plan of faults
/// through `access` only. The server must be destroyed while no thread runs the context.
class sandbox_server {
public:
    /// @throws boost::system::system_error where the port is not available
    explicit sandbox_server(asio::io_context& context, sandbox box = sandbox(),
                            sandbox_server_options options = sandbox_server_options())
        : shared_(std::make_shared<shared>(std::move(box), std::move(options))),
          acceptor_(context, {asio::ip::make_address("127.0.0.1"), shared_->options.port}) {
        asio::co_spawn(context, accept(acceptor_, shared_), asio::detached);
    }

    /// Of 127.0.0.1: the one chosen, where the options said 0.
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    /// The base URL for clients, e.g. `https://127.0.0.1:40123/client/v4`.
    [[nodiscard]] std::string base_url() const {
        std::lock_guard const lock(shared_->mutex);
        return (shared_->options.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") +
               std::to_string(port()) + shared_->box.options().base_path;
    }
    /// The CA certificate that a client must trust, in PEM.
    [[nodiscard]] std::string const& ca_pem() const noexcept { return shared_->identity.pem; }

    /// Calls `f(sandbox&, fault_plan&)` under the lock that handling a request takes; for any
    /// thread.
    template <class F>
    auto access(F f) {
        std::lock_guard const lock(shared_->mutex);
        return f(shared_->box, shared_->faults);
    }

    /// How many connections were accepted.
    [[nodiscard]] std::uint64_t connection_count() const {
        std::lock_guard const lock(shared_->mutex);
        return shared_->connections;
    }

private:
    using tcp = asio::ip::tcp;
    static constexpr auto nothrow = asio::as_tuple(asio::deferred);

    struct shared {
        shared(sandbox b, sandbox_server_options o)
            : box(std::move(b)),
              options(std::move(o)),
              identity(options.identity ? *options.identity : make_certificate()) {
            tls.use_certificate_chain(asio::buffer(identity.pem));
            tls.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
            if (options.max_tls_version != 0) {
                SSL_CTX_set_min_proto_version(tls.native_handle(), 0);
                SSL_CTX_set_max_proto_version(tls.native_handle(), options.max_tls_version);
                SSL_CTX_set_security_level(tls.native_handle(), 0);
            }
        }

        std::mutex mutex;
        sandbox box;
        fault_plan faults;
        std::uint64_t connections = 0;
        sandbox_server_options options;
        certificate identity;
        asio::ssl::context tls{asio::ssl::context::tls_server};
    };

    static asio::awaitable<void> accept(tcp::acceptor& acceptor, std::shared_ptr<shared> self) {
        for (;;) {
            auto [ec, socket] = co_await acceptor.async_accept(nothrow);
            if (ec == asio::error::operation_aborted) co_return;
            if (ec) { // e.g. no descriptor is left, which may be temporary
                asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(10));
                co_await pause.async_wait(nothrow);
                continue;
            }
            boost::system::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            {
                std::lock_guard const lock(self->mutex);
                ++self->connections;
            }
            auto const executor = socket.get_executor();
            auto const shared_socket = std::make_shared<tcp::socket>(std::move(socket));
            asio::co_spawn(executor, serve(shared_socket, self), asio::detached);
        }
    }

    /// The socket is shared with the timer's handler, which may run after this has ended.
    using socket_ptr = std::shared_ptr<tcp::socket>;

    static asio::awaitable<void> serve(socket_ptr socket, std::shared_ptr<shared> self) {
        if (self->options.tls) {
            asio::ssl::stream<tcp::socket&> tls(*socket, self->tls);
            auto const [ec] = co_await tls.async_handshake(asio::ssl::stream_base::server, nothrow);
            if (ec) co_return;
            auto pending = serve_on(tls, socket, *self);
            co_await std::move(pending);
        } else {
            auto pending = serve_on(*socket, socket, *self);
            co_await std::move(pending);
        }
    }

    /// Responds to requests until the connection ends.
    template <class Stream>
    static asio::awaitable<void> serve_on(Stream& stream, socket_ptr socket, shared& self) {
        boost::beast::flat_buffer buffer;
        for (;;) {
            boost::beast::http::request_parser<boost::beast::http::string_body> parser;
            asio::steady_timer idle(socket->get_executor(), self.options.idle_timeout);
            idle.async_wait([socket](boost::system::error_code ec) {
                boost::system::error_code ignored;
                if (!ec) socket->close(ignored);
            });
            auto const [ec, size] =
                co_await boost::beast::http::async_read(stream, buffer, parser, nothrow);
            if (idle.cancel() == 0 || ec) co_return;
            auto const r = detail::to_request(parser.get());
            if (!r) co_return;
            if (self.options.on_request) self.options.on_request(*r);
            auto pending = respond(stream, *socket, self, *r);
            if (!co_await std::move(pending)) co_return;
        }
    }

    /// Whether the API acts on a request with this fault.
    [[nodiscard]] static bool acts(fault::kind what) noexcept {
        using kind = fault::kind;
        return what != kind::drop_before && what != kind::reset_before &&
               what != kind::respond_before && what != kind::hang_before &&
               what != kind::retry_after;
    }

    /// Handles one request, with its fault; returns whether the connection stays open.
    template <class Stream>
    static asio::awaitable<bool> respond(Stream& stream, tcp::socket& socket, shared& self,
                                         http::request const& r) {
        using kind = fault::kind;
        fault f;
        http::response given;
        {
            std::lock_guard const lock(self.mutex);
            f = self.faults.next(r.method);
            if (acts(f.what))
                given = self.box.handle(r, self.options.clock
                                               ? self.options.clock()
                                               : timestamp(std::chrono::system_clock::now()));
        }
        switch (f.what) {
        case kind::drop_before:
        case kind::drop_after: co_return false;
        case kind::reset_before:
        case kind::reset_after: {
            boost::system::error_code ignored;
            socket.set_option(asio::socket_base::linger(true, 0), ignored);
            socket.close(ignored);
            co_return false;
        }
        case kind::hang_before:
        case kind::hang_after: {
            char byte = 0;
            co_await stream.async_read_some(asio::buffer(&byte, 1), nothrow);
            co_return false;
        }
        case kind::delay: {
            asio::steady_timer timer(socket.get_executor(), f.delay);
            co_await timer.async_wait(nothrow);
            break;
        }
        default: replace(given, f);
        }
        auto pending = send(stream, socket, given, f);
        bool const stays_open = co_await std::move(pending);
        co_return stays_open;
    }

    /// Puts what the fault asks for in the response's place.
    static void replace(http::response& given, fault const& f) {
        using kind = fault::kind;
        if (f.what == kind::respond_before || f.what == kind::respond_after) {
            given = http::response{.status = f.status};
            given.body = f.value;
        } else if (f.what == kind::retry_after) {
            given = http::response{.status = 429};
            static_cast<void>(given.fields.add("Retry-After", f.value));
        } else if (f.what == kind::gzip) {
            given.body = detail::gzip(given.body);
            static_cast<void>(given.fields.add("Content-Encoding", "gzip"));
        }
    }

    /// Sends the response as the fault says; returns whether the connection stays open.
    template <class Stream>
    static asio::awaitable<bool> send(Stream& stream, tcp::socket& socket,
                                      http::response const& given, fault const& f) {
        using kind = fault::kind;
        auto wire = detail::to_wire(given, f.what == kind::chunked);
        if (f.what == kind::bare_status) wire.erase(wire.find(" \r\n"), 1);
        if (f.what == kind::truncate) wire.resize((std::min)(wire.size(), f.count));
        if (f.what == kind::drip) {
            asio::steady_timer timer(socket.get_executor());
            for (char const& byte : wire) {
                timer.expires_after(f.delay);
                co_await timer.async_wait(nothrow);
                auto const [ec, n] =
                    co_await asio::async_write(stream, asio::buffer(&byte, 1), nothrow);
                if (ec) co_return false;
            }
            co_return true;
        }
        auto const [ec, n] = co_await asio::async_write(stream, asio::buffer(wire), nothrow);
        co_return !ec && f.what != kind::truncate && f.what != kind::close;
    }

    std::shared_ptr<shared> shared_;
    tcp::acceptor acceptor_;
};

} // namespace cloudflare::inline v0::testing
