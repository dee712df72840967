/// What opening a connection needs of its transport, and by when it must end.
#pragma once

#include <cloudflare/core/fwd.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/detail/beast/name_lookups.hpp>
#include <cloudflare/transport/detail/fork_detector.hpp>
#include <cloudflare/transport/detail/guarded.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace cloudflare::inline v0::detail::beast {

/// What the connect operations of a transport share. It outlives them.
class connect_context {
public:
    connect_context(boost::asio::any_io_executor e, beast_options o)
        : executor(std::move(e)), options(std::move(o)) {}

    /// Detects later children of the current process.
    [[nodiscard]] std::shared_ptr<fork_detector const> this_process() {
        auto const detector = process_.lock();
        if ((*detector)->in_child()) *detector = std::make_shared<fork_detector const>();
        return *detector;
    }

    boost::asio::any_io_executor executor;
    beast_options options;
    name_lookups lookups;

private:
    guarded<std::shared_ptr<fork_detector const>> process_{std::make_shared<fork_detector const>()};
};

/// By when a connection must be open, and which limit that is.
struct connect_deadline {
    connect_deadline(time_point call, std::chrono::milliseconds connect_timeout)
        : at((std::min)(call, time_point::clock::now() + connect_timeout)), is_call(at == call) {}

    time_point at;
    bool is_call; ///< the call's deadline, not the connect time-out
};

} // namespace cloudflare::inline v0::detail::beast
