/// What a server and its connections share.
#pragma once

#include <cloudflare/server/https_server_options.hpp>
#include <cloudflare/server/routes.hpp>
#include <cloudflare/server/tls.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <memory>
#include <set>
#include <utility>

namespace cloudflare::inline v0::server::detail {

class https_session;

/// What a server and its connections share.
struct server_state {
    server_state(asio::any_io_executor e, std::shared_ptr<ssl::context> c, routes r,
                 https_server_options o)
        : executor(e),
          tls(std::move(c)),
          all(std::move(r)),
          options(std::move(o)),
          stopped(std::move(e)) {}

    /// To be called after each change that may be the last one before the end.
    void notice_end() {
        if (has_ended()) stopped.cancel();
    }
    [[nodiscard]] bool has_ended() const noexcept {
        return is_stopping && open.empty() && under_way == 0;
    }

    asio::any_io_executor executor;
    std::shared_ptr<ssl::context> tls; ///< of new connections
    routes all;
    https_server_options options;
    std::set<https_session*> open{};
    std::size_t under_way = 0; ///< handlers
    bool is_stopping = false;
    asio::steady_timer stopped; ///< waits for the end
};

} // namespace cloudflare::inline v0::server::detail
