/// Checks of how a transport fails: code and delivery of the error, and the deadline.
#pragma once

#include <cloudflare/testing/detail/conformance/responses.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Expects that a request ends by its deadline, and not long after it.
inline void check_deadline(trial& t, http::request const& r, delivery reached,
                           std::chrono::milliseconds timeout = 150ms) {
    auto const begin = time_point::clock::now();
    t.expect_failure(t.send(r, timeout), reached, {errc::deadline_exceeded});
    auto const passed = time_point::clock::now() - begin;
    t.expect(passed < 3s, "it ended seconds after its deadline");
    t.expect(passed > timeout - 20ms, "it ended before its deadline");
}

[[nodiscard]] inline http::request request_to(std::string const& origin) {
    http::request r{.origin = http::origin::parse(origin).value(), .method = method::post};
    r.target = "/";
    r.repeatable = false;
    return r;
}

/// Larger than the buffers of two sockets.
[[nodiscard]] inline std::string vast_body() {
    return std::string(std::size_t{24} << 20, 'x');
}

/// Expects that a handshake that ends early, after the ClientHello or during the server's part, is
/// reported as a lost connection and not as failed TLS, because another attempt may succeed.
inline void check_handshake_ended(trial& t, bool reset) {
    for (std::size_t const end_after : {0U, 300U}) {
        auto& server = t.serve_tls(always({make_response(200)}));
        relay const bad(server.port(), {.end_after = end_after, .reset = reset});
        auto r = t.request(method::post, "/", "{}");
        r.origin = server.origin("127.0.0.1", bad.port());
        t.expect_failure(t.send(r), delivery::not_sent, {errc::connection_lost});
    }
}

inline constexpr check failure_checks[] = {
    {"nothing was sent where the connection is refused",
     [](trial& t) {
         std::uint16_t port = 0;
         {
             scripted_server closed_server(always({}));
             port = closed_server.port();
         }
         t.make_transport();
         t.expect_failure(t.send(request_to("http://127.0.0.1:" + std::to_string(port))),
                          delivery::not_sent, {errc::connect_failed});
     }},
    {"nothing was sent where the name has no address",
     [](trial& t) {
         t.make_transport();
         t.expect_failure(t.send(request_to("http://no-such-host.invalid")), delivery::not_sent,
                          {errc::resolve_failed});
     }},
    {"nothing was sent where the handshake is not TLS, or ends early",
     [](trial& t) {
         for (auto const first : {greeting::close, greeting::garbage}) {
             t.serve(always({make_response(200)}), {.first = first});
             auto const where = "https://127.0.0.1:" + std::to_string(t.server().port());
             t.expect_failure(t.send(request_to(where)), delivery::not_sent,
                              {errc::tls_failed, errc::connection_lost});
         }
     }},
    {"the connection was lost where it is closed within the handshake",
     [](trial& t) { check_handshake_ended(t, false); }},
    {"the connection was lost where it is reset within the handshake",
     [](trial& t) { check_handshake_ended(t, true); }},
    {"the outcome is unknown where the connection is closed before a response",
     [](trial& t) {
         for (bool const tls : {false, true})
             for (auto const how : {ending::close, ending::cut})
                 t.expect_failure(receive(t, last("", how), tls), delivery::unknown,
                                  {errc::connection_lost});
     }},
    {"the outcome is unknown where the connection is reset before a response",
     [](trial& t) {
         for (bool const tls : {false, true})
             t.expect_failure(receive(t, last("", ending::reset), tls), delivery::unknown,
                              {errc::connection_lost});
     }},
    {"the outcome is unknown where the connection is reset within a response",
     [](trial& t) {
         auto const half = make_response(200, "whole").substr(0, 30);
         for (bool const tls : {false, true})
             t.expect_failure(receive(t, last(half, ending::reset), tls), delivery::unknown,
                              {errc::connection_lost});
     }},
    {"a deadline that has passed sends nothing",
     [](trial& t) {
         auto& server = t.serve(always({make_response(200)}));
         t.expect_failure(t.send(t.request(), -1ms), delivery::not_sent, {errc::deadline_exceeded});
         t.expect_response(t.send(), 200, ""); // a connection is open now
         t.expect_failure(t.send(t.request(), -1ms), delivery::not_sent, {errc::deadline_exceeded});
         t.expect(server.requests().size() == 1, "the server saw a request");
     }},
    {"a response shortly before the deadline is taken",
     [](trial& t) {
         for (auto const before : {50ms, 1100ms}) { // no deadline counts in whole seconds
             t.serve(always({.bytes = make_response(200, "{}"), .pause = before}));
             t.expect_response(t.send(t.request(method::post, "/", "{}"), before + 700ms), 200,
                               "{}");
         }
     }},
    {"a deadline at the end of time is one",
     [](trial& t) {
         t.serve(always({make_response(200, "{}")}));
         auto const r = t.request(method::post, "/", "{}");
         t.expect_response(t.note(r, t.transport().send(r, (time_point::max)())), 200, "{}");
     }},
    {"calls that end by their deadlines leave what others need",
     [](trial& t) {
         t.serve([](seen_request const& seen) {
             return target_of(seen.bytes) == "/good"
                        ? reply{.bytes = make_response(200, "{}")}
                        : reply{.bytes = make_response(200), .pause = 20ms};
         });
         for (int i = 0; i != 80; ++i)
             static_cast<void>(t.send(t.request(method::get, "/late"), 4ms));
         t.expect_response(t.send(t.request(method::post, "/good", "{}"), 3s), 200, "{}");
     }},
    {"the deadline ends connecting",
     [](trial& t) {
         full_listener const full;
         t.make_transport();
         check_deadline(t, request_to("http://127.0.0.1:" + std::to_string(full.port())),
                        delivery::not_sent);
     }},
    {"the deadline ends the TLS handshake",
     [](trial& t) {
         t.serve(always({}), {.tls = true, .first = greeting::hang});
         check_deadline(t, t.request(method::post, "/", "{}"), delivery::not_sent);
     }},
    {"the deadline ends a TLS handshake that comes byte by byte",
     [](trial& t) {
         auto& server = t.serve_tls(always({make_response(200)}));
         relay const slow(server.port(), {.piece_size = 1, .pause = 10ms});
         auto r = t.request(method::post, "/", "{}");
         r.origin = server.origin("127.0.0.1", slow.port());
         check_deadline(t, r, delivery::not_sent, 250ms);
     }},
    {"the deadline ends sending",
     [](trial& t) {
         t.serve(always({}), {.first = greeting::hang});
         check_deadline(t, t.request(method::post, "/", vast_body()), delivery::unknown, 1s);
     }},
    {"the deadline ends waiting for the response",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             t.serve(always(last("", ending::hang)), {.tls = tls});
             check_deadline(t, t.request(method::post, "/", "{}"), delivery::unknown);
         }
     }},
    {"the deadline ends a response in its header",
     [](trial& t) {
         reply r{.bytes = make_response(200, "{}", "A: b\r\n"), .piece_size = 1, .pause = 40ms};
         t.serve(always(r));
         check_deadline(t, t.request(method::post, "/", "{}"), delivery::unknown);
     }},
    {"the deadline ends a response in its body",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             reply r{.bytes = make_response(200, std::string(1000, 'x')), .piece_size = 50};
             r.pause = 40ms;
             t.serve(always(r), {.tls = tls});
             check_deadline(t, t.request(method::post, "/", "{}"), delivery::unknown);
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
