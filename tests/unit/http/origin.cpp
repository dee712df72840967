#include <cloudflare/http/origin.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

using namespace cloudflare;
using namespace std::string_view_literals;

TEST_CASE("an origin is read as scheme, host and port") {
    struct row {
        std::string_view string;
        bool secure;
        std::string_view host;
        std::uint16_t port;
        std::string_view authority;
    };
    for (auto const& [string, secure, host, port, authority] : {
             row{"https://api.cloudflare.com", true, "api.cloudflare.com", 443,
                 "api.cloudflare.com"},
             row{"http://localhost", false, "localhost", 80, "localhost"},
             row{"https://localhost:8443", true, "localhost", 8443, "localhost:8443"},
             row{"http://localhost:8080", false, "localhost", 8080, "localhost:8080"},
             row{"https://localhost:443", true, "localhost", 443, "localhost"},
             row{"http://localhost:80", false, "localhost", 80, "localhost"},
             row{"https://localhost:80", true, "localhost", 80, "localhost:80"},
             row{"http://localhost:443", false, "localhost", 443, "localhost:443"},
             row{"http://h:1", false, "h", 1, "h:1"},
             row{"http://h:65535", false, "h", 65535, "h:65535"},
             row{"http://127.0.0.1:9", false, "127.0.0.1", 9, "127.0.0.1:9"},
             row{"http://[::1]", false, "::1", 80, "[::1]"},
             row{"http://[::1]:8080", false, "::1", 8080, "[::1]:8080"},
             row{"https://[2001:db8::A]:443", true, "2001:db8::A", 443, "[2001:db8::A]"},
             row{"https://[::ffff:192.0.2.1]", true, "::ffff:192.0.2.1", 443, "[::ffff:192.0.2.1]"},
             row{"https://[::]", true, "::", 443, "[::]"},
             row{"https://[1:2:3:4:5:6:7:8]", true, "1:2:3:4:5:6:7:8", 443, "[1:2:3:4:5:6:7:8]"},
             row{"https://[1:2:3:4:5:6:7::]", true, "1:2:3:4:5:6:7::", 443, "[1:2:3:4:5:6:7::]"},
             row{"https://[1:2:3:4:5:6:192.0.2.1]", true, "1:2:3:4:5:6:192.0.2.1", 443,
                 "[1:2:3:4:5:6:192.0.2.1]"},
             row{"https://a-b_c.example", true, "a-b_c.example", 443, "a-b_c.example"},
         }) {
        CAPTURE(string);
        auto const o = http::origin::parse(string);
        REQUIRE(o.has_value());
        CHECK(o->is_secure() == secure);
        CHECK(o->host() == host);
        CHECK(o->port() == port);
        CHECK(o->authority() == authority);
        std::ostringstream out;
        out << *o;
        CHECK(out.str() == (secure ? "https://" : "http://") + std::string(authority));
    }
}

TEST_CASE("what is not an origin is refused, and the error says so") {
    for (auto const string : {
             ""sv,
             "https"sv,
             "https:/h"sv,
             "https://"sv,
             "http://"sv,
             "api.cloudflare.com"sv,
             "//api.cloudflare.com"sv,
             "ftp://h"sv,
             "wss://h"sv,
             " https://h"sv,
             "https://h "sv,
             "https://h\n"sv,
             "https://h\r\nHost: evil"sv,
             "https://h\0"sv,
             "https://h\0.example"sv,
             "https://h/"sv,
             "https://h/path"sv,
             "https://h?query"sv,
             "https://h#fragment"sv,
             "https://user@h"sv,
             "https://user:sesame@h"sv,
             "https://h%2Fx"sv,
             "https://h\\x"sv,
             "https://h,i"sv,
             "https://\u00fcber.example"sv,
             "https://:443"sv,
             "https://h:"sv,
             "https://h:0"sv,
             "https://h:00"sv,
             "https://h:65536"sv,
             "https://h:99999999999999999999"sv,
             "https://h:-1"sv,
             "https://h:+80"sv,
             "https://h: 80"sv,
             "https://h:80 "sv,
             "https://h:0x50"sv,
             "https://h:80:81"sv,
             "https://h:80/"sv,
             "https://::1"sv,
             "https://[::1"sv,
             "https://::1]"sv,
             "https://[]"sv,
             "https://[]:80"sv,
             "https://[::1]80"sv,
             "https://[::1]:"sv,
             "https://[::1]x"sv,
             "https://[::1]]"sv,
             "https://[[::1]]"sv,
             "https://[fe80::1%25eth0]"sv,
             "https://[host]"sv,
         }) {
        CAPTURE(string);
        auto const o = http::origin::parse(string);
        REQUIRE_FALSE(o.has_value());
        CHECK(o.error() == errc::invalid_argument);
        CHECK(o.error().details().explanation.starts_with("base URL: "));
        CHECK(o.error().to_string().find("sesame") == std::string::npos);
    }
}

