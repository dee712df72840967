/// Checks that a request reported as `not_sent` is not sent later, and that a request that may have
/// been sent is reported as such.
#pragma once

#include <cloudflare/testing/detail/conformance/cancellation.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Ends a request at many different moments, each time with its own target. In the end `trial`
/// checks that no request reported as `not_sent` was received.
template <class End>
void at_many_moments(trial& t, bool tls, std::size_t body_size, End const& end_at) {
    t.serve(always({make_response(200)}), {.tls = tls, .read_delay = 60ms});
    for (auto const after : {0ms, 1ms, 2ms, 3ms, 5ms, 8ms, 13ms, 21ms, 34ms}) {
        auto const target = "/after" + std::to_string(after.count());
        if (!end_at(t.request(method::post, target, std::string(body_size, 'x')), after)) return;
    }
    std::this_thread::sleep_for(60ms); // the last one is read
}

inline bool end_by_deadline(trial& t, http::request const& r, std::chrono::milliseconds after) {
    auto const given = t.send(r, after);
    t.expect(given || given.error() == errc::deadline_exceeded, "it has another error");
    return true;
}

inline bool end_by_cancellation(trial& t, http::request const& r, std::chrono::milliseconds after) {
    auto const given = t.send_and_cancel(r, after);
    t.expect(!given || *given || given->error() == errc::cancelled, "it has another error");
    return given.has_value();
}

template <class End>
void at_many_moments(trial& t, std::size_t body_size, End const& end_it) {
    for (bool const tls : {false, true})
        at_many_moments(t, tls, body_size,
                        [&](http::request const& r, auto after) { return end_it(t, r, after); });
}

/// A server that resets the connection, or responds and closes it, while the body is on its way.
inline void check_large_body(trial& t, scripted_server_options how, ending then) {
    for (bool const tls : {false, true}) {
        how.tls = tls;
        t.serve(always(last(make_response(413, "too much", "Connection: close\r\n"), then)), how);
        auto const given = t.send(t.request(method::post, "/", vast_body()));
        if (given && how.early) {
            t.expect_response(given, 413, "too much");
        } else {
            t.expect_failure(given, delivery::unknown, {errc::connection_lost});
        }
    }
}

inline constexpr std::size_t small_body = 2, large = 2 << 20;

inline constexpr check delivery_checks[] = {
    {"what a deadline ends within the handshake is not sent later",
     [](trial& t) {
         for (auto const size : {small_body, large}) {
             auto& server =
                 t.serve(always({make_response(200)}), {.tls = true, .handshake_delay = 120ms});
             for (auto const timeout : {20ms, 60ms})
                 check_deadline(t, t.request(method::post, "/", std::string(size, 'x')),
                                delivery::not_sent, timeout);
             std::this_thread::sleep_for(200ms);
             t.expect(server.bytes_received() == 0, "bytes of the request were sent");
         }
     }},
    {"what a cancellation ends within the handshake is not sent later",
     [](trial& t) {
         for (auto const size : {small_body, large}) {
             auto& server =
                 t.serve(always({make_response(200)}), {.tls = true, .handshake_delay = 120ms});
             for (auto const after : {20ms, 60ms})
                 if (!check_cancelled(t, t.request(method::post, "/", std::string(size, 'x')),
                                      delivery::not_sent, after))
                     return;
             std::this_thread::sleep_for(200ms);
             t.expect(server.bytes_received() == 0, "bytes of the request were sent");
         }
     }},
    {"what a deadline ends at any moment is not sent where the transport says so (small)",
     [](trial& t) { at_many_moments(t, small_body, end_by_deadline); }},
    {"what a deadline ends at any moment is not sent where the transport says so (2 MiB)",
     [](trial& t) { at_many_moments(t, large, end_by_deadline); }},
    {"what a cancellation ends at any moment is not sent where the transport says so (small)",
     [](trial& t) { at_many_moments(t, small_body, end_by_cancellation); }},
    {"what a cancellation ends at any moment is not sent where the transport says so (2 MiB)",
     [](trial& t) { at_many_moments(t, large, end_by_cancellation); }},
    {"a reset amid a large body leaves the outcome unknown",
     [](trial& t) { check_large_body(t, {.reset_after = 1 << 20}, ending::read_on); }},
    {"a response and a close amid a large body are a response, or leave the outcome unknown",
     [](trial& t) {
         for (auto const how : {ending::close, ending::cut, ending::reset})
             check_large_body(t, {.early = true}, how);
     }},
    {"a deadline that cuts a body without a length leaves the outcome unknown",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             t.serve(always(last("HTTP/1.1 201 Created\r\n\r\n{\"success\":", ending::hang)),
                     {.tls = tls});
             check_deadline(t, t.request(method::post, "/", "{}"), delivery::unknown, 200ms);
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
