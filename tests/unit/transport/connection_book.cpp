#include <cloudflare/transport/detail/connection_book.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace connection_book_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using clock_time = detail::boot_clock::time_point;

struct caller {};
/// A connection is a number here; its end is seen in `closing`.
using connection = std::unique_ptr<int>;
using book = detail::connection_book<connection, caller>;

http::origin const one = http::origin::parse("https://one.example").value();
http::origin const two = http::origin::parse("https://two.example").value();
constexpr auto ever = std::chrono::hours(24);
clock_time const t0{1000s};

std::vector<int> numbers(std::vector<book::retired> const& closed) {
    std::vector<int> all;
    for (auto const& c : closed)
        all.push_back(*c.connection);
    return all;
}

struct fixture {
    book b;
    std::vector<book::retired> closing{};
    explicit fixture(std::size_t per_host = 100, std::size_t total = 100, std::size_t idle = 16)
        : b({per_host, total, idle}) {}

    /// Takes a place: the number of the idle connection in it, 0 without one, -1 for no place.
    int take(http::origin const& origin, clock_time now = t0, std::chrono::nanoseconds age = ever) {
        auto const taken = b.take(b.find(origin), now, age, closing);
        if (!taken) return -1;
        return *taken ? ***taken : 0;
    }
    void keep(http::origin const& origin, int number, clock_time now = t0) {
        b.keep(b.find(origin), std::make_unique<int>(number), now, closing);
    }
};

TEST_CASE("the connection used last is used again, each once") {
    fixture f;
    CHECK(f.take(one) == 0);
    CHECK(f.take(one) == 0);
    f.keep(one, 1);
    f.keep(one, 2);
    CHECK(f.take(one) == 2);
    CHECK(f.take(one) == 1);
    CHECK(f.take(one) == 0);
    CHECK(f.closing.empty());
}

TEST_CASE("an origin's connections are not another's") {
    fixture f;
    CHECK(f.take(one) == 0);
    f.keep(one, 1);
    CHECK(f.take(two) == 0);
    CHECK(f.b.find(one).open() == 1);
    CHECK(f.b.find(two).open() == 1);
    CHECK(f.b.find(one).idle() == 1);
}

TEST_CASE("a host is the same whatever its case, and not with another port or scheme") {
    fixture f;
    CHECK(&f.b.find(one) == &f.b.find(http::origin::parse("https://ONE.example").value()));
    CHECK(&f.b.find(one) != &f.b.find(http::origin::parse("http://one.example").value()));
    CHECK(&f.b.find(one) != &f.b.find(http::origin::parse("https://one.example:444").value()));
}

TEST_CASE("a connection may have been idle for as long as the request allows") {
    fixture f;
    CHECK(f.take(one) == 0);
    f.keep(one, 1, t0);
    CHECK(f.take(one, t0 + 5s, 4999ms) == 0); // too old: a new one
    CHECK(f.b.find(one).open() == 2);
    CHECK(f.take(one, t0 + 5s, 5s) == 1);
}

TEST_CASE("places are bounded for a host and in all") {
    fixture f(2, 3);
    CHECK(f.take(one) == 0);
    CHECK(f.take(one) == 0);
    CHECK(f.take(one) == -1);
    CHECK(f.take(two) == 0);
    CHECK(f.take(two) == -1);
    f.b.free_slot(f.b.find(one));
    CHECK(f.take(two) == 0);
    CHECK(f.take(one) == -1);
}

TEST_CASE("an idle connection that is too old makes way for a new one to its host") {
    fixture f(1);
    CHECK(f.take(one) == 0);
    f.keep(one, 1, t0);
    CHECK(f.take(one, t0 + 10s, 5s) == 0);
    CHECK(numbers(f.closing) == std::vector{1});
    CHECK(f.b.find(one).open() == 1);
}

