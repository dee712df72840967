#include <cloudflare/api/limiter.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using namespace cloudflare;
using namespace std::chrono_literals;

namespace limiter_tests {

namespace {

constexpr time_point start{1h};

/// Ten permits in ten seconds, all at once.
limiter small() {
    return limiter(limiter_options().permits(10).window(10s).burst(10).spread(0s));
}
limiter one_in_ten_seconds() {
    return limiter(limiter_options().permits(1).window(10s).spread(0s));
}

/// Sends a request that takes no time; false where it had to wait.
bool send(limiter const& l, time_point now, urgency kind = urgency::settles,
          std::optional<rate_limit> const& limit = std::nullopt) {
    limiter::permit p(l, kind);
    if (p.request(now)) {
        p.withdraw(now);
        return false;
    }
    p.ended(now, true, limit);
    return true;
}

/// How many of `count` requests at once need not wait.
int sent_of(int count, limiter const& l, time_point now, urgency kind = urgency::settles) {
    int sent = 0;
    for (int i = 0; i != count; ++i)
        sent += send(l, now, kind) ? 1 : 0;
    return sent;
}

/// Sends a request that meets with a 429; false where it had to wait.
bool refuse(limiter const& l, time_point now, std::optional<std::chrono::seconds> retry_after) {
    limiter::permit p(l, urgency::settles);
    bool const waits = p.request(now).has_value();
    p.refused(now, retry_after);
    return !waits;
}

} // namespace

TEST_CASE("a limiter's defaults are the API's") {
    limiter_options const o;
    CHECK(o.permits() == 1200);
    CHECK(o.window() == 5min);
    CHECK(o.reserve() == 40);
    CHECK_FALSE(o.keeps_reserve());
    CHECK(o.burst() == 200);
    CHECK(o.spread() == 25s);
    CHECK(o.ban() == 5min);
}

TEST_CASE("a limiter's settings outside their range are clamped") {
    CHECK(limiter_options().permits(0).permits() == 1);
    CHECK(limiter_options().permits(1'000'000).permits() == 100'000);
    CHECK(limiter_options().window(0s).window() == 1s);
    CHECK(limiter_options().window(48h).window() == 24h);
    CHECK(limiter_options().permits(10).reserve(8).reserve() == 5);
    CHECK(limiter_options().reserve(-1).reserve() == 0);
    CHECK(limiter_options().burst(0).burst() == 1);
    CHECK(limiter_options().permits(10).burst(11).burst() == 10);
    CHECK(limiter_options().ban(2h).ban() == 1h);
}

TEST_CASE("a window grants no more than its permits, and grants them again "
          "when it has passed") {
    auto const l = small();
    CHECK(sent_of(12, l, start) == 10);
    CHECK(sent_of(12, l, start + 9999ms) == 0);
    CHECK(sent_of(12, l, start + 10s) == 10);
}

TEST_CASE("a reserve that is set is left to others") {
    auto const l =
        limiter(limiter_options().permits(10).window(10s).burst(10).spread(0s).reserve(3));
    CHECK(sent_of(12, l, start) == 7);
}

TEST_CASE("a request counts until one window after its response, not after it "
          "was sent") {
    auto const l = small();
    limiter::permit slow(l, urgency::settles);
    CHECK_FALSE(slow.request(start));
    CHECK(sent_of(12, l, start) == 9);
    slow.ended(start + 5s, true, std::nullopt);
    CHECK(sent_of(12, l, start + 11s) == 9);
}

TEST_CASE("a call that has to wait is told when") {
    auto const l = small();
    for (int i = 0; i != 10; ++i)
        CHECK(send(l, start + i * 100ms));
    limiter::permit first(l, urgency::settles), second(l, urgency::settles);
    CHECK(first.request(start + 1s).value() == start + 10s);
    CHECK(second.request(start + 1s).value() == start + 10100ms);
}

TEST_CASE("calls are granted in the order in which they came, whoever asks first") {
    auto const l = one_in_ten_seconds();
    CHECK(send(l, start));
    limiter::permit first(l, urgency::settles), second(l, urgency::settles);
    CHECK(first.request(start + 1s));
    CHECK(second.request(start + 1s));
    CHECK(second.request(start + 10s));
    CHECK_FALSE(first.request(start + 10s));
}

TEST_CASE("what settles goes before what begins") {
    auto const l = one_in_ten_seconds();
    CHECK(send(l, start));
    limiter::permit begins(l, urgency::begins), settles(l, urgency::settles);
    CHECK(begins.request(start + 1s));
    CHECK(settles.request(start + 2s));
    CHECK(begins.request(start + 10s));
    CHECK_FALSE(settles.request(start + 10s));
    CHECK(urgency_of(idempotency::at_most_once) == urgency::begins);
    for (auto const kind : {idempotency::safe, idempotency::idempotent,
                            idempotency::idempotent_delete, idempotency::revokes})
        CHECK(urgency_of(kind) == urgency::settles);
}

TEST_CASE("a create under way keeps a permit for what settles it") {
    auto const l = limiter(limiter_options().permits(4).window(10s).burst(4).spread(0s));
    limiter::permit one(l, urgency::begins), two(l, urgency::begins), three(l, urgency::begins);
    CHECK_FALSE(one.request(start));
    CHECK_FALSE(two.request(start));
    CHECK(three.request(start));
    CHECK(sent_of(3, l, start) == 2);
}

TEST_CASE("a create under way keeps a permit of those that Ratelimit leaves, too") {
    auto const l = small();
    CHECK(send(l, start, urgency::settles, rate_limit{3, 60s}));
    limiter::permit one(l, urgency::begins), two(l, urgency::begins), three(l, urgency::begins);
    CHECK_FALSE(one.request(start));
    CHECK_FALSE(two.request(start));
    CHECK(three.request(start));
    CHECK(send(l, start));
}

TEST_CASE("a waiting call that is withdrawn or destroyed gives its place back") {
    for (bool const destroyed : {true, false}) {
        CAPTURE(destroyed);
        auto const l = one_in_ten_seconds();
        CHECK(send(l, start));
        auto first = std::make_unique<limiter::permit>(l, urgency::settles);
        limiter::permit second(l, urgency::settles);
        CHECK(first->request(start + 1s));
        CHECK(second.request(start + 1s));
        if (destroyed) {
            first.reset();
        } else {
            first->withdraw(start + 2s);
        }
        CHECK_FALSE(second.request(start + 10s));
    }
}

TEST_CASE("a request that was not sent does not count; one that was abandoned does") {
    auto const l = small();
    CHECK(sent_of(9, l, start) == 9);
    for (bool const sent : {false, true}) {
        limiter::permit p(l, urgency::settles);
        CHECK_FALSE(p.request(start));
        if (!sent) p.withdraw(start);
    }
    CHECK_FALSE(send(l, start));
}

TEST_CASE("whoever insists gets a permit, and it counts") {
    auto const l = small();
    CHECK(sent_of(10, l, start) == 10);
    limiter::permit p(l, urgency::settles);
    CHECK(p.request(start));
    p.insist(start);
    CHECK_FALSE(p.request(start));
    p.ended(start + 5s, true, std::nullopt);
    CHECK(sent_of(10, l, start + 12s) == 9);
}

TEST_CASE("whoever insists is no probe that others wait for") {
    auto const l = small();
    CHECK(send(l, start));
    limiter::permit p(l, urgency::settles);
    p.insist(start + 5s);
    CHECK(send(l, start + 5s));
}

TEST_CASE("who had to wait while a tenth of the window was silent is a probe") {
    for (auto const wait : {999ms, 1000ms}) {
        CAPTURE(wait.count());
        auto const l = limiter(limiter_options().permits(10).window(10s).burst(1).spread(1s));
        CHECK(send(l, start));
        limiter::permit waiting(l, urgency::settles), other(l, urgency::settles);
        CHECK(waiting.request(start));
        CHECK_FALSE(waiting.request(start + wait));
        CHECK(other.request(start + wait + 200ms).has_value() == (wait == 1000ms));
    }
}

TEST_CASE("more requests than the permits push the oldest out of the count") {
    auto const l = small();
    CHECK(sent_of(9, l, start) == 9);
    CHECK(send(l, start + 5s));
    limiter::permit p(l, urgency::settles);
    p.insist(start + 5s);
    p.ended(start + 6s, true, std::nullopt);
    CHECK(sent_of(12, l, start + 10s) == 8);
}

TEST_CASE("an abandoned request counts until a window later") {
    auto const l = one_in_ten_seconds();
    {
        limiter::permit p(l, urgency::settles);
        CHECK_FALSE(p.request(start));
    }
    CHECK_FALSE(send(l, start + 9999ms));
    CHECK(send(l, start + 10s));
}

TEST_CASE("what is granted at once is a burst, the rest comes spread") {
    auto const l = limiter(limiter_options().permits(100).window(100s).burst(20).spread(100s));
    CHECK(sent_of(100, l, start) == 20);
    limiter::permit p(l, urgency::settles);
    CHECK(p.request(start).value() == start + 1s);
    p.withdraw(start);
    CHECK(sent_of(100, l, start + 5s) == 5);
}

TEST_CASE("before the first response few are granted at once") {
    auto const l = limiter();
    std::vector<std::unique_ptr<limiter::permit>> under_way;
    for (int i = 0; i != 100; ++i) {
        under_way.push_back(std::make_unique<limiter::permit>(l, urgency::settles));
        auto const until = under_way.back()->request(start);
        CHECK(until.has_value() == (i >= 20));
        if (until) {
            CHECK(*until <= start + 100ms);
        }
    }
    under_way.front()->ended(start + 50ms, true, std::nullopt);
    for (int i = 20; i != 100; ++i)
        CHECK_FALSE(under_way[static_cast<std::size_t>(i)]->request(start + 100ms));
}

TEST_CASE("Ratelimit narrows what is granted, until it resets") {
    auto const l = small();
    CHECK(send(l, start, urgency::settles, rate_limit{3, 60s}));
    CHECK(sent_of(10, l, start) == 3);
    limiter::permit p(l, urgency::settles);
    CHECK(p.request(start).value() >= start + 10s);
}

TEST_CASE("what others use is expected of them until Ratelimit resets, and left to them") {
    for (std::int64_t const others : {0, 100}) {
        CAPTURE(others);
        auto const l = limiter(limiter_options().permits(300).window(300s).burst(300).spread(0s));
        CHECK(send(l, start, urgency::settles, rate_limit{299, 300s}));
        CHECK(send(l, start + 10s, urgency::settles, rate_limit{298 - others, 290s}));
        CHECK(send(l, start + 11s) == (others == 0));
    }
}

TEST_CASE("Ratelimit never widens what is granted") {
    auto const l = small();
    CHECK(send(l, start, urgency::settles, rate_limit{1'000'000, 1s}));
    CHECK(sent_of(20, l, start) == 9);
}

TEST_CASE("after a 429 nothing is sent until Retry-After, and a little longer") {
    auto const l = small();
    CHECK(refuse(l, start, 60s));
    limiter::permit p(l, urgency::settles);
    auto const until = p.request(start).value();
    CHECK(until > start + 60s);
    CHECK(until < start + 61s);
    CHECK(p.request(start + 59s).value() == until);
    CHECK_FALSE(p.request(until));
}

TEST_CASE("requests that are refused together make the wait no longer") {
    auto const l = small();
    limiter::permit one(l, urgency::settles), two(l, urgency::settles), other(l, urgency::settles);
    CHECK_FALSE(one.request(start));
    CHECK_FALSE(two.request(start));
    one.refused(start, 60s);
    two.refused(start, 60s);
    CHECK(other.request(start).value() < start + 61s);
}

TEST_CASE("after a 429 without Retry-After nothing is sent for five minutes") {
    auto const l = limiter();
    CHECK(refuse(l, start, std::nullopt));
    limiter::permit p(l, urgency::settles);
    CHECK(p.request(start).value() >= start + 5min);
    CHECK(p.request(start).value() < start + 5min + 5s);
}

TEST_CASE("a Retry-After of years is clamped to an hour") {
    auto const l = limiter();
    CHECK(refuse(l, start, std::chrono::seconds(4'294'967'295)));
    limiter::permit p(l, urgency::settles);
    CHECK(p.request(start).value() < start + 1h + 1min);
}

TEST_CASE("the call that was refused is the probe once it has waited; its "
          "success ends the ban") {
    for (std::optional<std::chrono::seconds> const asked :
         {std::optional(7s), std::optional<std::chrono::seconds>()}) {
        CAPTURE(asked.has_value());
        auto const l = limiter();
        limiter::permit refused(l, urgency::settles), other(l, urgency::settles);
        CHECK_FALSE(refused.request(start));
        refused.refused(start, asked);
        if (asked) {
            CHECK(refused.request(start + 6s));
        }
        auto const later = start + asked.value_or(0s);
        CHECK(other.request(later));
        CHECK_FALSE(refused.request(later));
        CHECK(other.request(later));
        refused.ended(later, true, std::nullopt);
        CHECK_FALSE(other.request(later + 1ms));
    }
}

TEST_CASE("after a 429 fewer are granted, for an hour") {
    auto const l = limiter(limiter_options().permits(800).window(10s).burst(800).spread(0s));
    CHECK(send(l, start));
    CHECK(refuse(l, start, 10s));
    CHECK(send(l, start + 20s));
    CHECK(sent_of(800, l, start + 20001ms) == 499);
    CHECK(send(l, start + 2h));
    CHECK(sent_of(800, l, start + 2h + 1ms) == 799);
}

TEST_CASE("after a ban one request goes first, and the others wait for its "
          "response") {
    auto const l = small();
    CHECK(refuse(l, start, 60s));
    auto const later = start + 70s;
    limiter::permit probe(l, urgency::settles), other(l, urgency::settles);
    CHECK_FALSE(probe.request(later));
    CHECK(other.request(later).value() < later + 1s);
    CHECK(other.request(later).value() >= later + 100ms);
    CHECK(other.request(later + 100ms));
    probe.ended(later + 200ms, true, std::nullopt);
    CHECK_FALSE(other.request(later + 200ms));
}

TEST_CASE("the response to another request than the probe lets nobody go") {
    auto const l = small();
    limiter::permit slow(l, urgency::settles), probe(l, urgency::settles);
    limiter::permit other(l, urgency::settles);
    CHECK_FALSE(slow.request(start));
    CHECK(refuse(l, start, 60s));
    auto const later = start + 70s;
    CHECK_FALSE(probe.request(later));
    slow.ended(later, false, std::nullopt);
    CHECK(other.request(later + 1ms));
    probe.ended(later, true, std::nullopt);
    CHECK_FALSE(other.request(later + 2ms));
}

TEST_CASE("a response that comes after a 429, of a request sent before it, "
          "ends no ban") {
    auto const l = small();
    limiter::permit slow(l, urgency::settles), other(l, urgency::settles);
    CHECK_FALSE(slow.request(start));
    CHECK(refuse(l, start, 60s));
    slow.ended(start + 1s, true, std::nullopt);
    CHECK(other.request(start + 1s).value() > start + 60s);
}

TEST_CASE("a probe that is refused makes the next wait longer") {
    auto const l = small();
    CHECK(refuse(l, start, 10s));
    auto const second = start + 11s;
    CHECK(refuse(l, second, 10s));
    limiter::permit p(l, urgency::settles);
    CHECK(p.request(second).value() - second >= 20s);
}

TEST_CASE("without Ratelimit the last third of a window's permits goes one request at a time") {
    for (bool const told : {false, true}) {
        CAPTURE(told);
        auto const l = limiter(limiter_options().permits(30).window(300s).burst(30).spread(1s));
        auto const says = told ? std::optional(rate_limit{29, 300s}) : std::nullopt;
        CHECK(send(l, start, urgency::settles, says));
        CHECK(sent_of(19, l, start) == 19);
        auto const now = start + 2s;
        auto first = std::make_unique<limiter::permit>(l, urgency::settles);
        limiter::permit second(l, urgency::settles), third(l, urgency::settles);
        CHECK_FALSE(first->request(now));
        CHECK(second.request(now).has_value() != told);
        if (told) continue;
        CHECK(second.request(now).value() <= now + 50ms);
        CHECK(third.request(now).value() > second.request(now).value());
        first->ended(now + 10ms, true, std::nullopt);
        CHECK_FALSE(second.request(now + 10ms));
        CHECK(third.request(now + 900ms));        // `second` is under way ...
        CHECK_FALSE(third.request(now + 1010ms)); // ... and does not end
        second.ended(now + 2s, true, std::nullopt);
        third.withdraw(now + 2s);
        CHECK(sent_of(30, l, start + 400s) == 30);
    }
}

TEST_CASE("a 429 for the first request after a silence means that others prolong the ban") {
    auto const l = limiter(limiter_options().permits(2).window(300s).burst(2).spread(0s));
    CHECK(sent_of(2, l, start) == 2);
    limiter::permit first(l, urgency::settles), next(l, urgency::settles);
    auto const until = first.request(start).value();
    CHECK_FALSE(first.request(until));
    first.refused(until, 300s);
    CHECK(next.request(until).value() - until >= 600s);
    CHECK(next.request(until).value() - until < 610s);
}

TEST_CASE("copies of a limiter share one count; off grants all") {
    auto const l = small();
    auto const copy = l;
    CHECK(sent_of(6, l, start) == 6);
    CHECK(sent_of(6, copy, start) == 4);
    CHECK(limiter::off().is_off());
    CHECK_FALSE(l.is_off());
    CHECK(sent_of(5000, limiter::off(), start) == 5000);
}

TEST_CASE("a clock that goes back breaks nothing") {
    auto const l = small();
    CHECK(sent_of(10, l, start) == 10);
    CHECK(sent_of(10, l, start - 30min) == 0);
    CHECK(sent_of(10, l, start + 10s) == 10);
}

TEST_CASE("threads that share a limiter get no more than its permits together") {
    auto const l = limiter(limiter_options().permits(1000).window(1h).burst(1000).spread(0s));
    CHECK(send(l, start));
    std::atomic<int> sent = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i != 4; ++i)
        threads.emplace_back([&] { sent += sent_of(500, l, start); });
    for (auto& t : threads)
        t.join();
    CHECK(sent == 999);
}

} // namespace limiter_tests
