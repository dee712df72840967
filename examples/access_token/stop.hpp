// Ending on SIGINT, SIGTERM and SIGHUP with the truth about what may be left behind.
#pragma once

#include <cloudflare/transport/beast.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

// What the signals and the transport tell each other.
struct stop_state {
    bool stopping = false; // nothing new is sent
    bool acting = false;   // a request is under way that may change something
};

// The Beast transport, which sends nothing more once the program is to stop. The request under way goes on.
class stoppable_transport {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    stoppable_transport(cloudflare::beast_transport transport, std::shared_ptr<stop_state> state);

    task<cloudflare::result<cloudflare::http::response>>
    send(cloudflare::http::request const& r, cloudflare::time_point deadline) const;
    task<void> sleep_until(cloudflare::time_point t) const;
    cloudflare::time_point now() const noexcept { return transport_.now(); }
    [[nodiscard]] bool is_stopping() const noexcept { return state_->stopping; }

private:
    cloudflare::beast_transport transport_;
    std::shared_ptr<stop_state> state_;
};

static_assert(cloudflare::transport<stoppable_transport>);

// Runs the task to its end on the context, and gives what it gave; rethrows what it threw.
//
// The first signal ends it, though a request that may change something is waited for: two seconds. The second signal
// ends it at once; the task's calls then give `errc::cancelled`, and whether the server may have acted. A third one kills
// the process. A signal that was ignored when the program began is ignored.
int run_until_stopped(boost::asio::io_context& context, std::shared_ptr<stop_state> state,
                      boost::asio::awaitable<int> task);
