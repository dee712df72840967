/// A transport whose tasks are Asio's coroutines, for the conformance kit.
#pragma once

#include <cloudflare/testing/transport_conformance.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace cloudflare::inline v0::testing {

/// Runs an `io_context` of its own while a call is under way. `make(executor)` makes the transport.
template <class Transport>
class asio_under_test final : public transport_under_test {
public:
    template <class Make>
    explicit asio_under_test(Make make) : way_(make(context_.get_executor())) {}

    result<http::response> send(http::request const& r, time_point deadline) override {
        return run(r, deadline, std::nullopt);
    }
    std::optional<result<http::response>>
    send_and_cancel(http::request const& r, time_point deadline,
                    std::chrono::milliseconds after) override {
        return run(r, deadline, after);
    }

private:
    result<http::response> run(http::request const& r, time_point deadline,
                               std::optional<std::chrono::milliseconds> cancel_after) {
        asio::cancellation_signal cancel;
        asio::steady_timer timer(context_);
        std::optional<result<http::response>> given;
        std::exception_ptr thrown;
        asio::co_spawn(context_, way_.send(r, deadline),
                       asio::bind_cancellation_slot(
                           cancel.slot(), [&](std::exception_ptr e, result<http::response> a) {
                               thrown = std::move(e);
                               given = std::move(a);
                               context_.stop();
                           }));
        if (cancel_after) {
            timer.expires_after(*cancel_after);
            timer.async_wait([&](boost::system::error_code ec) {
                if (!ec) cancel.emit(asio::cancellation_type::terminal);
            });
        }
        context_.restart();
        context_.run();
        timer.cancel();
        context_.restart();
        context_.poll(); // the timer's handler, which refers to what ends here
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*given);
    }

    asio::io_context context_{1};
    Transport way_;
};

} // namespace cloudflare::inline v0::testing
