/// Opening a connection: find the addresses, connect, go through a proxy, shake hands.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/beast/connection.hpp>
#include <cloudflare/transport/beast/connector.hpp>
#include <cloudflare/transport/beast/response_reader.hpp>
#include <cloudflare/transport/beast_options.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// The request by which a proxy opens a tunnel (RFC 9110, section 9.3.6).
[[nodiscard]] inline wiped_string connect_request(http::origin const& where, proxy const& through) {
    std::string const name =
        where.host().find(':') == std::string::npos ? where.host() : '[' + where.host() + ']';
    auto const target = name + ':' + std::to_string(where.port());
    wiped_string text;
    text.append("CONNECT ").append(target).append(" HTTP/1.1\r\nHost: ").append(target);
    if (auto const who = through.credentials().reveal(); !who.empty()) {
        wiped_string encoded((who.size() + 2) / 3 * 4 + 1, '\0');
        auto const size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                          reinterpret_cast<unsigned char const*>(who.data()),
                                          static_cast<int>(who.size()));
        encoded.resize(static_cast<std::size_t>(size));
        text.append("\r\nProxy-Authorization: Basic ").append(encoded);
    }
    return text.append("\r\n\r\n");
}

/// A connection that is being made. Everything runs on one strand, so that a timer's handler may
/// close the sockets under the coroutine's feet.
class opening : public std::enable_shared_from_this<opening> {
public:
    /// @param tls the context for a secure origin; must outlive the connection
    opening(asio::any_io_executor const& executor, beast_options const& options, http::origin where,
            SSL_CTX* tls, ticket resumed, time_point deadline)
        : executor_(executor),
          strand_(asio::make_strand(executor)),
          options_(options),
          where_(std::move(where)),
          tls_(tls),
          resumed_(std::move(resumed)),
          resolver_(strand_),
          resolved_(strand_),
          timer_(strand_, deadline) {
        if (options.proxy() && options.proxy()->serves(where_)) proxy_ = *options.proxy();
    }

    [[nodiscard]] asio::any_io_executor const& strand() const noexcept { return strand_; }

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
        if (!failed && proxy_) {
            auto tunnelling = tunnel();
            failed = co_await std::move(tunnelling);
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
        expired_ = true;
        boost::system::error_code ignored;
        resolved_.cancel();
        if (connector_) connector_->stop();
        if (made_) made_->socket.close(ignored);
    }

    [[nodiscard]] bool must_stop() const noexcept {
        return expired_ || is_cancelled(cancellation_);
    }

    /// Why a step failed: the deadline or a cancellation, else `code`.
    [[nodiscard]] error explain(errc code, boost::system::error_code cause = {},
                                std::string_view what = {}) const {
        if (expired_) return failure(errc::deadline_exceeded, false);
        if (is_cancelled(cancellation_)) return failure(errc::cancelled, false);
        return failure(code, false, cause).with([&](error_details& d) {
            if (proxy_) d.explanation.append("through the proxy ").append(proxy_->address().host());
            if (proxy_ && !what.empty()) d.explanation += ": ";
            d.explanation += what;
        });
    }

    /// Where the socket goes: the proxy, or the origin itself.
    [[nodiscard]] http::origin const& peer() const noexcept {
        return proxy_ ? proxy_->address() : where_;
    }

    /// Fills `addresses_`. A look-up cannot be interrupted, only left to itself: so it ends a
    /// timer's wait, where it is in time.
    step resolve() {
        boost::system::error_code not_numeric;
        auto const address = asio::ip::make_address(peer().host(), not_numeric);
        if (!not_numeric) {
            addresses_.emplace_back(address, peer().port());
            co_return std::nullopt;
        }
        resolver_.async_resolve(
            peer().host(), std::to_string(peer().port()),
            asio::bind_executor(strand_, [self = shared_from_this()](auto ec, auto found) {
                self->resolve_failed_ = ec;
                for (auto const& entry : found)
                    self->addresses_.push_back(entry.endpoint());
                self->resolve_ended_ = true;
                self->resolved_.cancel();
            }));
        resolved_.expires_at(time_point::max());
        while (!resolve_ended_ && !must_stop())
            co_await resolved_.async_wait(as_result);
        if (resolve_ended_ && !resolve_failed_ && !must_stop()) co_return std::nullopt;
        resolver_.cancel();
        co_return explain(errc::resolve_failed, resolve_failed_);
    }