TEST_CASE("what stands in brackets must be an IPv6 address") {
    for (auto const string :
         {"https://[:]"sv, "https://[1.2.3.4]"sv, "https://[1]"sv, "https://[abc]"sv,
          "https://[:::]"sv, "https://[1::2::3]"sv, "https://[12345::]"sv,
          "https://[1:2:3:4:5:6:7:8:9]"sv, "https://[1:2:3:4:5:6:7]"sv,
          "https://[1:2:3:4::5:6:7:8]"sv, "https://[::1.2.3]"sv, "https://[::01.2.3.4]"sv,
          "https://[::1.2.3.00]"sv, "https://[::1.2.3.256]"sv, "https://[::1.2.3.4:5]"sv,
          "https://[1:2:3:4:5:6:7:1.2.3.4]"sv, "https://[1:]"sv, "https://[:1::]"sv}) {
        CAPTURE(string);
        CHECK_FALSE(http::origin::parse(string).has_value());
    }
}

TEST_CASE("origins are equal where scheme, host and port are") {
    auto const o = http::origin::parse("https://h").value();
    CHECK(o == http::origin::parse("https://h").value());
    CHECK(o == http::origin::parse("https://h:443").value());
    CHECK(o != http::origin::parse("https://h:444").value());
    CHECK(o != http::origin::parse("http://h").value());
    CHECK(o != http::origin::parse("http://h:443").value());
    CHECK(o != http::origin::parse("https://i").value());
    http::origin const copy = o;
    CHECK(copy == o);
    CHECK(&copy.host() == &o.host()); // shared
}

TEST_CASE("a host name has no empty label, and may end with one dot") {
    struct row {
        std::string_view string;
        std::string_view host;
        std::string_view tls_host;
        std::string_view authority;
    };
    for (auto const& [string, host, tls_host, authority] : {
             row{"https://a.example.", "a.example.", "a.example", "a.example."},
             row{"https://a.example.:8443", "a.example.", "a.example", "a.example.:8443"},
             row{"http://localhost.", "localhost.", "localhost", "localhost."},
             row{"https://a.example", "a.example", "a.example", "a.example"},
             row{"https://A.Example.", "A.Example.", "A.Example", "A.Example."},
             row{"https://[::1]", "::1", "::1", "[::1]"},
         }) {
        CAPTURE(string);
        auto const o = http::origin::parse(string);
        REQUIRE(o.has_value());
        CHECK(o->host() == host);
        CHECK(o->tls_host() == tls_host);
        CHECK(o->authority() == authority);
    }
    for (auto const string :
         {"https://."sv, "https://.."sv, "https://.host"sv, "https://.host:443"sv, "https://a..b"sv,
          "https://host.."sv, "https://host..:443"sv, "https://a...b."sv, "https://..host"sv,
          "http://.localhost"sv, "https://.:443"sv}) {
        CAPTURE(string);
        auto const o = http::origin::parse(string);
        REQUIRE_FALSE(o.has_value());
        CHECK(o.error() == errc::invalid_argument);
        CHECK(o.error().details().explanation.starts_with("base URL: "));
    }
}

TEST_CASE("hosts are compared case-insensitively") {
    auto const o = http::origin::parse("https://Api.Example").value();
    CHECK(o == http::origin::parse("https://api.example").value());
    CHECK(o == http::origin::parse("https://API.EXAMPLE:443").value());
    CHECK(o != http::origin::parse("https://api-example").value());
    CHECK(o != http::origin::parse("https://api.example.").value()); // another name to a resolver
    CHECK(http::origin::parse("https://[2001:DB8::A]").value() ==
          http::origin::parse("https://[2001:db8::a]").value());
    CHECK(http::origin::parse("https://h[").has_error());
    CHECK(http::origin::parse("https://a-b").value() != http::origin::parse("https://a_b").value());
}

