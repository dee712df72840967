#include "stop.hpp"

#include "output.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace asio = boost::asio;
namespace cf = cloudflare;

stoppable_transport::stoppable_transport(cf::beast_transport transport,
                                         std::shared_ptr<stop_state> state)
    : transport_(std::move(transport)), state_(std::move(state)) {}

asio::awaitable<cf::result<cf::http::response>>
stoppable_transport::send(cf::http::request const& r, cf::time_point deadline) const {
    auto const state = state_;
    if (state->stopping) {
        cf::error_details details;
        details.delivery = cf::delivery::not_sent;
        co_return cf::error(cf::errc::cancelled, std::move(details));
    }
    state->acting = r.method != cf::http::method::get;
    show_progress("waits for the response to " + std::string(to_string(r.method)) + ' ' +
                  std::string(r.target.substr(0, r.target.find('?'))));
    auto pending = transport_.send(r, deadline);
    auto response = co_await std::move(pending);
    state->acting = false;
    clear_progress();
    co_return response;
}

asio::awaitable<void> stoppable_transport::sleep_until(cf::time_point t) const {
    if (state_->stopping) co_return;
    auto const span = std::chrono::ceil<std::chrono::seconds>(t - now());
    if (span > std::chrono::seconds(1))
        show_progress("waits " + std::to_string(span.count()) + " s before it goes on");
    auto pending = transport_.sleep_until(t);
    co_await std::move(pending);
    clear_progress();
}

namespace {

constexpr std::chrono::seconds patience(2);

// What the handler of a signal may touch. The loop hears of a signal through the pipe; one that is stuck, say in a file
// system, does not, and so the third signal kills.
std::sig_atomic_t volatile signals_seen = 0;
int signal_pipe[2] = {-1, -1};

extern "C" void note_signal(int signal) {
    signals_seen = signals_seen + 1;
    if (signals_seen > 2) {
        static_cast<void>(std::signal(signal, SIG_DFL));
        static_cast<void>(std::raise(signal));
        return;
    }
    int const kept = errno;
    [[maybe_unused]] auto const written = ::write(signal_pipe[1], "", 1);
    errno = kept;
}

void catch_signals() {
    if (::pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    for (int const signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action{};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
        action = {};
        action.sa_handler = &note_signal;
        action.sa_flags = SA_RESTART;
        ::sigaction(signal, &action, nullptr);
    }
}

// Cancels a task when signals come.
class stopper {
public:
    stopper(asio::io_context& context, std::shared_ptr<stop_state> state)
        : state_(std::move(state)), signals_(context), timer_(context) {
        catch_signals();
        signals_.assign(signal_pipe[0]);
        wait();
    }

    [[nodiscard]] asio::cancellation_slot slot() noexcept { return cancellation_.slot(); }

private:
    void wait() {
        signals_.async_read_some(asio::buffer(&byte_, 1), [this](auto failed, std::size_t) {
            if (!failed) stop();
        });
    }

    void stop() {
        if (state_->stopping || !state_->acting) return cancel();
        state_->stopping = true;
        say("stopping: waits 2 s for the response; a second signal ends it at once");
        timer_.expires_after(patience);
        timer_.async_wait([this](auto failed) {
            if (!failed) cancel();
        });
        wait();
    }

    void cancel() {
        state_->stopping = true;
        timer_.cancel();
        cancellation_.emit(asio::cancellation_type::terminal);
    }

    std::shared_ptr<stop_state> state_;
    asio::posix::stream_descriptor signals_;
    char byte_ = 0;
    asio::steady_timer timer_;
    asio::cancellation_signal cancellation_;
};

} // namespace

int run_until_stopped(asio::io_context& context, std::shared_ptr<stop_state> state,
                      asio::awaitable<int> task) {
    stopper stopper(context, std::move(state));
    std::exception_ptr thrown;
    int status = 0;
    asio::co_spawn(context, std::move(task),
                   asio::bind_cancellation_slot(stopper.slot(), [&](std::exception_ptr e, int s) {
                       thrown = e;
                       status = s;
                       context.stop(); // not when a look-up ends that nobody waits for
                   }));
    context.run();
    if (thrown) std::rethrow_exception(thrown);
    return status;
}
