/// The definitions of `beast_transport`.
#pragma once

#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/detail/beast/connect_operation.hpp>
#include <cloudflare/transport/detail/beast/deadlines.hpp>
#include <cloudflare/transport/detail/beast/pool.hpp>
#include <cloudflare/transport/detail/beast/round_trip.hpp>
#include <cloudflare/transport/detail/guarded.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail::beast {

/// A TLS context with the settings of the options.
[[nodiscard]] inline result<std::shared_ptr<asio::ssl::context>>
make_tls_context(beast_options const& options) {
    tls_error_queue const kept; // Asio empties it
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    boost::system::error_code failed;
    auto const refuse = [&](std::string what) {
        return failure(errc::tls_failed, false, failed).with([&](error_details& d) {
            d.explanation = std::move(what);
        });
    };
    if (options.ca_file().empty()) {
        context->set_default_verify_paths(failed);
    } else {
        context->load_verify_file(options.ca_file(), failed);
    }
    if (failed) return refuse("CA certificates not read: " + options.ca_file());
    if (options.client_certificate_file().empty()) return context;
    context->use_certificate_chain_file(options.client_certificate_file(), failed);
    if (failed) return refuse("client certificate not read: " + options.client_certificate_file());
    context->use_private_key_file(options.client_key_file(), asio::ssl::context::pem, failed);
    if (failed) return refuse("client certificate's key not read: " + options.client_key_file());
    return context;
}

/// What the copies of a transport share.
class transport_state : public connect_context {
public:
    /// @param first_tick as for `deadlines`
    transport_state(asio::any_io_executor e, beast_options o, deadlines::tick first_tick)
        : connect_context(std::move(e), std::move(o)),
          timers(std::make_shared<deadlines>(executor, first_tick)),
          tls_context_(options.tls_context()),
          connections(options) {}

    /// The TLS context for an origin, null for a plain one. Made when it is first needed: reading
    /// the system's CA certificates is slow.
    [[nodiscard]] result<SSL_CTX*> tls_for(http::origin const& origin) {
        if (!origin.is_secure()) return nullptr;
        auto const context = tls_context_.lock();
        if (!*context) {
            auto made = make_tls_context(options);
            if (!made) return made.error();
            *context = std::move(*made);
        }
        return (*context)->native_handle();
    }

    /// How long a connection for this request may have been idle.
    [[nodiscard]] std::chrono::milliseconds max_idle_time(http::request const& r) const noexcept {
        return r.repeatable ? options.idle_timeout() : options.max_idle_before_unsafe();
    }

    std::shared_ptr<deadlines> timers;

private:
    guarded<std::shared_ptr<asio::ssl::context>> tls_context_;

public:
    pool connections; // last: closed before the TLS context is destroyed
};

/// A lease for the request, with an idle connection if there is one. It is empty where the request
/// has to wait for a lease. An error where the request cannot be sent at all.
[[nodiscard]] inline result<pool::lease>
try_take_lease(transport_state& self, http::request const& r, time_point deadline) {
    if (auto const ok = http::check_target(r.target); !ok) return ok.error();
    if (time_point::clock::now() >= deadline) return failure(errc::deadline_exceeded, false);
    auto taken = self.connections.try_acquire(r.origin, self.max_idle_time(r));
    taken.drop_stale(self.max_idle_time(r));
    return taken;
}

/// A lease with an open connection.
inline asio::awaitable<result<pool::lease>> wait_and_open(transport_state& self,
                                                          http::request const& r, pool::lease taken,
                                                          time_point deadline) {
    if (!taken) {
        auto pending = self.connections.async_acquire(self.executor, r.origin,
                                                      self.max_idle_time(r), deadline);
        auto given = co_await std::move(pending);
        if (!given) co_return given.error();
        taken = std::move(*given);
        taken.drop_stale(self.max_idle_time(r));
    }
    if (taken.connection) co_return std::move(taken);
    auto const tls = self.tls_for(r.origin);
    if (!tls) co_return tls.error();
    auto const& reporter = self.connections.reporter();
    auto const began = time_point::clock::now();
    auto pending = open_connection(self, r.origin, *tls, taken.find_ticket(),
                                   connect_deadline(deadline, self.options.connect_timeout()));
    auto opened = co_await std::move(pending);
    if (!opened) {
        reporter.open_failed(r.origin, began, opened.error());
        co_return opened.error();
    }
    taken.connection = std::move(*opened);
    reporter.opened(*taken.connection, r.origin, began);
    co_return std::move(taken);
}

