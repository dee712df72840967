/// The definitions of `beast_transport`.
#pragma once

#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast/open_connection.hpp>
#include <cloudflare/transport/beast/pool.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail::beast {

/// What the copies of a transport share.
class transport_state {
public:
    transport_state(asio::any_io_executor e, beast_options o)
        : executor(std::move(e)),
          options(std::move(o)),
          tls_context_(options.tls_context()),
          connections(options) {}

    /// The TLS context, made when it is first needed: reading the system's CA certificates is slow.
    [[nodiscard]] result<asio::ssl::context*> tls() {
        std::lock_guard const lock(mutex_);
        if (!tls_context_) {
            auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
            SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
            boost::system::error_code failed;
            if (options.ca_file().empty()) {
                context->set_default_verify_paths(failed);
            } else {
                context->load_verify_file(options.ca_file(), failed);
            }
            if (failed)
                return failure(errc::tls_failed, false, failed).with([&](error_details& d) {
                    d.explanation = "CA certificates not read: " + options.ca_file();
                });
            tls_context_ = std::move(context);
        }
        return tls_context_.get();
    }

    asio::any_io_executor executor;
    beast_options options;

private:
    std::mutex mutex_;
    std::shared_ptr<asio::ssl::context> tls_context_;

public:
    pool connections; // last: its connections go before the TLS context does
};

inline asio::awaitable<result<std::unique_ptr<connection>>>
take_or_open(transport_state& self, http::request const& r, time_point deadline) {
    auto const now = time_point::clock::now();
    auto const max_idle =
        r.repeatable ? self.options.idle_timeout() : self.options.trusted_idle_time();
    if (auto idle = self.connections.take(r.origin, now, max_idle)) co_return std::move(idle);

    asio::ssl::context* context = nullptr;
    if (r.origin.is_secure()) {
        auto const made = self.tls();
        if (!made) co_return made.error();
        context = *made;
    }
    auto opening = open_connection(self.executor, r.origin, context,
                                   std::min(deadline, now + self.options.connect_timeout()));
    auto opened = co_await std::move(opening);
    co_return opened;
}

inline asio::awaitable<result<http::response>> send(std::shared_ptr<transport_state> self,
                                                    http::request const& r, time_point deadline) {
    // An answer, or the word of how far the request got, must reach the caller: nothing may throw.
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation)) co_return failure(errc::cancelled, false);

    auto taking = take_or_open(*self, r, deadline);
    auto c = co_await std::move(taking);
    round_trip_end end{c ? failure(errc::cancelled, false) : c.error()};
    if (c) {
        auto sending = round_trip(**c, r, deadline, self->options);
        end = co_await std::move(sending);
        if (end.keep_alive)
            self->connections.give_back(r.origin, std::move(*c), time_point::clock::now());
    }
    if (!is_cancelled(cancellation)) co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(end.answer);
}

inline asio::awaitable<void> sleep_until(std::shared_ptr<transport_state> self, time_point t) {
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(cancellation)) co_return;
    asio::steady_timer timer(self->executor, t);
    co_await timer.async_wait(as_result);
    if (!is_cancelled(cancellation)) co_await asio::this_coro::throw_if_cancelled(throws);
}

} // namespace detail::beast

CLOUDFLARE_DECL beast_transport::beast_transport(boost::asio::any_io_executor executor,
                                                 beast_options options)
    : state_(std::make_shared<detail::beast::transport_state>(std::move(executor),
                                                              std::move(options))) {}

CLOUDFLARE_DECL boost::asio::awaitable<result<http::response>>
beast_transport::send(http::request const& r, time_point deadline) const {
    return detail::beast::send(state_, r, deadline);
}

CLOUDFLARE_DECL boost::asio::awaitable<void> beast_transport::sleep_until(time_point t) const {
    return detail::beast::sleep_until(state_, t);
}

CLOUDFLARE_DECL void beast_transport::close_idle() const noexcept {
    state_->connections.clear();
}

} // namespace cloudflare::inline v0
