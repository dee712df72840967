#include <cloudflare/access/work_queue.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <list>
#include <optional>
#include <stdexcept>

namespace work_queue_tests {
namespace {

namespace asio = boost::asio;
using namespace cloudflare;
using namespace std::chrono_literals;

using outcome = result<int>;

struct world {
    explicit world(std::size_t concurrent, std::size_t longest)
        : queue(context.get_executor(), concurrent, longest) {}

    /// Work that lasts until it is told to end. What becomes of it is known when the loop has run.
    struct job {
        explicit job(asio::io_context& c) : timer(c, asio::steady_timer::time_point::max()) {}
        asio::steady_timer timer;
        asio::cancellation_signal cancellation{};
        bool begun = false, thrown = false;
        std::optional<outcome> done{};
    };
    job& start(bool throws = false) {
        auto& j = jobs.emplace_back(context);
        auto const work = [&j, throws]() -> asio::awaitable<outcome> {
            j.begun = true;
            if (throws) throw std::runtime_error("broken");
            co_await j.timer.async_wait(asio::as_tuple(asio::use_awaitable));
            co_return 7;
        };
        asio::co_spawn(context, run(work),
                       asio::bind_cancellation_slot(j.cancellation.slot(),
                                                    [&j](std::exception_ptr e, outcome given) {
                                                        j.thrown = e != nullptr;
                                                        j.done = std::move(given);
                                                    }));
        poll();
        return j;
    }
    template <class Work>
    asio::awaitable<outcome> run(Work work) {
        co_await asio::this_coro::throw_if_cancelled(false);
        auto pending = queue.run(work);
        auto done = co_await std::move(pending);
        co_return done;
    }
    void end(job& j) {
        j.timer.cancel();
        poll();
    }
    void poll() {
        context.restart();
        context.poll();
    }

    asio::io_context context{1};
    std::list<job> jobs;
    work_queue queue;
};

TEST_CASE("so many run at once, and the next begins when one has ended, in order") {
    world w(2, 10);
    auto &first = w.start(), &second = w.start(), &third = w.start(), &fourth = w.start();
    CHECK(first.begun);
    CHECK(second.begun);
    CHECK_FALSE(third.begun);
    CHECK(w.queue.waiting() == 2);
    w.end(second);
    CHECK(second.done->value() == 7);
    CHECK(third.begun);
    CHECK_FALSE(fourth.begun);
    w.end(first);
    CHECK(fourth.begun);
    CHECK(w.queue.waiting() == 0);
}

TEST_CASE("if as many wait as may, the others are told when to come back") {
    world w(1, 1);
    auto &first = w.start(), &second = w.start(), &third = w.start();
    REQUIRE(third.done);
    CHECK_FALSE(third.begun);
    CHECK(third.done->error() == errc::rate_limited);
    CHECK(third.done->error().delivery() == delivery::not_sent);
    CHECK(third.done->error().details().retry_after == 1s);
    w.end(first);
    CHECK(second.begun);
    CHECK_FALSE(w.start().done);
}

TEST_CASE("who waits may be cancelled, one or all, and leaves no gap") {
    world w(1, 10);
    auto &first = w.start(), &second = w.start(), &third = w.start();
    second.cancellation.emit(asio::cancellation_type::terminal);
    w.poll();
    REQUIRE(second.done);
    CHECK(second.done->error() == errc::cancelled);
    CHECK(second.done->error().delivery() == delivery::not_sent);
    CHECK(w.queue.waiting() == 1);
    w.queue.cancel_waiting();
    w.poll();
    CHECK(third.done->error() == errc::cancelled);
    CHECK_FALSE(first.done);
    w.end(first);
    CHECK(w.start().begun);
}

TEST_CASE("work that throws gives its turn back") {
    world w(1, 10);
    CHECK(w.start(true).thrown);
    CHECK(w.start().begun);
}

TEST_CASE("no place to wait is needed where there is a turn") {
    world w(1, 0);
    CHECK(w.start().begun);
    CHECK(w.start().done->error() == errc::rate_limited);
}

} // namespace
} // namespace work_queue_tests
