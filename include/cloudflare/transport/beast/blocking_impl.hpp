/// The definitions of `blocking_beast_transport`.
#pragma once

#include <cloudflare/transport/beast/impl.hpp>
#include <cloudflare/transport/beast_blocking.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

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
        : context(1), transport(context.get_executor(), std::move(options)) {}

    [[nodiscard]] result<http::response> send(http::request const& r, time_point deadline) {
        std::optional<result<http::response>> answer;
        asio::co_spawn(context, transport.send(r, deadline),
                       [&](std::exception_ptr thrown, result<http::response> given) {
                           if (thrown) std::rethrow_exception(thrown);
                           answer = std::move(given);
                           context.stop(); // whatever a look-up that was given up still does
                       });
        context.restart();
        context.run();
        return std::move(*answer);
    }

private:
    asio::io_context context;
    beast_transport transport;
};

} // namespace detail::beast

CLOUDFLARE_DECL blocking_beast_transport::blocking_beast_transport(beast_options options)
    : state_(std::make_shared<detail::beast::blocking_state>(std::move(options))) {}

CLOUDFLARE_DECL blocking<result<http::response>>
blocking_beast_transport::send(http::request const& r, time_point deadline) const {
    co_return state_->send(r, deadline);
}

CLOUDFLARE_DECL blocking<void> blocking_beast_transport::sleep_until(time_point t) const {
    std::this_thread::sleep_until(t);
    co_return;
}

} // namespace cloudflare::inline v0
