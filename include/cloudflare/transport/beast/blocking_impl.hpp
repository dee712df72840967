/// The definitions of `blocking_beast_transport`.
#pragma once

#include <cloudflare/transport/beast/impl.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/detail/fork_detector.hpp>

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
        : context(1), // which is stopped after each call: no tick makes it run on, long or short
          transport(std::make_shared<transport_state>(context.get_executor(), std::move(options),
                                                      std::chrono::milliseconds(1))) {}

    [[nodiscard]] result<http::response> send(http::request const& r, time_point deadline) {
        if (process_->in_child()) enter_child();
        std::optional<result<http::response>> response;
        asio::co_spawn(context, beast::send(transport, r, deadline),
                       [&](std::exception_ptr thrown, result<http::response> given) {
                           if (thrown) std::rethrow_exception(thrown);
                           response = std::move(given);
                           context.stop(); // whatever an opening that was given up still does
                       });
        context.restart();
        context.run();
        return std::move(*response);
    }

private:
    /// The context's descriptors are the parent's too, and are made anew.
    void enter_child() {
        context.notify_fork(asio::execution_context::fork_child);
        process_ = std::make_unique<fork_detector const>();
    }

    std::unique_ptr<fork_detector const> process_ = std::make_unique<fork_detector const>();
    asio::io_context context;
    std::shared_ptr<transport_state> transport;
};

} // namespace detail::beast

CLOUDFLARE_DECL blocking_beast_transport::blocking_beast_transport(beast_options options)
    : state_(std::make_shared<detail::beast::blocking_state>(std::move(options))) {}

CLOUDFLARE_DECL blocking<result<http::response>>
blocking_beast_transport::send(http::request const& r, time_point deadline) const {
    co_return state_->send(r, deadline);
}

CLOUDFLARE_DECL blocking<void> blocking_beast_transport::sleep_until(time_point t) const {
    while (time_point::clock::now() < t)
        std::this_thread::sleep_until(t);
    co_return;
}

} // namespace cloudflare::inline v0
