/// Opening a connection: find the addresses, connect, shake hands.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/beast/connection.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// A connection that is being made. Everything runs on one strand, so that the timer's handler may
/// close the socket under the coroutine's feet.
class opening : public std::enable_shared_from_this<opening> {
public:
    opening(asio::any_io_executor const& executor, http::origin where, asio::ssl::context* tls,
            time_point deadline)
        : strand_(asio::make_strand(executor)),
          where_(std::move(where)),
          tls_(tls),
          made_(std::make_unique<connection>(executor)),
          resolver_(strand_),
          resolved_(strand_),
          timer_(strand_, deadline) {}

    [[nodiscard]] auto strand() const noexcept { return strand_; }

    /// The open connection, or why there is none; never throws. Runs on `strand()`.
    asio::awaitable<result<std::unique_ptr<connection>>> run() {
        co_await asio::this_coro::throw_if_cancelled(false);
        cancellation_ = co_await asio::this_coro::cancellation_state;
        timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (!ec) self->expire();
        });
        auto resolving = resolve();
        auto failed = co_await std::move(resolving);
        if (!failed) {
            auto connecting = connect();
            failed = co_await std::move(connecting);
        }
        if (!failed && where_.is_secure()) {
            auto shaking_hands = shake_hands();
            failed = co_await std::move(shaking_hands);
        }
        timer_.cancel();
        if (failed) co_return *failed;
        co_return std::move(made_);
    }

private:
    using step = asio::awaitable<std::optional<error>>; ///< why the step failed

    void expire() {
        if (!made_) return; // the connection is open, and this handler was queued before that
        expired_ = true;
        boost::system::error_code ignored;
        made_->socket.close(ignored);
        resolved_.cancel();
    }

    [[nodiscard]] bool must_stop() const noexcept {
        return expired_ || is_cancelled(cancellation_);
    }

    /// Why a step failed: the deadline or a cancellation, else `code`.
    [[nodiscard]] error explain(errc code, boost::system::error_code cause = {}) const {
        if (expired_) return failure(errc::deadline_exceeded, false);
        if (is_cancelled(cancellation_)) return failure(errc::cancelled, false);
        return failure(code, false, cause);
    }

    /// Fills `addresses_`. A look-up cannot be interrupted, only left to itself: it ends a timer's
    /// wait where it is in time.
    step resolve() {
        boost::system::error_code not_numeric;
        auto const address = asio::ip::make_address(where_.host(), not_numeric);
        if (!not_numeric) {
            addresses_.emplace_back(address, where_.port());
            co_return std::nullopt;
        }
        resolved_.expires_at(time_point::max());
        resolver_.async_resolve(
            where_.host(), std::to_string(where_.port()),
            asio::bind_executor(strand_, [self = shared_from_this()](auto ec, auto found) {
                self->resolve_failed_ = ec;
                for (auto const& entry : found)
                    self->addresses_.push_back(entry.endpoint());
                self->resolve_ended_ = true;
                self->resolved_.cancel();
            }));
        while (!resolve_ended_ && !must_stop())
            co_await resolved_.async_wait(as_result);
        if (resolve_ended_ && !resolve_failed_ && !must_stop()) co_return std::nullopt;
        resolver_.cancel();
        co_return explain(errc::resolve_failed, resolve_failed_);
    }

    step connect() {
        auto const goes_on = [this](auto const&, auto const&) { return !must_stop(); };
        auto const [ec, endpoint] =
            co_await asio::async_connect(made_->socket, addresses_, goes_on, as_result);
        if (ec || must_stop()) co_return explain(errc::connect_failed, ec);
        boost::system::error_code ignored;
        made_->socket.set_option(tcp::no_delay(true), ignored);
        made_->socket.non_blocking(true, ignored);
        co_return std::nullopt;
    }

    step shake_hands() {
        auto& tls = made_->tls.emplace(made_->socket, *tls_);
        boost::system::error_code not_numeric;
        asio::ip::make_address(where_.host(), not_numeric);
        if (not_numeric) SSL_set_tlsext_host_name(tls.native_handle(), where_.host().c_str());
        tls.set_verify_mode(asio::ssl::verify_peer);
        tls.set_verify_callback(asio::ssl::host_name_verification(where_.host()));
        auto const [ec] = co_await tls.async_handshake(asio::ssl::stream_base::client, as_result);
        if (!ec && !must_stop()) co_return std::nullopt;
        if (ec.category() != asio::error::get_ssl_category() || must_stop())
            co_return explain(errc::connection_lost, ec);
        co_return refused_certificate(tls, ec);
    }

    [[nodiscard]] error refused_certificate(asio::ssl::stream<tcp::socket&>& tls,
                                            boost::system::error_code ec) const {
        auto const verdict = SSL_get_verify_result(tls.native_handle());
        return failure(errc::tls_failed, false, ec).with([&](error_details& d) {
            d.explanation = where_.host();
            if (verdict != X509_V_OK)
                (d.explanation += ": ") += X509_verify_cert_error_string(verdict);
        });
    }

    asio::strand<asio::any_io_executor> strand_;
    asio::cancellation_state cancellation_;
    http::origin where_;
    asio::ssl::context* tls_;
    std::unique_ptr<connection> made_;
    std::vector<tcp::endpoint> addresses_;
    tcp::resolver resolver_;
    asio::steady_timer resolved_;
    asio::steady_timer timer_;
    boost::system::error_code resolve_failed_;
    bool resolve_ended_ = false;
    bool expired_ = false;
};

/// Opens a connection by the deadline.
///
/// @param tls the context for a secure origin; must outlive the connection
inline asio::awaitable<result<std::unique_ptr<connection>>>
open_connection(asio::any_io_executor executor, http::origin const& where, asio::ssl::context* tls,
                time_point deadline) {
    auto const attempt = std::make_shared<opening>(executor, where, tls, deadline);
    auto running = asio::co_spawn(attempt->strand(), attempt->run(), asio::use_awaitable);
    auto opened = co_await std::move(running);
    co_return opened;
}

} // namespace cloudflare::inline v0::detail::beast
