/// Checks that a response without end is refused by a limit, long before the deadline.
#pragma once

#include <cloudflare/testing/detail/conformance/responses.hpp>

namespace cloudflare::inline v0::testing::detail {

inline constexpr std::string_view chunked_head =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Expects that a response of `begin` and then `piece` repeated without end is refused before much
/// of it was read, and so before it fills the memory.
inline void check_bounded(trial& t, std::string_view begin, std::string_view piece,
                          std::size_t bound) {
    reply r{.bytes = std::string(begin), .pause = 1ms};
    while (r.endless.size() < 32768)
        r.endless += piece;
    auto& server = t.serve(always(r));
    auto const given = t.send(t.request(method::post, "/", "{}"), 1500ms);
    t.expect_failure(given, delivery::unknown,
                     {errc::response_too_large, errc::malformed_response});
    constexpr std::size_t buffers = 16 << 20; // of the two sockets
    t.expect(server.bytes_sent() < bound + buffers,
             std::to_string(server.bytes_sent()) + " bytes were taken in");
}

inline void check_bounded_header(trial& t, std::string_view begin, std::string_view piece) {
    check_bounded(t, begin, piece, t.subject().max_header_size);
}

inline constexpr check bound_checks[] = {
    {"a status line without end is ended by a bound",
     [](trial& t) { check_bounded_header(t, "HTTP/1.1 200 ", "reason "); }},
    {"a header field without end is ended by a bound",
     [](trial& t) { check_bounded_header(t, "HTTP/1.1 200 OK\r\nX: ", "value"); }},
    {"a header without end is ended by a bound",
     [](trial& t) { check_bounded_header(t, "HTTP/1.1 200 OK\r\n", "Name: value\r\n"); }},
    {"a header field of 1 MiB past the bound is refused",
     [](trial& t) {
         std::string const value(t.subject().max_header_size + (1 << 20), 'x');
         t.expect_failure(receive(t, {make_response(200, "{}", "X: " + value + "\r\n")}),
                          delivery::unknown, {errc::response_too_large});
     }},
    {"a body without end is ended by a bound",
     [](trial& t) {
         auto const bound = t.subject().max_body_size;
         check_bounded(t, "HTTP/1.1 200 OK\r\n\r\n", "body", bound);
         check_bounded(t, chunked_head, "4\r\nbody\r\n", 9 * bound);
     }},
    {"a trailer field without end is ended by a bound",
     [](trial& t) {
         check_bounded_header(t, std::string(chunked_head) + "2\r\n{}\r\n0\r\nX: ", "value");
     }},
    {"trailer fields without end are ended by a bound",
     [](trial& t) {
         check_bounded_header(t, std::string(chunked_head) + "2\r\n{}\r\n0\r\n",
                              "X: " + std::string(1000, 'x') + "\r\n");
     }},
    {"a chunk extension without end is ended by a bound",
     [](trial& t) { check_bounded_header(t, std::string(chunked_head) + "2;a=", "e"); }},
    {"a chunk size of zeros without end is ended by a bound",
     [](trial& t) { check_bounded_header(t, chunked_head, "0"); }},
    {"informational responses without end are ended by a bound",
     [](trial& t) {
         check_bounded_header(t, "", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
     }},
    {"an unsolicited change of protocol is refused before the deadline",
     [](trial& t) {
         std::string const bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
         for (std::string const& more : {std::string(), make_response(200, "{}"), "\x81\x02{}"s}) {
             t.serve(always(last(bytes + more, ending::hang)));
             t.expect_failure(t.send(t.request(method::post, "/", "{}"), 1s), delivery::unknown,
                              {errc::malformed_response, errc::connection_lost});
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