    step connect() {
        connector_ = std::make_shared<connector>(executor_, strand_, addresses_,
                                                 options_.connection_attempt_delay());
        auto connecting = connector_->run();
        auto const ec = co_await std::move(connecting);
        if (!ec && !must_stop())
            made_ = std::make_unique<connection>(std::move(connector_->socket()));
        connector_->stop();
        if (!made_) co_return explain(errc::connect_failed, ec);
        co_return std::nullopt;
    }

    /// Sends what the connection holds, waiting where the socket does not take all at once.
    asio::awaitable<boost::system::error_code> flush() {
        for (;;) {
            boost::system::error_code ec;
            made_->flush(ec);
            if (ec != asio::error::would_block) co_return ec;
            if (must_stop()) co_return asio::error::operation_aborted;
            auto const [failed] =
                co_await made_->socket.async_wait(tcp::socket::wait_write, as_result);
            if (failed) co_return failed;
        }
    }

    step tunnel() {
        auto const text = connect_request(where_, *proxy_);
        boost::system::error_code ec;
        made_->write(asio::buffer(text), ec);
        auto flushing = flush();
        ec = co_await std::move(flushing);
        response_reader reader(options_);
        reader.skip(true); // no body follows, whatever the header says
        while (!ec && !reader.is_done()) {
            if (must_stop()) break;
            auto [failed, size] = co_await made_->socket.async_read_some(made_->room(), as_result);
            made_->take_in(size, failed);
            ec = reader.put_all(made_->received);
            if (!ec && !reader.is_done()) ec = failed;
        }
        if (ec || must_stop()) co_return explain(errc::connect_failed, ec);
        if (reader.status() / 100 != 2)
            co_return explain(errc::connect_failed, {},
                              "it answered " + std::to_string(reader.status()));
        co_return std::nullopt;
    }

    step shake_hands() {
        boost::system::error_code not_numeric;
        asio::ip::make_address(where_.host(), not_numeric);
        auto& tls = made_->tls.emplace(tls_, where_.host(), !not_numeric, resumed_.get());
        for (;;) {
            boost::system::error_code refused;
            bool const done = tls.shake_hands(refused);
            auto flushing = flush(); // also the alert that tells the server of a failure
            auto failed = co_await std::move(flushing);
            if (refused && !must_stop()) co_return explain_refusal(refused);
            if (failed || must_stop()) co_return explain(errc::connection_lost, failed);
            if (done) co_return std::nullopt;
            auto const [ec, size] = co_await made_->socket.async_read_some(tls.room(), as_result);
            if (ec || must_stop()) co_return explain(errc::connection_lost, ec);
            tls.feed(size);
        }
    }

    [[nodiscard]] error explain_refusal(boost::system::error_code ec) const {
        auto text = where_.host();
        if (auto const verdict = made_->tls->verdict(); verdict != X509_V_OK)
            (text += ": ") += X509_verify_cert_error_string(verdict);
        return explain(errc::tls_failed, ec, text);
    }

    asio::any_io_executor executor_;
    asio::any_io_executor strand_; ///< erased once: its copies share one object
    asio::cancellation_state cancellation_;
    beast_options const& options_;
    http::origin where_;
    std::optional<v0::proxy> proxy_;
    SSL_CTX* tls_;
    ticket resumed_;

    tcp::resolver resolver_;
    asio::steady_timer resolved_; ///< cancelled when the look-up has ended
    boost::system::error_code resolve_failed_;
    bool resolve_ended_ = false;
    std::vector<tcp::endpoint> addresses_;
    std::shared_ptr<connector> connector_;
    std::unique_ptr<connection> made_;

    asio::steady_timer timer_; ///< the deadline
    bool expired_ = false;
};

/// Opens a connection by the deadline.
inline asio::awaitable<result<std::unique_ptr<connection>>>
open_connection(asio::any_io_executor executor, beast_options const& options,
                http::origin const& where, SSL_CTX* tls, ticket resumed, time_point deadline) {
    auto const attempt =
        std::make_shared<opening>(executor, options, where, tls, std::move(resumed), deadline);
    auto running = asio::co_spawn(attempt->strand(), attempt->run(), asio::use_awaitable);
    auto opened = co_await std::move(running);
    co_return opened;
}

} // namespace cloudflare::inline v0::detail::beast
