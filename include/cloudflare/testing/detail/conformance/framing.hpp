/// Checks of where a response's header and body end: with contradictory or unusual header fields,
/// and where the response arrives in two pieces.
#pragma once

#include <cloudflare/testing/detail/conformance/bounds.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Expects that a response is refused or read correctly, and that the bytes after it are not taken
/// for the response to the next request.
inline void check_refused_or(trial& t, std::string_view body, std::string bytes,
                             ending how = ending::read_on) {
    t.serve(in_turn({last(std::move(bytes), how), {make_response(200, "next")}}));
    auto const given = t.send(t.request(method::post, "/", "{}"), 1s);
    if (given) t.expect_response(given, 200, body);
    if (!given)
        t.expect_failure(
            given, delivery::unknown,
            {errc::malformed_response, errc::connection_lost, errc::response_too_large});
    if (how != ending::read_on) std::this_thread::sleep_for(30ms); // until the close is there
    t.expect_response(t.send(t.request(method::get, "/next")), 200, "next");
}

/// Sends a request for each position at which the response can be split in two.
inline void check_two_pieces(trial& t, std::string const& whole, std::string_view body, bool tls) {
    t.serve(
        [whole](seen_request const& seen) {
            auto const first = (std::min)(seen.number, whole.size() - 1);
            return reply{.bytes = whole.substr(0, first),
                         .later = whole.substr(first),
                         .later_after = 1500us};
        },
        {.tls = tls});
    for (std::size_t first = 1; first != whole.size(); ++first) {
        auto const given = t.send(t.request(method::post, "/", "{}"));
        bool const taken = given && given->status == 200 && given->body == body;
        t.expect(taken, "parted behind " + std::to_string(first) + " of " +
                            std::to_string(whole.size()) +
                            " bytes: " + (given ? "another response" : given.error().to_string()));
    }
}

/// A value in which each run of spaces is one space.
[[nodiscard]] inline std::string squeezed(std::string_view value) {
    std::string string;
    for (char const c : value)
        if (bool const blank = c == ' ' || c == '\t'; !blank || !string.ends_with(' '))
            string += blank ? ' ' : c;
    return string;
}

