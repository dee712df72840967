/// Opens a connection: name look-up, connecting, a proxy's tunnel, the TLS handshake.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/detail/beast/connect_context.hpp>
#include <cloudflare/transport/detail/beast/connect_request.hpp>
#include <cloudflare/transport/detail/beast/connection.hpp>
#include <cloudflare/transport/detail/beast/happy_eyeballs.hpp>
#include <cloudflare/transport/detail/beast/name_lookups.hpp>
#include <cloudflare/transport/detail/beast/response_reader.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// Opens one connection. Everything runs on one strand, so that a timer's handler may close the
/// sockets while the coroutine is suspended.
class connect_operation : public std::enable_shared_from_this<connect_operation> {
public:
    /// @param tls the context for a secure origin; must outlive the connection
    connect_operation(connect_context& shared, http::origin origin, SSL_CTX* tls,
                      session_ticket resumed, connect_deadline by)
        : shared_(shared),
          strand_(asio::make_strand(shared.executor)),
          origin_(std::move(origin)),
          tls_(tls),
          resumed_(std::move(resumed)),
          by_(by),
          looked_up_(strand_),
          timer_(strand_, by.at) {
        auto const& proxy = shared.options.proxy();
        if (proxy && proxy->serves(origin_)) proxy_ = *proxy;
    }

    [[nodiscard]] asio::any_io_executor const& strand() const noexcept { return strand_; }

    /// The open connection, or an error; never throws. Runs on `strand()`.
    asio::awaitable<result<connection_ptr>> run() {
        timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
            if (!ec) self->stop(reason::deadline);
        });
        auto pending = look_up();
        auto failed = co_await std::move(pending);
        if (!failed) {
            pending = connect();
            failed = co_await std::move(pending);
        }
        if (!failed && proxy_) {
            pending = tunnel();
            failed = co_await std::move(pending);
        }
        if (!failed && origin_.is_secure()) {
            pending = handshake();
            failed = co_await std::move(pending);
        }
        timer_.cancel();
        if (!failed && must_stop()) failed = explain(errc::connect_failed);
        if (failed) co_return *failed;
        co_return std::move(made_);
    }

    /// Makes `run` end soon. May be called on any thread, also when `run` has ended.
    void cancel() {
        asio::post(strand_, [self = shared_from_this()] { self->stop(reason::cancelled); });
    }

