#include <cloudflare/transport/detail/beast/deadlines.hpp>

#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <chrono>

namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using detail::beast::deadlines;
namespace asio = boost::asio;

/// Entries watch sockets; one that is not open does for all but the shutting down.
struct fixture {
    asio::io_context context{1};
    asio::ip::tcp::socket socket{context};
    std::shared_ptr<deadlines> all =
        std::make_shared<deadlines>(context.get_executor(), deadlines::min_tick);
};

TEST_CASE("a deadline that passes is reported, and one that does not is not") {
    fixture f;
    deadlines::entry soon(*f.all, f.socket), later(*f.all, f.socket);
    CHECK_FALSE(soon.arm(time_point::clock::now() + 5ms));
    CHECK(later.arm(time_point::clock::now() + 10h)); // another one is in flight
    f.context.run_for(50ms);
    CHECK(soon.disarm());
    CHECK_FALSE(later.disarm());
}

TEST_CASE("an entry can be armed again") {
    fixture f;
    deadlines::entry e(*f.all, f.socket);
    e.arm(time_point::clock::now() + 10h);
    CHECK_FALSE(e.disarm());
    f.context.restart();
    CHECK_FALSE(e.arm(time_point::clock::now() + 10h));
    CHECK_FALSE(e.disarm());
}

TEST_CASE("an earlier deadline is not missed for a later one that came before it") {
    fixture f;
    deadlines::entry later(*f.all, f.socket), soon(*f.all, f.socket);
    later.arm(time_point::clock::now() + 10h);
    f.context.run_for(300ms); // the ticks have grown
    f.context.restart();
    auto const at = time_point::clock::now() + 2ms;
    soon.arm(at);
    while (time_point::clock::now() < at + 20ms)
        f.context.run_for(5ms);
    CHECK(soon.disarm());
    CHECK_FALSE(later.disarm());
}

TEST_CASE("the end of an entry disarms it, in whatever order they end") {
    fixture f;
    {
        deadlines::entry a(*f.all, f.socket);
        a.arm(time_point::clock::now() + 1ms);
        {
            deadlines::entry b(*f.all, f.socket), c(*f.all, f.socket);
            b.arm(time_point::clock::now() + 1ms);
            c.arm(time_point::clock::now() + 1ms);
        }
        f.context.run_for(20ms);
        CHECK(a.disarm());
    }
    f.context.restart();
    f.context.run(); // with nothing armed the timer ends, and the context with it
    deadlines::entry d(*f.all, f.socket);
    CHECK_FALSE(d.arm(time_point::clock::now() + 10h)); // nobody else is left
}

} // namespace
