/// Checks of a transport's clock, and of its sleep.
#pragma once

#include <cloudflare/testing/detail/conformance/failures.hpp>

namespace cloudflare::inline v0::testing::detail {

using clock = time_point::clock;

/// Sleeps by the transport; returns whether it can.
inline bool check_sleep(trial& t, std::chrono::milliseconds time) {
    auto const begin = clock::now();
    if (!t.transport().sleep_until(begin + time)) {
        t.skip();
        return false;
    }
    auto const slept = clock::now() - begin;
    t.expect(slept >= time, "it ended before its time");
    t.expect(slept < (std::max)(time, 0ms) + 1500ms, "it ended seconds after its time");
    return true;
}

inline constexpr check time_checks[] = {
    {"`now` goes on as the clock of `time_point` does",
     [](trial& t) {
         t.make_transport();
         auto const before = clock::now();
         auto const first = t.transport().now();
         if (!first) return t.skip();
         auto const after = clock::now();
         auto last = *first;
         for (int i = 0; i != 1000; ++i) {
             auto const next = *t.transport().now();
             t.expect(next >= last, "it went back");
             last = next;
         }
         std::this_thread::sleep_for(100ms);
         auto const then = clock::now();
         auto const passed = *t.transport().now() - *first;
         t.expect(passed >= then - after - 2ms, "it is too slow");
         t.expect(passed <= clock::now() - before + 2ms, "it is too fast");
     }},
    {"a deadline is counted by `now`",
     [](trial& t) {
         t.serve(always(last("", ending::hang)));
         auto const now = t.transport().now();
         if (!now) return t.skip();
         auto const begin = clock::now();
         auto const r = t.request(method::post, "/", "{}");
         auto const given = t.note(r, t.transport().send(r, *now + 250ms));
         t.expect_failure(given, delivery::unknown, {errc::deadline_exceeded});
         t.expect(clock::now() - begin < 3s, "it ended seconds after its deadline");
         t.expect(clock::now() - begin > 200ms, "it ended before its deadline");
     }},
    {"a sleep ends at its time",
     [](trial& t) {
         t.make_transport();
         for (auto const time : {1ms, 20ms, 150ms})
             if (!check_sleep(t, time)) return;
     }},
    {"a sleep until a time that has passed ends at once",
     [](trial& t) {
         t.make_transport();
         for (std::chrono::milliseconds const time : {0ms, -1ms, -3600'000ms})
             if (!check_sleep(t, time)) return;
         static_cast<void>(t.transport().sleep_until(time_point()));
     }},
    {"a sleep that is cancelled ends early, and what is sent then is cancelled",
     [](trial& t) {
         for (auto const after : {0ms, 60ms}) {
             auto& server = t.serve(always({make_response(200)}));
             auto const r = t.request(method::post, "/", "{}");
             auto const begin = clock::now();
             auto const given =
                 t.transport().sleep_and_send_and_cancel(r, begin + 5s, begin + 10s, after);
             if (!given) return t.skip();
             t.expect(clock::now() - begin < 3s, "it slept on");
             t.expect_failure(t.note(r, *given), delivery::not_sent, {errc::cancelled});
             t.expect(server.requests().empty(), "the request was sent");
         }
     }},
    {"the deadline ends a look-up, and the transport ends too",
     [](trial& t) {
         if (t.subject().hanging_host.empty()) return t.skip();
         t.make_transport();
         auto const begin = clock::now();
         check_deadline(t, request_to("http://" + t.subject().hanging_host), delivery::not_sent);
         t.end();
         t.expect(clock::now() - begin < 3s, "the transport waited for the look-up at its end");
     }},
};

} // namespace cloudflare::inline v0::testing::detail