TEST_CASE("loopback is localhost, what is below it, 127.0.0.0/8 and ::1 in every spelling") {
    for (auto const host :
         {"localhost"sv, "LocalHost"sv, "localhost."sv, "api.localhost"sv, "a.b.LOCALHOST."sv,
          "127.0.0.1"sv, "127.255.255.254"sv, "127.0.0.0"sv, "[::1]"sv, "[0:0:0:0:0:0:0:1]"sv,
          "[0000::0001]"sv, "[0::1]"sv, "[::0:1]"sv, "[::0.0.0.1]"sv}) {
        CAPTURE(host);
        CHECK(http::origin::parse("http://" + std::string(host)).value().is_loopback());
        CHECK(http::origin::parse("http://" + std::string(host) + ":8080").value().is_loopback());
    }
    for (auto const host : {"api.cloudflare.com"sv,
                            "localhost.example"sv,
                            "xlocalhost"sv,
                            "localhos"sv,
                            "ocalhost"sv,
                            "127.0.0.1.example"sv,
                            "127.example"sv,
                            "127.1"sv,
                            "127"sv,
                            "127.0.0.256"sv,
                            "127.0.0.01"sv,
                            "0127.0.0.1"sv,
                            "128.0.0.1"sv,
                            "126.0.0.1"sv,
                            "0.0.0.0"sv,
                            "10.0.0.1"sv,
                            "[::]"sv,
                            "[::2]"sv,
                            "[::11]"sv,
                            "[1::]"sv,
                            "[1::1]"sv,
                            "[::1:1]"sv,
                            "[::1:0]"sv,
                            "[fe80::1]"sv,
                            "[::127.0.0.1]"sv,
                            "[::1.0.0.1]"sv,
                            "[2001:db8::1]"sv}) {
        CAPTURE(host);
        CHECK_FALSE(http::origin::parse("http://" + std::string(host)).value().is_loopback());
    }
}

TEST_CASE("an origin that was moved from is still valid") {
    auto o = http::origin::parse("https://api.example").value();
    auto const taken = std::move(o);
    CHECK(taken.host() == "api.example");
    std::ostringstream out;
    out << o; // NOLINT(bugprone-use-after-move): this is the point
    CHECK(out.str() == "https://api.example");
    CHECK(o == taken);
}

TEST_CASE("each error says which rule an origin breaks") {
    struct row {
        std::string_view string;
        std::string_view rule;
    };
    for (auto const& [string, rule] : {
             row{"ftp://a.example", "must begin with https:// or http://"},
             row{"https://[::1", "must close the bracket of the address"},
             row{"https://[1:2]", "must have an IPv6 address in its brackets"},
             row{"https://[1:::2]", "must have an IPv6 address in its brackets"},
             row{"https://[:::]", "must have an IPv6 address in its brackets"},
             row{"https://[1::2::3]", "must have an IPv6 address in its brackets"},
             row{"https://", "must have a host of letters, digits and '-', between single dots"},
             row{"https://a..b",
                 "must have a host of letters, digits and '-', between single dots"},
             row{"https://a b", "must have a host of letters, digits and '-', between single dots"},
             row{"https://[::1]x", "has text after its host"},
             row{"https://a.example:", "must have a port from 1 to 65535"},
             row{"https://a.example:0", "must have a port from 1 to 65535"},
             row{"https://a.example:65536", "must have a port from 1 to 65535"},
         }) {
        CAPTURE(string);
        auto const refused = http::origin::parse(string);
        REQUIRE(refused.has_error());
        CHECK(refused.error() == errc::invalid_argument);
        CHECK(refused.error().details().explanation == std::string("base URL: ").append(rule));
    }
}

TEST_CASE("the bounds of a port and of an address's numbers are taken") {
    for (auto const string :
         {"https://a.example:1"sv, "https://a.example:65535"sv, "https://[1:2:3:4:5:6:7:8]"sv,
          "https://[::ffff]"sv, "https://[1::]"sv, "https://[::255.255.255.255]"sv,
          "https://[::0.0.0.0]"sv, "https://[1:2:3:4:5:6:255.0.0.1]"sv}) {
        CAPTURE(string);
        CHECK(http::origin::parse(string).has_value());
    }
    for (auto const string :
         {"https://[1:2:3:4:5:6:7]"sv, "https://[1:2:3:4:5:6:7:8:9]"sv,
          "https://[1:2:3:4:5:6:7::8]"sv, "https://[12345::]"sv, "https://[::g]"sv,
          "https://[::256.0.0.1]"sv, "https://[::1.2.3]"sv, "https://[::1.2.3.4.5]"sv,
          "https://[::01.2.3.4]"sv, "https://[1:2:3:4:5:6:7:1.2.3.4]"sv}) {
        CAPTURE(string);
        CHECK(http::origin::parse(string).has_error());
    }
}