/// Keeps or closes the connection of a request that has ended.
inline void give_back(pool::lease& used, bool keep_alive, result<http::response> const& response) {
    if (keep_alive) return used.release();
    if (response) return used.close(close_reason::not_persistent);
    auto const failed = response.error();
    used.close(close_reason::request_failed, &failed);
}

inline asio::awaitable<result<http::response>> send(std::shared_ptr<transport_state> self,
                                                    http::request const& r, time_point deadline) {
    // Nothing may throw: the caller must get the response, or the error with its delivery.
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation)) co_return failure(errc::cancelled, false);

    auto lease = try_take_lease(*self, r, deadline);
    if (lease && !lease->connection) {
        auto pending = wait_and_open(*self, r, std::move(*lease), deadline);
        lease = co_await std::move(pending);
    }
    if (!lease || is_cancelled(cancellation)) {
        if (!is_cancelled(cancellation)) co_await asio::this_coro::throw_if_cancelled(throws);
        co_return lease ? failure(errc::cancelled, false) : lease.error();
    }

    auto& c = *lease->connection;
    if (!c.is_new()) self->connections.reporter().reused(c);
    deadlines::entry watch(*self->timers, c.socket);
    bool const others_are_in_flight = watch.arm(deadline);
    round_trip trip(c, r, self->options, others_are_in_flight);
    while (trip.next() != round_trip::action::nothing) {
        if (is_cancelled(cancellation)) {
            trip.cancel();
        } else if (trip.next() == round_trip::action::to_send) {
            auto const [ec] = co_await c.socket.async_wait(tcp::socket::wait_write, nothrow);
            trip.flush(ec);
        } else {
            auto const [ec, size] = co_await c.socket.async_read_some(trip.prepare(), nothrow);
            trip.receive(ec, size);
        }
    }
    auto response = trip.finish(watch.disarm(), is_cancelled(cancellation));
    give_back(*lease, trip.keep_alive(), response);
    if (!is_cancelled(cancellation)) co_await asio::this_coro::throw_if_cancelled(throws);
    co_return response;
}

inline asio::awaitable<void> sleep_until(std::shared_ptr<transport_state> self, time_point t) {
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation)) co_return;
    asio::steady_timer timer(self->executor, t);
    co_await timer.async_wait(nothrow);
    if (!is_cancelled(cancellation)) co_await asio::this_coro::throw_if_cancelled(throws);
}

} // namespace detail::beast

CLOUDFLARE_DECL beast_transport::beast_transport(boost::asio::any_io_executor executor,
                                                 beast_options options)
    : state_(std::make_shared<detail::beast::transport_state>(
          std::move(executor), std::move(options), detail::beast::deadlines::min_tick)) {}

CLOUDFLARE_DECL boost::asio::awaitable<result<http::response>>
beast_transport::send(http::request const& r, time_point deadline) const {
    return detail::beast::send(state_, r, deadline);
}

CLOUDFLARE_DECL boost::asio::awaitable<void> beast_transport::sleep_until(time_point t) const {
    return detail::beast::sleep_until(state_, t);
}

CLOUDFLARE_DECL boost::asio::any_io_executor beast_transport::get_executor() const noexcept {
    return state_->executor;
}

CLOUDFLARE_DECL void beast_transport::close_idle() const noexcept {
    state_->connections.close_idle();
}

CLOUDFLARE_DECL connection_counts beast_transport::connections() const {
    return state_->connections.counts();
}

CLOUDFLARE_DECL void beast_transport::shutdown() const noexcept {
    state_->connections.shutdown();
}

} // namespace cloudflare::inline v0