TEST_CASE("the oldest idle connection of all makes way for one to another host") {
    fixture f(100, 3);
    for (int i = 1; i <= 3; ++i)
        CHECK(f.take(i == 2 ? two : one) == 0);
    f.keep(two, 2, t0);
    f.keep(one, 1, t0 + 1s);
    f.keep(one, 3, t0 + 2s);
    auto const three = http::origin::parse("https://three.example").value();
    CHECK(f.take(three, t0 + 3s) == 0);
    CHECK(numbers(f.closing) == std::vector{2});
    CHECK(f.b.find(two).open() == 0);
}

TEST_CASE(
    "more idle connections than are kept close the oldest, and none are kept where none may be") {
    fixture f(100, 100, 2);
    for (int i = 0; i != 3; ++i)
        CHECK(f.take(one) == 0);
    for (int i = 1; i <= 3; ++i)
        f.keep(one, i, t0 + std::chrono::seconds(i));
    CHECK(numbers(f.closing) == std::vector{1});
    CHECK(f.b.find(one).open() == 2);

    fixture none(100, 100, 0);
    CHECK(none.take(one) == 0);
    none.keep(one, 1);
    CHECK(numbers(none.closing) == std::vector{1});
    CHECK(none.b.find(one).open() == 0);
}

TEST_CASE("connections past their time are closed, of every host, and younger ones stay") {
    fixture f;
    for (auto const& origin : {one, one, two})
        CHECK(f.take(origin) == 0);
    f.keep(one, 1, t0);
    f.keep(one, 2, t0 + 20s);
    f.keep(two, 3, t0 + 1s);
    f.b.close_older(t0 + 31s, 30s, f.closing);
    CHECK(numbers(f.closing) == std::vector{1});
    f.b.close_older(t0 + 31s + 1ns, 30s, f.closing);
    CHECK(numbers(f.closing) == std::vector{1, 3});
    CHECK(f.take(one, t0 + 31s) == 2);
    f.b.close_all_idle(close_reason::close_idle, f.closing);
    CHECK(f.closing.size() == 2);
    f.keep(one, 2, t0 + 32s);
    f.b.close_all_idle(close_reason::close_idle, f.closing);
    CHECK(numbers(f.closing) == std::vector{1, 3, 2});
    CHECK(f.b.find(one).open() == 0);
}

TEST_CASE("each connection is closed for a reason, which the event says") {
    fixture f(2, 3, 1);
    CHECK(f.take(one) == 0);
    CHECK(f.take(one) == 0);
    f.keep(one, 1, t0);
    f.keep(one, 2, t0); // one more than are kept
    CHECK(f.take(one, t0 + 10s, 5s) == 0);
    CHECK(f.take(one, t0 + 10s, 5s) == 0); // the idle one is in the way
    CHECK(f.take(two) == 0);
    f.keep(two, 3, t0 + 10s);
    auto const three = http::origin::parse("https://three.example").value();
    CHECK(f.take(three, t0 + 10s) == 0); // of all origins together
    f.keep(three, 4, t0 + 10s);
    f.b.close_older(t0 + 41s, 30s, f.closing);
    f.keep(one, 5, t0 + 41s);
    f.b.close_all_idle(close_reason::shutdown, f.closing);
    std::vector<close_reason> reasons;
    for (auto const& c : f.closing)
        reasons.push_back(c.why);
    CHECK(numbers(f.closing) == std::vector{1, 2, 3, 4, 5});
    CHECK(reasons == std::vector{close_reason::idle_limit, close_reason::displaced,
                                 close_reason::displaced, close_reason::idle_timeout,
                                 close_reason::shutdown});
}

TEST_CASE("connections, idle ones and waiters are counted over all origins") {
    fixture f(1, 2);
    CHECK(f.b.counts() == connection_counts{});
    caller a, b;
    CHECK(f.take(one) == 0);
    CHECK(f.take(two) == 0);
    f.b.enqueue(f.b.find(one), a);
    auto const place = f.b.enqueue(f.b.find(two), b);
    CHECK(f.b.counts() == connection_counts{.open = 2, .idle = 0, .waiting = 2});
    f.keep(one, 1);
    f.b.leave(f.b.find(two), place);
    CHECK(f.b.counts() == connection_counts{.open = 2, .idle = 1, .waiting = 1});
    f.b.free_slot(f.b.find(two));
    f.b.dismiss_all([](caller&) {});
    CHECK(f.b.counts() == connection_counts{.open = 1, .idle = 1, .waiting = 0});
}

