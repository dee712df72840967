/// A small HTTPS server on Boost.Beast for programs that give out tokens: bounded, and it ends in
/// order.
#pragma once

#include <cloudflare/server/detail/https_session.hpp>
#include <cloudflare/server/detail/server_state.hpp>
#include <cloudflare/server/https_server_options.hpp>
#include <cloudflare/server/routes.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace cloudflare::inline v0::server {

/// Serves HTTP/1.1 over TLS, from construction until it is stopped or destroyed.
///
///     server::routes all;
///     all.add(verb::put, "/v1/machines/{name}/token", give);
///     server::https_server https(context.get_executor(), endpoint, server::load_tls(...).value(),
///                                std::move(all));
///
/// Each connection has one request at a time under way. A client that hangs up, and one that waits
/// for `handler_time`, cancels its handler, which goes on to an end of its own; so does one that
/// sends ahead more than a request. A handler that throws is a 500. All responses have `Date`,
/// `Cache-Control: no-store`, `X-Content-Type-Options` and `Content-Security-Policy`.
///
/// Threads: one at a time, as on a strand. Destroy it while no thread runs the executor's context;
/// what handlers refer to must live until they have ended.
class https_server {
    using tcp = asio::ip::tcp;

public:
    /// @param at port 0: any free one
    /// @param tls from `load_tls`, or any context of a server
    /// @throws boost::system::system_error where the endpoint is not available
    https_server(asio::any_io_executor executor, tcp::endpoint const& at,
                 std::shared_ptr<asio::ssl::context> tls, routes all,
                 https_server_options options = https_server_options())
        : state_(std::make_shared<detail::server_state>(executor, std::move(tls), std::move(all),
                                                        std::move(options))),
          acceptor_(executor, at) {
        asio::co_spawn(executor, accept(acceptor_, state_), asio::detached);
    }
    https_server(https_server const&) = delete;
    https_server& operator=(https_server const&) = delete;
    ~https_server() { state_->is_stopping = true; }

    /// Where it listens.
    [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

    /// New connections have this certificate, and these clients' CAs.
    void use(std::shared_ptr<asio::ssl::context> tls) { state_->tls = std::move(tls); }

    /// How many connections are open.
    [[nodiscard]] std::size_t connections() const noexcept { return state_->open.size(); }
    /// How many handlers run, those included for which no client waits.
    [[nodiscard]] std::size_t under_way() const noexcept { return state_->under_way; }

    /// Accepts no more connections, closes the idle ones, responds with 503 to what still comes, and
    /// waits for the handlers that run and for the responses that are under way.
    ///
    /// @param longest how long it waits; then what is under way goes on, and `under_way` and
    /// `connections` tell of it
    [[nodiscard]] asio::awaitable<void> stop(std::chrono::milliseconds longest) {
        state_->is_stopping = true;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        for (auto* const session : state_->open)
            session->close_idle();
        state_->stopped.expires_after(longest);
        if (!state_->has_ended()) co_await state_->stopped.async_wait(detail::nothrow);
    }

private:
    static asio::awaitable<void> accept(tcp::acceptor& acceptor,
                                        std::shared_ptr<detail::server_state> s) {
        while (!s->is_stopping) {
            auto [failed, socket] = co_await acceptor.async_accept(detail::nothrow);
            if (s->is_stopping) co_return;
            if (failed) { // e.g. no descriptor is left
                asio::steady_timer pause(s->executor, std::chrono::milliseconds(100));
                co_await pause.async_wait(detail::nothrow);
                continue;
            }
            if (s->open.size() >= s->options.max_connections()) {
                if (s->options.refused()) s->options.refused()();
                continue; // closes it
            }
            boost::system::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            auto session = std::make_unique<detail::https_session>(s, std::move(socket));
            asio::co_spawn(s->executor, detail::https_session::run(std::move(session)),
                           asio::detached);
        }
    }

    std::shared_ptr<detail::server_state> state_;
    tcp::acceptor acceptor_;
};

} // namespace cloudflare::inline v0::server
