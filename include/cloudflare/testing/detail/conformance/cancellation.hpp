/// Checks of the outcome of a request that is cancelled; skipped where the transport cannot do
/// that.
#pragma once

#include <cloudflare/testing/detail/conformance/failures.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Expects that a cancelled request ends as cancelled; returns whether it can be cancelled.
inline bool check_cancelled(trial& t, http::request const& r, delivery reached,
                            std::chrono::milliseconds after = 100ms) {
    auto const begin = time_point::clock::now();
    auto const given = t.send_and_cancel(r, after);
    if (!given) return false;
    t.expect_failure(*given, reached, {errc::cancelled});
    t.expect(time_point::clock::now() - begin < 3s, "it ended seconds after it was cancelled");
    return true;
}

inline constexpr check cancellation_checks[] = {
    {"a cancellation ends a look-up",
     [](trial& t) {
         if (t.subject().hanging_host.empty()) return t.skip();
         t.make_transport();
         check_cancelled(t, request_to("http://" + t.subject().hanging_host), delivery::not_sent);
     }},
    {"a cancellation ends connecting",
     [](trial& t) {
         full_listener const full;
         t.make_transport();
         check_cancelled(t, request_to("http://127.0.0.1:" + std::to_string(full.port())),
                         delivery::not_sent);
     }},
    {"a cancellation ends the TLS handshake",
     [](trial& t) {
         t.serve(always({}), {.tls = true, .first = greeting::hang});
         check_cancelled(t, t.request(method::post, "/", "{}"), delivery::not_sent);
     }},
    {"a cancellation ends sending",
     [](trial& t) {
         t.serve(always({}), {.first = greeting::hang});
         check_cancelled(t, t.request(method::post, "/", vast_body()), delivery::unknown, 1s);
     }},
    {"a cancellation ends waiting for the response",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             t.serve(always(last("", ending::hang)), {.tls = tls});
             check_cancelled(t, t.request(method::post, "/", "{}"), delivery::unknown);
         }
     }},
    {"a cancellation ends a response in its body",
     [](trial& t) {
         reply r{
             .bytes = make_response(200, std::string(1000, 'x')), .piece_size = 50, .pause = 40ms};
         t.serve(always(r));
         check_cancelled(t, t.request(method::post, "/", "{}"), delivery::unknown);
     }},
    {"calls that are cancelled leave what others need",
     [](trial& t) {
         t.serve([](seen_request const& seen) {
             return target_of(seen.bytes) == "/good"
                        ? reply{.bytes = make_response(200, "{}")}
                        : reply{.bytes = make_response(200), .pause = 20ms};
         });
         for (int i = 0; i != 80; ++i)
             if (!t.send_and_cancel(t.request(method::get, "/late"), 4ms)) return;
         t.expect_response(t.send(t.request(method::post, "/good", "{}"), 3s), 200, "{}");
     }},
    {"a response that comes after a cancellation is not the response to the next request",
     [](trial& t) {
         reply late{.bytes = make_response(200, "late")};
         late.pause = 250ms;
         t.serve(in_turn({late, {make_response(200, "second")}}));
         if (!check_cancelled(t, t.request(), delivery::unknown)) return;
         std::this_thread::sleep_for(250ms);
         t.expect_response(t.send(), 200, "second");
     }},
};

} // namespace cloudflare::inline v0::testing::detail
