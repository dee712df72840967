#include <cloudflare/http/request.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>

using namespace cloudflare;
using namespace std::string_view_literals;

TEST_CASE("a GET is its line, Host, its fields and an empty line") {
    http::request r{.origin = http::origin::parse("https://api.cloudflare.com").value()};
    r.target = "/client/v4/accounts?page=1";
    REQUIRE(r.fields.add("Accept", "application/json").has_value());
    REQUIRE(r.fields.add("Authorization", "Bearer sesame").has_value());
    wiped_string wire;
    serialize(r, wire);
    CHECK(wire == "GET /client/v4/accounts?page=1 HTTP/1.1\r\n"
                  "Host: api.cloudflare.com\r\n"
                  "Accept: application/json\r\n"
                  "Authorization: Bearer sesame\r\n"
                  "\r\n");
}

TEST_CASE("a POST has its length and its body") {
    http::request r{.origin = http::origin::parse("https://api.cloudflare.com").value(),
                    .method = http::method::post,
                    .target = "/tokens",
                    .body = "{\"name\":\"\u00fc\"}"};
    REQUIRE(r.fields.add("Content-Type", "application/json").has_value());
    wiped_string wire;
    serialize(r, wire);
    CHECK(wire == "POST /tokens HTTP/1.1\r\n"
                  "Host: api.cloudflare.com\r\n"
                  "Content-Type: application/json\r\n"
                  "Content-Length: 13\r\n" // bytes, not characters
                  "\r\n"
                  "{\"name\":\"\u00fc\"}");
}

TEST_CASE("without a body POST, PUT and PATCH say length 0, GET and DELETE say nothing") {
    struct row {
        http::method method;
        std::string_view expected;
    };
    for (auto const& [method, expected] : {
             row{http::method::get, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
             row{http::method::delete_, "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n"},
             row{http::method::post, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
             row{http::method::put, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
             row{http::method::patch, "PATCH / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
         }) {
        CAPTURE(expected);
        http::request const r{
            .origin = http::origin::parse("https://h").value(), .method = method, .target = "/"};
        wiped_string wire;
        serialize(r, wire);
        CHECK(wire == expected);
    }
}

TEST_CASE("a body has its length, whatever the method") {
    for (auto const method : {http::method::get, http::method::delete_}) {
        http::request const r{.origin = http::origin::parse("https://h").value(),
                              .method = method,
                              .target = "/",
                              .body = "{}"};
        wiped_string wire;
        serialize(r, wire);
        CHECK(wire.ends_with("Host: h\r\nContent-Length: 2\r\n\r\n{}"));
    }
}

TEST_CASE("a body may hold any byte") {
    http::request const r{.origin = http::origin::parse("https://h").value(),
                          .method = http::method::put,
                          .target = "/",
                          .body = std::string("a\0\r\n\r\nb\xff"sv)};
    wiped_string wire;
    serialize(r, wire);
    CHECK(wire == "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\na\0\r\n\r\nb\xff"sv);
}

TEST_CASE("Host shows the port where it is not the scheme's own, and an IPv6 address in brackets") {
    struct row {
        std::string_view origin;
        std::string_view host;
    };
    for (auto const& [origin, host] : {
             row{"https://h:443", "Host: h\r\n"},
             row{"https://h:8443", "Host: h:8443\r\n"},
             row{"http://h:80", "Host: h\r\n"},
             row{"http://h:443", "Host: h:443\r\n"},
             row{"https://[2001:db8::1]", "Host: [2001:db8::1]\r\n"},
             row{"http://[::1]:8080", "Host: [::1]:8080\r\n"},
         }) {
        CAPTURE(origin);
        http::request const r{.origin = http::origin::parse(origin).value(), .target = "/"};
        wiped_string wire;
        serialize(r, wire);
        CHECK(std::string_view(wire) == "GET / HTTP/1.1\r\n" + std::string(host) + "\r\n");
    }
}

TEST_CASE("serializing replaces what the buffer held") {
    http::request const r{.origin = http::origin::parse("https://h").value(), .target = "/"};
    wiped_string wire(1000, 'x');
    serialize(r, wire);
    CHECK(wire == "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    serialize(r, wire);
    CHECK(wire == "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST_CASE("a request is a GET that may be repeated unless it says otherwise") {
    http::request const r{.origin = http::origin::parse("https://h").value()};
    CHECK(r.method == http::method::get);
    CHECK(r.repeatable);
    CHECK(r.body.empty());
    CHECK(r.fields.empty());
}

TEST_CASE("printing a request shows neither its credentials nor its body") {
    http::request r{.origin = http::origin::parse("http://[::1]:8080").value(),
                    .method = http::method::post,
                    .target = "/tokens",
                    .body = "{\"secret\":\"sesame\"}"};
    REQUIRE(r.fields.add("Authorization", "Bearer sesame").has_value());
    REQUIRE(r.fields.add("Accept", "*/*").has_value());
    std::ostringstream out;
    out << r;
    CHECK(out.str() == "POST http://[::1]:8080/tokens\n"
                       "Authorization: [redacted]\n"
                       "Accept: */*\n"
                       "(19 bytes of body)\n");
}

TEST_CASE("a target begins with a slash and holds visible ASCII only, at every place") {
    for (std::size_t size = 1; size != 20; ++size)
        for (std::size_t at = 1; at < size; ++at)
            for (int byte = 0; byte != 256; ++byte) {
                std::string target = "/" + std::string(size - 1, 'a');
                target[at] = static_cast<char>(byte);
                auto const checked = http::check_target(target);
                CAPTURE(target);
                REQUIRE(checked.has_value() == (byte > 0x20 && byte < 0x7f));
                if (checked) continue;
                REQUIRE(checked.error() == errc::invalid_argument);
                REQUIRE(checked.error().details().explanation.starts_with("target: "));
            }
    for (auto const* bad : {"", "a", "a/", " /", "http://h/", "?", "*"}) {
        CAPTURE(bad);
        CHECK(http::check_target(bad).has_error());
    }
    CHECK(http::check_target("/").has_value());
    CHECK(http::check_target("/a?b=c%20d&e").has_value());
}

TEST_CASE("a target holds graphic ASCII only, at each of its places") {
    for (std::size_t size = 2; size != 20; ++size) {
        for (std::size_t at = 1; at != size; ++at) {
            for (int byte = 0; byte != 256; ++byte) {
                std::string target(size, 'x');
                target[0] = '/';
                target[at] = static_cast<char>(byte);
                CAPTURE(size);
                CAPTURE(at);
                CAPTURE(byte);
                REQUIRE(http::check_target(target).has_value() == (byte > 0x20 && byte < 0x7f));
            }
        }
    }
    CHECK(http::check_target("").has_error());
    CHECK(http::check_target("x/").error().details().explanation ==
          "target: must begin with / and hold no blank or control character");
}