inline constexpr check framing_checks[] = {
    {"a response in two pieces is the same (length)",
     [](trial& t) {
         check_two_pieces(t, make_response(200, "{\"a\":1}", "A: b\r\n"), "{\"a\":1}", false);
     }},
    {"a response in two pieces is the same (chunked)",
     [](trial& t) { check_two_pieces(t, chunked("{\"a\":1}", 5), "{\"a\":1}", false); }},
    {"a response in two pieces is the same (chunked, TLS)",
     [](trial& t) { check_two_pieces(t, chunked("{\"a\":1}", 5), "{\"a\":1}", true); }},
    {"a response in two pieces is the same (empty, chunked)",
     [](trial& t) { check_two_pieces(t, chunked("", 1), "", false); }},
    {"a response in two pieces is the same (informational response before it)",
     [](trial& t) {
         check_two_pieces(t, "HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + make_response(200, "{}"), "{}",
                          false);
     }},
    {"a status line without a reason and its blank is one",
     [](trial& t) {
         std::string const rest = "\r\nContent-Length: 2\r\n\r\n{}";
         for (bool const tls : {false, true}) {
             t.expect_response(receive(t, {"HTTP/1.1 201" + rest}, tls), 201, "{}");
             t.expect_response(receive(t, {"HTTP/1.1 201 " + rest}, tls), 201, "{}");
         }
     }},
    {"a protocol in lower case is not HTTP",
     [](trial& t) { check_malformed(t, "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"); }},
    {"a folded header line is taken, the fold as blanks",
     [](trial& t) {
         auto const given =
             receive(t, {make_response(200, "{}", "X-Folded: one\r\n two\r\n\tthree\r\nB: c\r\n")});
         t.expect_response(given, 200, "{}");
         if (!given) return;
         auto const value = squeezed(given->fields.find("X-Folded"));
         t.expect(value == "one two three" || !given->fields.contains("X-Folded"),
                  "its value is: " + value);
         t.expect(given->fields.find("B") == "c", "the next field is lost");
     }},
    {"trailer fields are no header fields",
     [](trial& t) {
         auto bytes = chunked("abcdef", 4);
         bytes.insert(bytes.size() - 2, "X-Trailer: late\r\nRetry-After: 7\r\n");
         for (bool const tls : {false, true}) {
             auto const given = receive(t, {bytes}, tls);
             t.expect_response(given, 200, "abcdef");
             t.expect(given && !given->fields.contains("X-Trailer") &&
                          !given->fields.contains("Retry-After"),
                      "a trailer field is in the header");
         }
     }},
    {"chunks count where there is a length too, or the response is refused",
     [](trial& t) {
         std::string const head = "HTTP/1.1 200 OK\r\n", coding = "Transfer-Encoding: chunked\r\n",
                           chunks = "\r\n3\r\nabc\r\n0\r\n\r\n";
         for (std::string const length : {"Content-Length: 3\r\n", "Content-Length: 5\r\n",
                                          "Content-Length: 0\r\n", "Content-Length: 100\r\n"}) {
             check_refused_or(t, "abc", head + coding + length + chunks);
             check_refused_or(t, "abc", head + length + coding + chunks);
         }
     }},
    {"two lengths that differ are refused",
     [](trial& t) {
         std::string const head = "HTTP/1.1 200 OK\r\n";
         check_malformed(t, head + "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}");
         check_malformed(t, head + "Content-Length: 4\r\nContent-Length: 2\r\n\r\n{}{}");
         check_malformed(t, head + "Content-Length: 2, 4\r\n\r\n{}{}");
     }},
    {"a length said twice counts once, or the response is refused",
     [](trial& t) {
         std::string const head = "HTTP/1.1 200 OK\r\n";
         check_refused_or(t, "{}", head + "Content-Length: 2, 2\r\n\r\n{}{}", ending::close);
         check_refused_or(t, "{}", head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}");
     }},
    {"a length that is not digits alone is refused",
     [](trial& t) {
         for (std::string const value : {"+2", "2 2", "0x2", "2;", "\"2\"", "2.0", "-0", "2,"})
             check_malformed(t, "HTTP/1.1 200 OK\r\nContent-Length: " + value + "\r\n\r\n{}");
     }},
    {"a length with a blank before its colon counts, or the response is refused",
     [](trial& t) {
         check_refused_or(t, "{}", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}{}",
                          ending::close);
     }},
    {"line ends without a carriage return are read as such, or the response is refused",
     [](trial& t) {
         check_refused_or(t, "{}", "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}{}", ending::close);
         check_refused_or(t, "{}", "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\n{}{}",
                          ending::close);
         check_refused_or(t, "{}", std::string(chunked_head) + "2\n{}\n0\n\n", ending::close);
     }},
    {"a 304 has no body, whatever its length",
     [](trial& t) {
         auto& server = t.serve(in_turn({{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
                                         {make_response(200, "next")}}));
         t.expect_response(t.send(t.request(), 2s), 304, "");
         t.expect_response(t.send(), 200, "next");
         t.expect(server.requests().size() == 2, "a request is missing");
     }},
    {"what follows a response that has no body is the response to no request",
     [](trial& t) {
         for (std::string const status : {"204 No Content", "304 Not Modified"}) {
             t.serve(in_turn({{"HTTP/1.1 " + status + "\r\nContent-Length: 19\r\n\r\n" +
                               "HTTP/1.1 500 No\r\n\r\n"},
                              {make_response(200, "next")}}));
             auto const given = t.send(t.request(), 1s);
             t.expect(!given || given->body.empty(), "it has a body");
             t.expect_response(t.send(), 200, "next");
         }
     }},
    {"a body that is marked as encoded comes back as it is",
     [](trial& t) {
         std::string const gzip = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00"
                                  "\x43\xbf\xa6\xa3\x02\x00\x00\x00"s; // {}
         for (std::string const coding : {"gzip", "deflate", "br", "x-unknown"}) {
             auto const given =
                 receive(t, {make_response(200, gzip, "Content-Encoding: " + coding + "\r\n")});
             t.expect_response(given, 200, gzip);
             t.expect(given && given->fields.find("Content-Encoding") == coding,
                      "Content-Encoding is lost");
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
