/// Checks of how a transport reads responses.
#pragma once

#include <cloudflare/testing/detail/conformance/trial.hpp>

namespace cloudflare::inline v0::testing::detail {

/// A body in chunks of this size.
[[nodiscard]] inline std::string chunked(std::string_view body, std::size_t size,
                                         std::string_view extension = {}) {
    std::string string = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (auto rest = body; !rest.empty();) {
        auto const piece = rest.substr(0, size);
        rest.remove_prefix(piece.size());
        char digits[16];
        auto const last = std::to_chars(digits, digits + sizeof digits, piece.size(), 16).ptr;
        string.append(digits, last).append(extension).append("\r\n").append(piece).append("\r\n");
    }
    return string + "0\r\n\r\n";
}

/// A reply after which the connection is closed.
[[nodiscard]] inline reply last(std::string bytes, ending how = ending::close) {
    reply r;
    r.bytes = std::move(bytes);
    r.then = how;
    return r;
}

/// Sends one request to a server that gives this reply.
inline result<http::response> receive(trial& t, reply r, bool tls = false) {
    t.serve(always(std::move(r)), {.tls = tls});
    return t.send(t.request(method::post, "/", "{}"));
}

/// Expects that these bytes, which are not an HTTP response, are not taken for one.
inline void check_malformed(trial& t, std::string bytes) {
    t.expect_failure(receive(t, last(std::move(bytes))), delivery::unknown,
                     {errc::malformed_response, errc::connection_lost, errc::response_too_large});
}

/// Cuts a response after each of its bytes except the last `rest`, which add no new case.
inline void check_cuts(trial& t, std::string const& whole, std::size_t rest, bool tls) {
    t.serve(
        [whole](seen_request const& seen) {
            return last(whole.substr(0, seen.number - 1), ending::cut);
        },
        {.tls = tls});
    for (std::size_t next = 0; next + rest != whole.size(); ++next) {
        auto const given = t.send(t.request(method::post, "/", "{}"));
        bool const lost = !given && given.error() == errc::connection_lost &&
                          given.error().delivery() == delivery::unknown;
        t.expect(lost, "cut behind " + std::to_string(next) + " of " +
                           std::to_string(whole.size()) +
                           " bytes: " + (given ? "a response" : given.error().to_string()));
    }
}

inline constexpr check response_checks[] = {
    {"an error status is a response, with its body",
     [](trial& t) {
         for (int const status :
              {400, 401, 403, 404, 407, 408, 409, 413, 421, 429, 500, 502, 503, 504, 520, 599})
             t.expect_response(receive(t, {make_response(status, "why")}), status, "why");
     }},
    {"a redirect is not followed",
     [](trial& t) {
         for (int const status : {300, 301, 302, 303, 307, 308}) {
             t.serve(in_turn({{make_response(status, "moved", "Location: /elsewhere\r\n")},
                              {make_response(200, "followed")}}));
             t.expect_response(t.send(), status, "moved");
         }
     }},
    {"204 and 304 have no body",
     [](trial& t) {
         t.expect_response(receive(t, {"HTTP/1.1 204 No Content\r\n\r\n"}), 204, "");
         t.expect_response(receive(t, {"HTTP/1.1 304 Not Modified\r\n\r\n"}), 304, "");
     }},
    {"a body ends where its length says",
     [](trial& t) {
         t.expect_response(receive(t, {make_response(200, "")}), 200, "");
         t.expect_response(receive(t, {make_response(200, "{}")}), 200, "{}");
         std::string const large(std::min<std::size_t>(t.subject().max_body_size, 1 << 20), 'x');
         t.expect_response(receive(t, {make_response(200, large)}), 200, large);
         t.expect_response(receive(t, {make_response(200, large)}, true), 200, large);
     }},
    {"a body of all bytes comes back as it is",
     [](trial& t) {
         std::string body;
         for (int byte = 0; byte != 256; ++byte)
             body += static_cast<char>(byte);
         t.expect_response(receive(t, {make_response(200, body)}), 200, body);
     }},
    {"a chunked body is put together",
     [](trial& t) {
         std::string body;
         for (int i = 0; i != 400; ++i)
             body += std::to_string(i);
         for (std::size_t const size : {1U, 7U, 16U, 26U, 2000U})
             t.expect_response(receive(t, {chunked(body, size)}), 200, body);
         t.expect_response(receive(t, {chunked("", 1)}), 200, "");
     }},
    {"chunk extensions and trailers are ignored",
     [](trial& t) {
         t.expect_response(receive(t, {chunked("abcdef", 2, ";name=value")}), 200, "abcdef");
         auto trailed = chunked("abcdef", 6);
         trailed.insert(trailed.size() - 2, "X-Trailer: late\r\n");
         t.expect_response(receive(t, {trailed}), 200, "abcdef");
     }},
    {"a body without a length ends with the connection",
     [](trial& t) {
         auto const endless = last("HTTP/1.1 200 OK\r\n\r\nuntil the end");
         t.expect_response(receive(t, endless), 200, "until the end");
         auto const given =
             receive(t, endless,
                     true); // not every TLS stack distinguishes a closed connection from a cut one
         if (given) t.expect_response(given, 200, "until the end");
         if (!given) t.expect_failure(given, delivery::unknown, {errc::connection_lost});
     }},
    {"a response that comes byte by byte is the same",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             reply r{.bytes = make_response(200, "slow", "A: b\r\n"), .piece_size = 1};
             r.pause = 1ms;
             t.expect_response(receive(t, r, tls), 200, "slow");
             r.bytes = chunked("slow and in chunks", 3);
             t.expect_response(receive(t, r, tls), 200, "slow and in chunks");
             r.bytes = chunked("", 1);
             t.expect_response(receive(t, r, tls), 200, "");
         }
     }},
    {"informational responses are ignored",
     [](trial& t) {
         std::string const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
         for (std::string const& before :
              {std::string("HTTP/1.1 100 Continue\r\n\r\n"), std::string("HTTP/1.1 102 P\r\n\r\n"),
               early, early + early + early}) {
             auto const given = receive(t, {before + make_response(201, "final")});
             t.expect_response(given, 201, "final");
             t.expect(given && !given->fields.contains("Link"),
                      "a field of the informational response is in the final one");
             reply slowly{.bytes = before + make_response(201, "final"), .piece_size = 9};
             slowly.pause = 1ms;
             t.expect_response(receive(t, slowly), 201, "final");
         }
     }},
    {"informational responses without end are ended by the deadline or a bound",
     [](trial& t) {
         std::string flood;
         for (int i = 0; i != 2000; ++i)
             flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
         t.serve(always({.bytes = flood, .piece_size = 50, .pause = 1ms, .then = ending::hang}));
         auto const given = t.send(t.request(method::post, "/", "{}"), 300ms);
         t.expect_failure(given, delivery::unknown,
                          {errc::deadline_exceeded, errc::response_too_large,
                           errc::malformed_response, errc::connection_lost});
     }},
    {"header fields are found whatever their case",
     [](trial& t) {
         auto const given =
             receive(t, {make_response(200, "", "cf-ray: 1-FRA\r\nRETRY-AFTER:7\r\n")});
         t.expect(given && given->fields.find("CF-RAY") == "1-FRA", "CF-RAY is not");
         t.expect(given && given->fields.find("Retry-After") == "7", "Retry-After is not");
     }},
    {"fields with the same name are all kept, in their order",
     [](trial& t) {
         auto const given = receive(t, {make_response(200, "", "X: 1\r\nY: 2\r\nX: 3\r\n")});
         std::string seen;
         if (given)
             for (auto const field : given->fields)
                 if (http::same_name(field.name, "X")) seen += field.value;
         t.expect(seen == "13", "they are not");
     }},
    {"blanks around a value are not part of it",
     [](trial& t) {
         auto const given =
             receive(t, {make_response(200, "", "A: \t b c \t\r\nB: b \t\r\nEmpty:\r\n")});
         t.expect(given && given->fields.find("A") == "b c", "they are");
         t.expect(given && given->fields.find("B") == "b", "they are behind it");
         t.expect(given && given->fields.contains("Empty"), "an empty field is lost");
     }},
    {"the bytes of a value come back as they are",
     [](trial& t) {
         std::string const value = "\"a, b\"; c=d\t'e' caf\xc3\xa9 \xff ~!#$%&*()[]{}<>|\\^`";
         auto const given = receive(t, {make_response(200, "", "X: " + value + "\r\n")});
         t.expect(given && given->fields.find("X") == value, "they do not");
     }},
    {"a status line without a reason is one",
     [](trial& t) {
         t.expect_response(receive(t, {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}"}), 200, "{}");
         t.expect_response(receive(t, {"HTTP/1.1 200 " + std::string(300, 'r') +
                                       "\r\nContent-Length: 2\r\n\r\n{}"}),
                           200, "{}");
     }},
    {"a body in an unsolicited content coding is not decoded",
     [](trial& t) {
         t.expect_response(
             receive(t, {make_response(200, "not gzip", "Content-Encoding: gzip\r\n")}), 200,
             "not gzip");
     }},
    {"many header fields are read",
     [](trial& t) {
         std::string fields;
         for (int i = 0; i != 90; ++i)
             fields += "X-Field-" + std::to_string(i) + ": " + std::string(100, 'v') + "\r\n";
         auto const given = receive(t, {make_response(200, "{}", fields)});
         t.expect_response(given, 200, "{}");
         t.expect(given && given->fields.find("x-field-89").size() == 100, "the last one is lost");
     }},
    {"a response cut at any byte is lost (length)",
     [](trial& t) {
         check_cuts(t, make_response(200, "{\"success\":true}", "A: b\r\n"), 0, false);
     }},
    {"a response cut at any byte is lost (chunked)",
     [](trial& t) { check_cuts(t, chunked("{\"success\":true}", 7), 1, false); }},
    {"a response cut at any byte is lost (length, TLS)",
     [](trial& t) {
         check_cuts(t, make_response(200, "{\"success\":true}", "A: b\r\n"), 0, true);
     }},
    {"a response cut at any byte is lost (chunked, TLS)",
     [](trial& t) { check_cuts(t, chunked("{\"success\":true}", 7), 1, true); }},
    {"a body without a length is lost where TLS is cut",
     [](trial& t) {
         auto const given = receive(t, last("HTTP/1.1 200 OK\r\n\r\nhalf", ending::cut), true);
         t.expect_failure(given, delivery::unknown, {errc::connection_lost});
     }},
    {"what is not HTTP is not a response",
     [](trial& t) {
         for (std::string const bytes :
              {"{\"success\":true}\r\n\r\n", "<html></html>", "HTTP/9\r\n\r\n",
               "HTTP/1.1 two\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 20\r\n\r\n",
               "ICY 200 OK\r\n\r\n{}"})
             check_malformed(t, bytes);
     }},
    {"a header that breaks HTTP's rules is not a response",
     [](trial& t) {
         std::string const begin = "HTTP/1.1 200 OK\r\n", rest = "Content-Length: 2\r\n\r\n{}";
         check_malformed(t, begin + "no colon\r\n" + rest);
         check_malformed(t, begin + "A: b\0c\r\n"s + rest);
     }},
    {"a body length that cannot be is not a response",
     [](trial& t) {
         std::string const begin = "HTTP/1.1 200 OK\r\nContent-Length: ";
         check_malformed(t, begin + "-1\r\n\r\n{}");
         check_malformed(t, begin + "two\r\n\r\n{}");
         check_malformed(t, begin + "99999999999999999999999\r\n\r\n{}");
         check_malformed(t, begin + "2\r\nContent-Length: 3\r\n\r\n{} ");
     }},
    {"a chunk size that cannot be is not a response",
     [](trial& t) {
         std::string const begin = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
         check_malformed(t, begin + "x\r\n{}\r\n0\r\n\r\n");
         check_malformed(t, begin + "-2\r\n{}\r\n0\r\n\r\n");
         check_malformed(t, begin + "fffffffffffffffffff\r\n{}\r\n0\r\n\r\n");
         check_malformed(t, begin + "2\r\n{}more than two\r\n0\r\n\r\n");
     }},
    {"a header past the bound is refused",
     [](trial& t) {
         auto const field = "X: " + std::string(t.subject().max_header_size, 'x') + "\r\n";
         t.expect_failure(receive(t, {make_response(200, "{}", field)}), delivery::unknown,
                          {errc::response_too_large});
     }},
    {"a body past the bound is refused",
     [](trial& t) {
         auto const bound = t.subject().max_body_size;
         t.expect_response(receive(t, {make_response(200, std::string(bound, 'x'))}), 200,
                           std::string(bound, 'x'));
         std::string const large(bound + 1, 'x');
         for (auto const& bytes :
              {make_response(200, large), chunked(large, 65536), "HTTP/1.1 200 OK\r\n\r\n" + large})
             t.expect_failure(receive(t, last(bytes)), delivery::unknown,
                              {errc::response_too_large});
     }},
};

} // namespace cloudflare::inline v0::testing::detail
