/// The definitions of `blocking_beast_transport`.
#pragma once

#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/detail/beast/wait.hpp>
#include <cloudflare/transport/detail/fork_detector.hpp>
#include <cloudflare/transport/impl/beast.ipp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

namespace cloudflare::inline v0 {

namespace detail::beast {

class blocking_state {
public:
    explicit blocking_state(beast_options options)
        : context_(1), shared_(context_.get_executor(), std::move(options), deadlines::min_tick) {}

    [[nodiscard]] result<http::response> send(http::request const& r, time_point deadline) {
        if (process_->in_child()) enter_child();
        auto lease = try_take_lease(shared_, r, deadline);
        if (lease && !lease->connection) lease = open(r, std::move(*lease), deadline);
        if (!lease) return lease.error();

        auto& c = *lease->connection;
        if (!c.is_new()) shared_.connections.reporter().reused(c);
        round_trip trip(c, r, shared_.options, false);
        while (trip.next() != round_trip::action::nothing) {
            auto const what = trip.next() == round_trip::action::to_send ? readiness::to_write
                                                                         : readiness::to_read;
            if (!wait_until(c.socket.native_handle(), what, deadline)) {
                trip.expire();
            } else if (what == readiness::to_write) {
                trip.flush({});
            } else {
                boost::system::error_code ec;
                auto const size = c.socket.read_some(trip.prepare(), ec);
                if (ec != asio::error::would_block) trip.receive(ec, size);
            }
        }
        auto response = trip.finish(false, false);
        give_back(*lease, trip.keep_alive(), response);
        return response;
    }

    [[nodiscard]] connection_counts connections() { return shared_.connections.counts(); }

private:
    /// A lease with an open connection. Runs the context until there is one.
    [[nodiscard]] result<pool::lease> open(http::request const& r, pool::lease taken,
                                           time_point deadline) {
        std::optional<result<pool::lease>> opened;
        asio::co_spawn(context_, wait_and_open(shared_, r, std::move(taken), deadline),
                       [&](std::exception_ptr thrown, result<pool::lease> given) {
                           if (thrown) std::rethrow_exception(thrown);
                           opened = std::move(given);
                           context_.stop(); // although an abandoned attempt may still have work
                       });
        context_.restart();
        context_.run();
        return std::move(*opened);
    }

    /// Replaces the context's descriptors, which are shared with the parent.
    void enter_child() {
        context_.notify_fork(asio::execution_context::fork_child);
        process_ = std::make_unique<fork_detector const>();
    }

    std::unique_ptr<fork_detector const> process_ = std::make_unique<fork_detector const>();
    asio::io_context context_;
    transport_state shared_;
};

} // namespace detail::beast

CLOUDFLARE_DECL blocking_beast_transport::blocking_beast_transport(beast_options options)
    : state_(std::make_shared<detail::beast::blocking_state>(std::move(options))) {}

CLOUDFLARE_DECL blocking<result<http::response>>
blocking_beast_transport::send(http::request const& r, time_point deadline) const {
    co_return state_->send(r, deadline);
}

CLOUDFLARE_DECL connection_counts blocking_beast_transport::connections() const {
    return state_->connections();
}

CLOUDFLARE_DECL blocking<void> blocking_beast_transport::sleep_until(time_point t) const {
    while (time_point::clock::now() < t)
        std::this_thread::sleep_until(t);
    co_return;
}

} // namespace cloudflare::inline v0