TEST_CASE("an event of a connection is one line that says what happened and why") {
    auto const line = [](connection_event const& e) {
        std::ostringstream out;
        out << e;
        return out.str();
    };
    connection_event e{.change = connection_change::opened, .origin = one};
    e.connection = 3;
    e.elapsed = 24ms;
    e.session_resumed = true;
    CHECK(line(e) == "https://one.example: connection 3 opened in 24 ms, TLS session resumed");
    e.change = connection_change::reused;
    e.requests = 1;
    CHECK(line(e) == "https://one.example: connection 3 reused after 1 request in 24 ms");
    error const lost(errc::connection_lost);
    e.change = connection_change::closed;
    e.requests = 2;
    e.why = close_reason::request_failed;
    e.failure = &lost;
    CHECK(line(e) == "https://one.example: connection 3 closed after 2 requests in 24 ms: the "
                     "request failed: " +
                         lost.to_string());
    connection_event failed{.change = connection_change::open_failed, .origin = two};
    failed.failure = &lost;
    CHECK(line(failed) ==
          "https://two.example: connection not opened in 0 ms: " + lost.to_string());
    std::ostringstream counts;
    counts << connection_counts{.open = 3, .idle = 2, .waiting = 1};
    CHECK(counts.str() == "3 open, 2 idle, 1 waiting");
}

TEST_CASE("an idle connection taken in exchange frees a slot") {
    fixture f(2);
    CHECK(f.take(one) == 0);
    CHECK(f.take(one) == 0);
    f.keep(one, 1);
    CHECK(f.b.find(one).open() == 2);
    auto const other = f.b.exchange(f.b.find(one), t0, ever);
    REQUIRE(other);
    CHECK(**other == 1);
    CHECK(f.b.find(one).open() == 1);
    CHECK_FALSE(f.b.exchange(f.b.find(one), t0, ever));
    CHECK(f.b.find(one).open() == 1);
}

TEST_CASE("waiters are served in the order of arrival, where there is a slot") {
    fixture f(1, 100);
    caller a, b, c;
    CHECK(f.take(one) == 0);
    CHECK(f.take(two) == 0);
    auto const pa = f.b.enqueue(f.b.find(one), a);
    auto const pb = f.b.enqueue(f.b.find(two), b);
    f.b.enqueue(f.b.find(one), c);
    CHECK(f.b.next_to_serve() == nullptr);
    f.b.free_slot(f.b.find(two));
    CHECK(f.b.next_to_serve() == &b); // a came first, and there is nothing for it
    f.b.free_slot(f.b.find(one));
    CHECK(f.b.next_to_serve() == &a);
    f.b.leave(f.b.find(one), pa);
    CHECK(f.b.next_to_serve() == &b);
    f.b.leave(f.b.find(two), pb);
    CHECK(f.b.next_to_serve() == &c);
}

TEST_CASE("an idle connection counts as a slot, also another host's where the limit is the total") {
    fixture f(100, 1);
    caller a;
    CHECK(f.take(one) == 0);
    f.b.enqueue(f.b.find(two), a);
    CHECK(f.b.next_to_serve() == nullptr);
    f.keep(one, 1);
    CHECK(f.b.next_to_serve() == &a);
    CHECK(f.take(two) == 0);
    CHECK(numbers(f.closing) == std::vector{1});
    CHECK(f.b.next_to_serve() == nullptr);
}

TEST_CASE("all waiters can be rejected at once") {
    fixture f(1);
    caller a, b;
    CHECK(f.take(one) == 0);
    f.b.enqueue(f.b.find(one), a);
    f.b.enqueue(f.b.find(two), b);
    std::vector<caller*> dismissed;
    f.b.dismiss_all([&](caller& w) { dismissed.push_back(&w); });
    CHECK(dismissed == std::vector<caller*>{&a, &b});
    f.b.free_slot(f.b.find(one));
    CHECK(f.b.next_to_serve() == nullptr);
}

} // namespace
} // namespace connection_book_tests