private:
    using step = asio::awaitable<std::optional<error>>; ///< why the step failed

    /// Why the operation is to end early.
    enum class reason : unsigned char {
        none,
        deadline,
        cancelled,
    };

    void stop(reason r) {
        if (must_stop()) return;
        stopped_ = r;
        boost::system::error_code ignored;
        looked_up_.cancel();
        if (race_) race_->stop();
        if (made_) made_->socket.close(ignored);
    }

    [[nodiscard]] bool must_stop() const noexcept { return stopped_ != reason::none; }

    /// Why a step failed: the deadline or a cancellation, otherwise `code`.
    [[nodiscard]] error explain(errc code, boost::system::error_code cause = {},
                                std::string_view what = {}) const {
        if (stopped_ == reason::cancelled) return failure(errc::cancelled, false);
        if (stopped_ == reason::deadline && by_.is_call)
            return failure(errc::deadline_exceeded, false);
        if (stopped_ == reason::deadline) {
            code = errc::connect_failed;
            cause = asio::error::timed_out;
            what = "not within the connect time-out";
        }
        return failure(code, false, cause).with([&](error_details& d) {
            if (proxy_) d.explanation.append("through the proxy ").append(proxy_->address().host());
            if (proxy_ && !what.empty()) d.explanation += ": ";
            d.explanation += what;
        });
    }

    /// What the socket connects to: the proxy, or the origin itself.
    [[nodiscard]] http::origin const& peer() const noexcept {
        return proxy_ ? proxy_->address() : origin_;
    }

    /// Fills `addresses_`. A look-up cannot be interrupted, only abandoned; so this waits for a
    /// timer, which the look-up cancels if it ends in time.
    step look_up() {
        if (proxy_ && proxy_->unusable()) co_return *proxy_->unusable();
        boost::system::error_code not_numeric;
        auto const address = asio::ip::make_address(peer().host(), not_numeric);
        if (!not_numeric) {
            addresses_.emplace_back(address, peer().port());
            co_return std::nullopt;
        }
        looked_up_.expires_at((time_point::max)());
        // A dot at the end keeps the system from trying the name in the machine's own domain. Not
        // for `localhost`, because many systems do not know `localhost.`.
        auto const& name = peer().is_loopback() ? peer().tls_host() : peer().host();
        shared_.lookups.begin(name, lookup_, [this](auto ec, auto const& found) {
            asio::post(strand_, [weak = weak_from_this(), ec, found] {
                if (auto const self = weak.lock()) self->take_addresses(ec, found);
            });
        });
        while (!lookup_ended_ && !must_stop())
            co_await looked_up_.async_wait(nothrow);
        lookup_.stop();
        if (lookup_failed_ || must_stop()) co_return explain(errc::resolve_failed, lookup_failed_);
        co_return std::nullopt;
    }

    void take_addresses(boost::system::error_code failed, name_lookups::addresses const& found) {
        lookup_failed_ = failed;
        for (auto const& address : found)
            addresses_.emplace_back(address, peer().port());
        lookup_ended_ = true;
        looked_up_.cancel();
    }

    step connect() {
        race_ = std::make_shared<happy_eyeballs>(shared_.executor, strand_, addresses_,
                                                 shared_.options.connection_attempt_delay());
        auto pending = race_->run();
        auto const ec = co_await std::move(pending);
        if (!ec && !must_stop())
            made_.reset(new connection(std::move(race_->socket()), shared_.this_process()));
        race_->stop();
        if (!made_) co_return explain(errc::connect_failed, ec);
        co_return std::nullopt;
    }

    /// Sends all that the connection has to send.
    asio::awaitable<boost::system::error_code> flush() {
        for (;;) {
            boost::system::error_code ec;
            made_->flush(ec);
            if (ec != asio::error::would_block) co_return ec;
            if (must_stop()) co_return asio::error::operation_aborted;
            auto const [failed] =
                co_await made_->socket.async_wait(tcp::socket::wait_write, nothrow);
            if (failed) co_return failed;
        }
    }

    step tunnel() {
        auto const request = connect_request(origin_, *proxy_);
        boost::system::error_code ec;
        made_->write(asio::buffer(request), ec);
        auto pending = flush();
        ec = co_await std::move(pending);
        // A separate buffer: bytes from before TLS must never be taken for bytes from within it.
        read_buffer received;
        response_reader reader(shared_.options, response_reader::body_kind::nothing);
        while (!ec && !reader.is_done() && !must_stop()) {
            auto const [failed, size] =
                co_await made_->socket.async_read_some(received.prepare(), nothrow);
            received.commit(size);
            ec = reader.put_all(received);
            if (!ec && !reader.is_done()) ec = failed;
        }
        if (ec || must_stop()) co_return explain(errc::connect_failed, ec);
        co_return check_tunnel(reader.status(), received.data().size());
    }

    /// Whether the proxy has opened the tunnel. `unread` is the number of bytes that followed its
    /// response; these would be an attempt to forge the origin's bytes, and are an error.
    [[nodiscard]] std::optional<error> check_tunnel(int status, std::size_t unread) const {
        if (status / 100 != 2)
            return explain(status / 100 == 5 ? errc::connect_failed : errc::proxy_refused, {},
                           "its response to CONNECT is " + std::to_string(status));
        if (unread != 0)
            return explain(errc::proxy_refused, {}, "it sent more than the response to CONNECT");
        return std::nullopt;
    }

    step handshake() {
        boost::system::error_code not_numeric;
        asio::ip::make_address(origin_.host(), not_numeric);
        auto& tls = made_->tls.emplace(tls_, resumed_.get());
        if (!tls.expect_peer(origin_.tls_host(), !not_numeric))
            co_return explain(errc::tls_failed, {}, "no certificate can be checked for this host");
        for (;;) {
            boost::system::error_code refused;
            bool const done = tls.handshake(refused);
            auto pending = flush(); // also the alert that tells the server of a failure
            auto failed = co_await std::move(pending);
            if (refused && !must_stop()) co_return explain_refusal(refused);
            if (failed || must_stop()) co_return explain(errc::connection_lost, failed);
            if (done) co_return std::nullopt;
            auto const [ec, size] = co_await made_->socket.async_read_some(tls.prepare(), nothrow);
            if (ec || must_stop()) co_return explain(errc::connection_lost, ec);
            tls.feed(size);
        }
    }

    [[nodiscard]] error explain_refusal(boost::system::error_code ec) const {
        auto explanation = origin_.host();
        if (auto const checked = made_->tls->verify_result(); checked != X509_V_OK)
            (explanation += ": ") += X509_verify_cert_error_string(checked);
        return explain(errc::tls_failed, ec, explanation);
    }

    connect_context& shared_;
    asio::any_io_executor strand_; ///< type-erased once: copies share one object
    http::origin origin_;
    std::optional<cloudflare::proxy> proxy_;
    SSL_CTX* tls_;
    session_ticket resumed_;
    connect_deadline by_;

    asio::steady_timer looked_up_; ///< cancelled when the look-up has ended
    boost::system::error_code lookup_failed_;
    bool lookup_ended_ = false;
    std::vector<tcp::endpoint> addresses_;
    std::shared_ptr<happy_eyeballs> race_;
    connection_ptr made_;

    asio::steady_timer timer_; ///< the deadline
    reason stopped_ = reason::none;
    name_lookups::waiter lookup_; ///< last: no handler runs while the others are destroyed
};

/// Opens a connection by the deadline. Cancelling the caller's coroutine cancels the operation.
inline asio::awaitable<result<connection_ptr>> open_connection(connect_context& shared,
                                                               http::origin const& origin,
                                                               SSL_CTX* tls, session_ticket resumed,
                                                               connect_deadline by) {
    auto const attempt =
        std::make_shared<connect_operation>(shared, origin, tls, std::move(resumed), by);
    // The operation runs on its own strand. Boost 1.81's co_spawn would forward a cancellation to
    // it through a pointer into the caller's slot, which may be cleared by then. So co_spawn gets
    // an empty slot, and a handler that owns what it uses forwards the cancellation.
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (auto slot = cancellation.slot(); slot.is_connected())
        slot.assign([attempt](asio::cancellation_type) { attempt->cancel(); });
    auto pending = asio::co_spawn(
        attempt->strand(), attempt->run(),
        asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
    auto opened = co_await std::move(pending);
    co_return opened;
}

} // namespace cloudflare::inline v0::detail::beast
