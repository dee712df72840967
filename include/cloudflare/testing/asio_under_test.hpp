/// Adapts a transport whose `task` is `boost::asio::awaitable`, for the conformance kit.
#pragma once

#include <cloudflare/testing/transport_conformance.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::testing {

/// Runs an `io_context` of its own while calls are under way.
template <class Transport>
class asio_under_test final : public transport_under_test {
public:
    /// @param make called as `make(executor)`; returns the transport
    template <class Make>
    explicit asio_under_test(Make make) : transport_(make(context_.get_executor())) {}

    result<http::response> send(http::request const& r, time_point deadline) override {
        calls all(context_);
        all.start(transport_.send(r, deadline));
        return std::move(all.finish().front());
    }
    std::optional<result<http::response>>
    send_and_cancel(http::request const& r, time_point deadline,
                    std::chrono::milliseconds after) override {
        calls all(context_);
        all.start(transport_.send(r, deadline));
        return std::move(all.finish(planned_cancellation{0, after}).front());
    }
    std::optional<time_point> now() override { return transport_.now(); }
    bool sleep_until(time_point t) override {
        std::exception_ptr thrown;
        asio::co_spawn(context_, transport_.sleep_until(t), [&](std::exception_ptr e) {
            thrown = std::move(e);
            context_.stop();
        });
        context_.restart();
        context_.run();
        if (thrown) std::rethrow_exception(thrown);
        return true;
    }
    std::optional<result<http::response>>
    sleep_and_send_and_cancel(http::request const& r, time_point until, time_point deadline,
                              std::chrono::milliseconds after) override {
        calls all(context_);
        all.start(sleep_and_send(r, until, deadline));
        return std::move(all.finish(planned_cancellation{0, after}).front());
    }
    std::optional<std::vector<result<http::response>>>
    send_together(std::span<http::request const> requests, time_point deadline,
                  std::optional<planned_cancellation> cancel) override {
        calls all(context_);
        for (auto const& r : requests)
            all.start(transport_.send(r, deadline));
        return all.finish(cancel);
    }

private:
    /// Calls under way, each of which can be cancelled.
    class calls {
    public:
        explicit calls(asio::io_context& context) : context_(context), timer_(context) {}

        void start(asio::awaitable<result<http::response>> pending) {
            auto& one = all_.emplace_back();
            asio::co_spawn(context_, std::move(pending),
                           asio::bind_cancellation_slot(
                               one.cancel.slot(),
                               [this, &one](std::exception_ptr e, result<http::response> given) {
                                   one.thrown = std::move(e);
                                   one.given = std::move(given);
                                   if (++ended_ == all_.size()) context_.stop();
                               }));
        }

        /// Runs them to their end.
        std::vector<result<http::response>>
        finish(std::optional<planned_cancellation> cancel = {}) {
            if (cancel) {
                timer_.expires_after(cancel->after);
                timer_.async_wait([this, which = cancel->which](boost::system::error_code ec) {
                    auto& one = *std::next(all_.begin(), static_cast<std::ptrdiff_t>(which));
                    if (!ec) one.cancel.emit(asio::cancellation_type::terminal);
                });
            }
            context_.restart();
            context_.run();
            timer_.cancel();
            context_.restart();
            context_.poll(); // the timer's handler, which refers to what ends here
            std::vector<result<http::response>> given;
            for (auto& one : all_) {
                if (one.thrown) std::rethrow_exception(one.thrown);
                given.push_back(std::move(*one.given));
            }
            return given;
        }

    private:
        struct call {
            asio::cancellation_signal cancel{};
            std::optional<result<http::response>> given{};
            std::exception_ptr thrown{};
        };
        asio::io_context& context_;
        asio::steady_timer timer_;
        std::list<call> all_;
        std::size_t ended_ = 0;
    };

    // Awaited in two steps: see g++ 12's rules in include/README.md.
    asio::awaitable<result<http::response>> sleep_and_send(http::request const& r, time_point until,
                                                           time_point deadline) {
        auto pending = transport_.sleep_until(until);
        co_await std::move(pending);
        auto pending_send = transport_.send(r, deadline);
        auto given = co_await std::move(pending_send);
        co_return given;
    }

    asio::io_context context_{1};
    Transport transport_;
};

} // namespace cloudflare::inline v0::testing
