/// Checks of which connection a transport uses, and how often it sends.
#pragma once

#include <cloudflare/testing/detail/conformance/responses.hpp>

#include <thread>

namespace cloudflare::inline v0::testing::detail {

/// Waits until the last action of the server has arrived.
inline void let_arrive() {
    std::this_thread::sleep_for(50ms);
}

/// Sends twice, the second time over a connection that ends in this way without a response.
inline void check_sent_once(trial& t, method m, ending how, bool tls) {
    t.serve(in_turn({{make_response(200, "first")},
                     last("", how),
                     {make_response(200, "a second sending")}}),
            {.tls = tls});
    t.expect_response(t.send(), 200, "first");
    t.expect_failure(t.send(t.request(m, "/", m == method::post ? "{}" : "")), delivery::unknown,
                     {errc::connection_lost});
}

inline constexpr check connection_checks[] = {
    {"a connection is used again",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             auto& server = t.serve(always({make_response(200, "{}")}), {.tls = tls});
             for (int i = 0; i != 20; ++i)
                 t.expect_response(t.send(), 200, "{}");
             t.expect(server.connection_count() == 1,
                      std::to_string(server.connection_count()) + " connections for 20 requests");
         }
     }},
    {"a connection is used again after each kind of body",
     [](trial& t) {
         auto& server =
             t.serve(in_turn({{make_response(200)},
                              {chunked("abc", 2)},
                              {"HTTP/1.1 204 No Content\r\n\r\n"},
                              {"HTTP/1.1 304 Not Modified\r\n\r\n"},
                              {"HTTP/1.1 100 Continue\r\n\r\n" + make_response(404, "no")},
                              {make_response(200, "last")}}));
         for (int i = 0; i != 5; ++i)
             t.expect(t.send().has_value(), "no response");
         t.expect_response(t.send(), 200, "last");
         t.expect(server.connection_count() == 1, "more than one connection");
     }},
    {"a connection that says that it closes is not used again",
     [](trial& t) {
         auto const closing = make_response(200, "bye", "Connection: close\r\n");
         auto& server = t.serve(in_turn({{closing}, {closing}, {make_response(200, "last")}}));
         t.expect_response(t.send(), 200, "bye");
         t.expect_response(t.send(), 200, "bye");
         t.expect_response(t.send(), 200, "last");
         t.expect(server.connection_count() == 3, "it was");
     }},
    {"a connection that says that it closes is not used again, however it is written",
     [](trial& t) {
         for (std::string const field :
              {"connection:close", "Connection: Close", "Connection: keep-alive, close",
               "CONNECTION: \tCLOSE \t"}) {
             auto& server = t.serve(in_turn(
                 {{make_response(200, "bye", field + "\r\n")}, {make_response(200, "last")}}));
             t.expect_response(t.send(), 200, "bye");
             t.expect_response(t.send(), 200, "last");
             t.expect(server.connection_count() == 2, "it was: " + field);
         }
     }},
    {"a connection of HTTP/1.0 is not used again",
     [](trial& t) {
         auto& server = t.serve(in_turn(
             {{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"}, {make_response(200, "last")}}));
         t.expect_response(t.send(), 200, "{}");
         t.expect_response(t.send(), 200, "last");
         t.expect(server.connection_count() == 2, "it was");
     }},
    {"a connection that was closed while idle is not used again",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             for (auto const how : {ending::close, ending::cut, ending::reset}) {
                 t.serve(in_turn({last(make_response(200, "first"), how),
                                  {make_response(200, "second")}}),
                         {.tls = tls});
                 t.expect_response(t.send(), 200, "first");
                 let_arrive();
                 t.expect_response(t.send(t.request(method::post, "/", "{}")), 200, "second");
             }
         }
     }},
    {"a request that the server met with a close is not sent again (POST)",
     [](trial& t) {
         check_sent_once(t, method::post, ending::cut, false);
         check_sent_once(t, method::post, ending::cut, true);
     }},
    {"a request that the server met with a reset is not sent again (POST)",
     [](trial& t) {
         check_sent_once(t, method::post, ending::reset, false);
         check_sent_once(t, method::post, ending::reset, true);
     }},
    {"a request that the server met with a close is not sent again (GET)",
     [](trial& t) {
         check_sent_once(t, method::get, ending::cut, false);
         check_sent_once(t, method::get, ending::cut, true);
     }},
    {"bytes behind a response are not the response to the next request",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             t.serve(in_turn({{make_response(200, "first") + make_response(200, "injected")},
                              {make_response(200, "second")}}),
                     {.tls = tls});
             t.expect_response(t.send(), 200, "first");
             let_arrive();
             t.expect_response(t.send(), 200, "second");
         }
     }},
    {"bytes that come late behind a response are not the response to the next request",
     [](trial& t) {
         auto const first = make_response(200, "first");
         reply r{.bytes = first + make_response(200, "injected"), .piece_size = first.size()};
         r.pause = 10ms;
         t.serve(in_turn({r, {make_response(200, "second")}}));
         t.expect_response(t.send(), 200, "first");
         let_arrive();
         t.expect_response(t.send(), 200, "second");
     }},
    {"a response that comes after the deadline is not the response to the next request",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             reply late{.bytes = make_response(200, "late")};
             late.pause = 200ms;
             t.serve(in_turn({late, {make_response(200, "second")}}), {.tls = tls});
             t.expect_failure(t.send(t.request(), 100ms), delivery::unknown,
                              {errc::deadline_exceeded});
             std::this_thread::sleep_for(200ms);
             t.expect_response(t.send(), 200, "second");
         }
     }},
    {"a response that was refused leaves nothing behind for the next request",
     [](trial& t) {
         t.serve(in_turn({{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n" + make_response(200, "injected")},
                          {make_response(200, "second")}}));
         t.expect(!t.send().has_value(), "the bad response was taken");
         t.expect_response(t.send(), 200, "second");
     }},
    {"two servers are kept apart",
     [](trial& t) {
         scripted_server other(always({make_response(200, "other")}));
         t.serve(always({make_response(200, "one")}));
         auto elsewhere = t.request();
         elsewhere.origin = other.origin();
         for (int i = 0; i != 3; ++i) {
             t.expect_response(t.send(), 200, "one");
             t.expect_response(t.send(elsewhere), 200, "other");
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
