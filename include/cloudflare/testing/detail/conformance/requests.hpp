/// Checks of the bytes that a transport sends.
#pragma once

#include <cloudflare/testing/detail/conformance/trial.hpp>

namespace cloudflare::inline v0::testing::detail {

/// The last request that the server received.
[[nodiscard]] inline std::string last_seen(trial const& t) {
    auto const seen = t.server().requests();
    return seen.empty() ? std::string() : seen.back().bytes;
}

/// The values of a field in a request's bytes.
[[nodiscard]] inline std::vector<std::string> values_of(std::string_view bytes,
                                                        std::string_view name) {
    std::vector<std::string> values;
    auto rest = bytes.substr(0, bytes.find("\r\n\r\n") + 2);
    for (rest.remove_prefix(rest.find("\r\n") + 2); !rest.empty();) {
        auto const line = rest.substr(0, rest.find("\r\n"));
        rest.remove_prefix(line.size() + 2);
        auto const colon = line.find(':');
        if (!http::same_name(line.substr(0, colon), name)) continue;
        auto const value = line.find_first_not_of(' ', colon + 1);
        values.emplace_back(value == line.npos ? std::string_view() : line.substr(value));
    }
    return values;
}

[[nodiscard]] inline std::string body_of(std::string_view bytes) {
    return std::string(bytes.substr(bytes.find("\r\n\r\n") + 4));
}

inline void check_method(trial& t, method m) {
    t.serve(always({make_response(200)}));
    t.expect_response(t.send(t.request(m, "/a")), 200, "");
    auto const line = std::string(http::to_string(m)) + " /a HTTP/1.1\r\n";
    t.expect(last_seen(t).starts_with(line), "the request line is not: " + line);
}

inline constexpr check request_checks[] = {
    {"GET is sent", [](trial& t) { check_method(t, method::get); }},
    {"POST is sent", [](trial& t) { check_method(t, method::post); }},
    {"PUT is sent", [](trial& t) { check_method(t, method::put); }},
    {"PATCH is sent", [](trial& t) { check_method(t, method::patch); }},
    {"DELETE is sent", [](trial& t) { check_method(t, method::delete_); }},
    {"the target is sent byte for byte",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         for (std::string const target :
              {"/a%2Fb/%20?x=%5B1%5D&y=a+b&empty=", "//a/../b/./c", "/?", "/a;b=c,d:e@f'(g)*!$~",
               "/%", "/a?b?c", "/A%c3%A9|\\^`{}\"<>"}) {
             t.expect_response(t.send(t.request(method::get, target)), 200, "");
             t.expect(last_seen(t).starts_with("GET " + target + " HTTP/1.1\r\n"),
                      "the target is not: " + target);
         }
     }},
    {"a long target is sent whole",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         auto const target = "/?" + std::string(8000, 'x');
         t.expect_response(t.send(t.request(method::get, target)), 200, "");
         t.expect(last_seen(t).starts_with("GET " + target + " HTTP/1.1\r\n"), "it is cut");
     }},
    {"a target with a line break is refused",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         for (std::string const target :
              {"/ HTTP/1.1\r\nX-Injected: 1\r\nX: ", "/\nX-Injected: 1", "/a b", "", "a"}) {
             t.expect_failure(t.send(t.request(method::get, target)), delivery::not_sent,
                              {errc::invalid_argument});
         }
     }},
    {"Host is sent once, with the port",
     [](trial& t) {
         auto& server = t.serve(always({make_response(200)}));
         t.expect_response(t.send(), 200, "");
         t.expect(values_of(last_seen(t), "Host") ==
                      std::vector{"127.0.0.1:" + std::to_string(server.port())},
                  "Host is not the origin's authority");
     }},
    {"header fields are sent byte for byte",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         auto r = t.request();
         std::pair<std::string, std::string> const fields[] = {
             {"Authorization", "Bearer sample  with two blanks"},
             {"X-Auth-Key", "\"quoted\", comma; semicolon"},
             {"User-Agent", "sample/1.0 (a comment)"},
             {"Accept", "application/json"},
             {"Accept-Encoding", "identity"},
             {"X-Utf-8", "caf\xc3\xa9"},
             {"x-lower-case", "tab\tinside"},
             {"X-Long", std::string(4000, 'l')},
         };
         for (auto const& [name, value] : fields)
             static_cast<void>(r.fields.add(name, value));
         t.expect_response(t.send(r), 200, "");
         for (auto const& [name, value] : fields)
             t.expect(values_of(last_seen(t), name) == std::vector{value},
                      name + " is not sent once with its value");
     }},
    {"fields with the same name are all sent, in their order",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         auto r = t.request();
         for (auto const* value : {"1", "2", "3"})
             static_cast<void>(r.fields.add("X-Many", value));
         t.expect_response(t.send(r), 200, "");
         t.expect(values_of(last_seen(t), "X-Many") == std::vector<std::string>{"1", "2", "3"},
                  "they are not");
     }},
    {"a field without a value is sent",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         auto r = t.request();
         static_cast<void>(r.fields.add("X-Empty", ""));
         t.expect_response(t.send(r), 200, "");
         t.expect(values_of(last_seen(t), "X-Empty") == std::vector<std::string>{""}, "it is not");
     }},
    {"nothing is sent that was not asked for",
     [](trial& t) {
         t.serve(always({make_response(200, "", "Set-Cookie: a=b\r\n")}));
         t.expect_response(t.send(t.request(method::post, "/", std::string(5000, 'x'))), 200, "");
         t.expect_response(t.send(t.request(method::post, "/", "{}")), 200, "");
         for (auto const* name :
              {"Expect", "Accept-Encoding", "Transfer-Encoding", "Cookie", "Content-Type",
               "User-Agent", "Accept", "Referer", "Authorization", "Upgrade", "TE"})
             t.expect(values_of(last_seen(t), name).empty(),
                      std::string(name) + " is sent, and nobody set it");
     }},
    {"a body is sent byte for byte",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         std::string body;
         for (int byte = 0; byte != 256; ++byte)
             body += static_cast<char>(byte);
         for (auto const m : {method::post, method::put, method::patch}) {
             t.expect_response(t.send(t.request(m, "/", body)), 200, "");
             t.expect(body_of(last_seen(t)) == body, "other bytes came in");
             t.expect(values_of(last_seen(t), "Content-Length") == std::vector<std::string>{"256"},
                      "Content-Length is not the body's");
         }
     }},
    {"an empty body has the length 0",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         for (auto const m : {method::post, method::put, method::patch}) {
             t.expect_response(t.send(t.request(m)), 200, "");
             t.expect(values_of(last_seen(t), "Content-Length") == std::vector<std::string>{"0"},
                      "Content-Length: 0 is not sent");
         }
     }},
    {"GET and DELETE have no body",
     [](trial& t) {
         t.serve(always({make_response(200)}));
         for (auto const m : {method::get, method::delete_}) {
             t.expect_response(t.send(t.request(m)), 200, "");
             t.expect(body_of(last_seen(t)).empty(), "a body came in");
         }
     }},
    {"a body of 4 MiB is sent whole",
     [](trial& t) {
         std::string body(std::size_t{4} << 20, '\0');
         for (std::size_t i = 0; i != body.size(); ++i)
             body[i] = static_cast<char>(i % 251);
         for (bool const tls : {false, true}) {
             t.serve(always({make_response(200)}), {.tls = tls});
             t.expect_response(t.send(t.request(method::post, "/", body)), 200, "");
             t.expect(body_of(last_seen(t)) == body, "other bytes came in");
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
