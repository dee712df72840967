#include <cloudflare/transport/proxy.hpp>

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace proxy_tests {
namespace {

using namespace cloudflare;

http::origin at(char const* string) {
    return http::origin::parse(string).value();
}

TEST_CASE("a proxy is read from its URL") {
    auto const p = proxy::parse("http://user:p%40ss%3aword@proxy.example:3128/").value();
    CHECK(p.address().host() == "proxy.example");
    CHECK(p.address().port() == 3128);
    CHECK(p.credentials().reveal() == "user:p@ss:word");
    CHECK(proxy::parse("http://proxy.example").value().address().port() == 80);
    CHECK(proxy::parse("http://[::1]:8080").value().address().host() == "::1");
    CHECK(proxy::parse("http://proxy.example").value().credentials().empty());
}

TEST_CASE("a proxy prints without user and password") {
    std::ostringstream out;
    out << proxy::parse("http://user:word@proxy.example:3128").value();
    CHECK(out.str() == "http://proxy.example:3128");
}

TEST_CASE("a proxy may be written without a scheme, or with one in any case") {
    for (char const* string : {"proxy.example:3128", "HTTP://proxy.example:3128",
                               "Http://proxy.example:3128///", "http://proxy.example:3128"}) {
        CAPTURE(string);
        auto const p = proxy::parse(string);
        REQUIRE(p);
        CHECK(p->address() == at("http://proxy.example:3128"));
        CHECK(p->credentials().empty());
    }
    CHECK(proxy::parse("proxy").value().address() == at("http://proxy"));
    CHECK(proxy::parse("[::1]:3128").value().address() == at("http://[::1]:3128"));
    CHECK(proxy::parse("me:word@[::1]:3128").value().address() == at("http://[::1]:3128"));
}

TEST_CASE("user and password of a proxy are those of RFC 7617") {
    auto const credentials_of = [](char const* string) {
        return std::string(proxy::parse(string).value().credentials().reveal());
    };
    CHECK(credentials_of("http://user@p") == "user:");
    CHECK(credentials_of("user@p") == "user:");
    CHECK(credentials_of("http://user:@p") == "user:");
    CHECK(credentials_of("http://:word@p") == ":word");
    CHECK(credentials_of("http://@p") == "");
    CHECK(credentials_of("http://us%20er:p%3aw%2F%40@p:1/") == "us er:p:w/@");
    CHECK(credentials_of("http://user:p:w@p") == "user:p:w");
    CHECK(credentials_of("http://me@home:word@p") == "me@home:word");
    CHECK(credentials_of("http://m%C3%A9:w@p") == "m\xC3\xA9:w");
    for (char const* string : {"http://us%3Aer:pw@p", "http://us%3aer@p", "us%3Aer:@p"}) {
        CAPTURE(string);
        auto const p = proxy::parse(string);
        REQUIRE_FALSE(p);
        CHECK(p.error().to_string().find("must not hold a colon") != std::string::npos);
    }
    for (char const* string : {"http://a%00:pw@p", "http://a:p%0d%0aw@p", "http://a:pw%7F@p",
                               "http://a:p\x01w@p", "http://a\tb:pw@p"}) {
        CAPTURE(string);
        auto const p = proxy::parse(string);
        REQUIRE_FALSE(p);
        CHECK(p.error().to_string().find("control character") != std::string::npos);
    }
}

TEST_CASE("what is no proxy is refused, by the rule, without its string") {
    struct refusal {
        char const* string;
        char const* rule;
    };
    for (auto const& [string, rule] : {
             refusal{"", "host"},
             {"https://proxy.example", "http://"},
             {"socks5://a:b@c", "http://"},
             {"socks5h://a", "http://"},
             {"ftp://a", "http://"},
             {"://a", "http://"},
             {"http://", "host"},
             {"http://a:b@", "host"},
             {"http://a%zz:b@c", "percent-encoded"},
             {"http://a:b%4@c", "percent-encoded"},
             {"http://a%4", "host"},
             {"http://a/b", "end behind host and port"},
             {"http://a/b@c", "end behind host and port"},
             {"http://a?b", "end behind host and port"},
             {"a#b", "end behind host and port"},
             {"http://a:b@c:port", "port"},
             {"http://a:b@c:", "port"},
             {"a:b@c:0", "port"},
             {"c:65536", "port"},
             {"c:-1", "port"},
             {"c:80 ", "port"},
             {" c:80", "host"},
             {"http://[::1", "bracket"},
             {"http://[::g]", "IPv6"},
             {"http://::1", "host"},
         }) {
        CAPTURE(string);
        auto const p = proxy::parse(string);
        REQUIRE_FALSE(p);
        CHECK(p.error() == errc::invalid_argument);
        CHECK(p.error().delivery() == delivery::not_sent);
        auto const shown = p.error().to_string();
        CAPTURE(shown);
        CHECK(shown.find("proxy: ") != std::string::npos);
        CHECK(shown.find(rule) != std::string::npos);
        CHECK(shown.find("a:b") == std::string::npos);
    }
}

/// Whether a request to `url` goes past the proxy.
bool is_direct(std::string const& no_proxy, char const* url) {
    return !proxy::parse("http://p", no_proxy).value().serves(at(url));
}

TEST_CASE("a proxy serves secure origins only") {
    auto const p = proxy::parse("http://p").value();
    CHECK(p.serves(at("https://api.cloudflare.com")));
    CHECK_FALSE(p.serves(at("http://api.cloudflare.com")));
}

TEST_CASE("no_proxy takes a name, and all names below it") {
    for (char const* entry : {"example.com", ".example.com", "*.example.com", "EXAMPLE.Com",
                              "example.com.", ".example.com.", "*.Example.com."}) {
        CAPTURE(entry);
        CHECK(is_direct(entry, "https://example.com"));
        CHECK(is_direct(entry, "https://example.com."));
        CHECK(is_direct(entry, "https://Example.COM:8443"));
        CHECK(is_direct(entry, "https://a.b.example.com"));
        CHECK_FALSE(is_direct(entry, "https://badexample.com"));
        CHECK_FALSE(is_direct(entry, "https://example.com.evil.org"));
        CHECK_FALSE(is_direct(entry, "https://com"));
    }
    CHECK(is_direct("*", "https://a"));
    CHECK(is_direct("*", "https://[::1]"));
    CHECK(is_direct("localhost", "https://localhost:1"));
    CHECK_FALSE(is_direct("*example.com", "https://a.example.com"));
    CHECK_FALSE(is_direct("a.*.com", "https://a.b.com"));
}

TEST_CASE("no_proxy is a list with commas, blanks or tabs between") {
    for (std::string const list :
         {"a.test,b.test", "a.test b.test", "a.test\tb.test", " a.test ,\t b.test ",
          ",,a.test,,b.test,", "a.test\nb.test\n", "x,y:1 a.test\t,b.test z"}) {
        CAPTURE(list);
        CHECK(is_direct(list, "https://a.test"));
        CHECK(is_direct(list, "https://b.test"));
        CHECK_FALSE(is_direct(list, "https://c.test"));
    }
}

TEST_CASE("an entry of no_proxy may name a port") {
    CHECK(is_direct("x.org:444", "https://x.org:444"));
    CHECK(is_direct("x.org:444", "https://a.x.org:444"));
    CHECK_FALSE(is_direct("x.org:444", "https://x.org"));
    CHECK_FALSE(is_direct("x.org:44", "https://x.org:444"));
    CHECK(is_direct("x.org.:443", "https://x.org"));
    CHECK(is_direct("*.x.org:443", "https://a.x.org"));
    CHECK(is_direct("*:443", "https://x.org"));
    CHECK_FALSE(is_direct("*:443", "https://x.org:444"));
    CHECK(is_direct("[::1]:8443", "https://[::1]:8443"));
    CHECK_FALSE(is_direct("[::1]:8443", "https://[::1]"));
    CHECK(is_direct("10.0.0.1:99", "https://10.0.0.1:99"));
    CHECK(is_direct("10.0.0.0/8:99", "https://10.0.0.1:99"));
    CHECK_FALSE(is_direct("10.0.0.0/8:99", "https://10.0.0.1"));
    CHECK(is_direct("fd00::/8:99", "https://[fd00::1]:99"));
    CHECK_FALSE(is_direct("[fd00::/8]:99", "https://[fd00::1]"));
}

TEST_CASE("no_proxy takes an address in any spelling, and no part of one") {
    CHECK(is_direct("10.0.0.1", "https://10.0.0.1:99"));
    CHECK(is_direct("10.0.0.1.", "https://10.0.0.1"));
    CHECK(is_direct("10.0.0.1", "https://10.0.0.1."));
    for (char const* entry : {"0.0.1", ".0.0.1", "*.0.0.1", "1", ".1", "*.1", "10", "10.0.0",
                              "0.1.", "010.0.0.1", ".10.0.0.1"}) {
        CAPTURE(entry);
        CHECK_FALSE(is_direct(entry, "https://10.0.0.1"));
        CHECK_FALSE(is_direct(entry, "https://10.0.0.1."));
    }
    CHECK_FALSE(is_direct("0.0.1", "https://10.0.0.01"));
    CHECK_FALSE(is_direct("10.0.0.1", "https://110.0.0.1"));
    CHECK_FALSE(is_direct("10.0.0.1", "https://a.10.0.0.1"));
    CHECK_FALSE(is_direct("10.0.0.1", "https://10.0.0.1.example.com"));
    for (char const* entry :
         {"::1", "[::1]", "0:0:0:0:0:0:0:1", "[0000:0::0001]", "::0.0.0.1", "::0:1"}) {
        CAPTURE(entry);
        CHECK(is_direct(entry, "https://[::1]:9"));
        CHECK(is_direct(entry, "https://[0:0:0:0:0:0:0:1]"));
        CHECK_FALSE(is_direct(entry, "https://[::2]"));
        CHECK_FALSE(is_direct(entry, "https://[1::]"));
        CHECK_FALSE(is_direct(entry, "https://0.0.0.1"));
    }
    CHECK(is_direct("2001:DB8::a:0:0:1", "https://[2001:db8:0:0:A::1]"));
    CHECK(is_direct("::ffff:10.0.0.1", "https://10.0.0.1"));
    CHECK(is_direct("10.0.0.1", "https://[::ffff:a00:1]"));
}

TEST_CASE("no_proxy takes ranges of addresses") {
    struct range {
        char const* entry;
        char const* in;
        char const* out;
    };
    for (auto const& [entry, in, out] : {
             range{"127.0.0.0/8", "https://127.1.2.3:9", "https://128.0.0.1"},
             {"10.1.2.3/8", "https://10.255.255.255", "https://11.0.0.0"},
             {"192.168.4.0/22", "https://192.168.7.255", "https://192.168.8.0"},
             {"192.168.4.0/23", "https://192.168.5.1", "https://192.168.6.1"},
             {"10.0.0.1/32", "https://10.0.0.1", "https://10.0.0.0"},
             {"0.0.0.0/0", "https://203.0.113.9", "https://[2001:db8::1]"},
             {"0.0.0.0/1", "https://127.0.0.1", "https://128.0.0.1"},
             {"fd00::/8", "https://[fdff:1::2]", "https://[fe00::]"},
             {"[2001:db8::]/33", "https://[2001:db8:7fff::]", "https://[2001:db8:8000::]"},
             {"[2001:db8::/32]", "https://[2001:db8:1::]", "https://[2001:db9::]"},
             {"::1/128", "https://[::1]", "https://[::]"},
             {"::/0", "https://[2001:db8::1]", "https://10.0.0.1"},
             {"::ffff:10.0.0.0/104", "https://10.9.9.9", "https://11.0.0.1"},
             {"10.0.0.0/8", "https://[::ffff:10.1.1.1]", "https://[::10.1.1.1]"},
         }) {
        CAPTURE(entry);
        CHECK(is_direct(entry, in));
        CHECK_FALSE(is_direct(entry, out));
        CHECK_FALSE(is_direct(entry, "https://a.example"));
    }
    for (char const* entry : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1",
                              "10.0.0.0/8/8", "10/8", "10.0.0.0/8x", "10.0.0.0/255.0.0.0",
                              "fd00::/129", "0.0.1/8", "/8", "/0", "*/0", "a.example/8"}) {
        CAPTURE(entry);
        CHECK_FALSE(is_direct(entry, "https://10.0.0.1"));
        CHECK_FALSE(is_direct(entry, "https://[fd00::1]"));
        CHECK_FALSE(is_direct(entry, "https://a.example"));
    }
}

TEST_CASE("what cannot be understood in no_proxy names nothing") {
    for (char const* list :
         {"",       ",, ,:1,]:2,[]", ":443",      "[]:443",  ".",         "*.", "..",
          "a:x",    "a:-443",        "a:443x",    "a:0x1bb", "https://a", "[a", "a]",
          "[::1]x", "::1]",          "a:443:443", "[",       "]",         "/",  ":"}) {
        CAPTURE(list);
        CHECK_FALSE(is_direct(list, "https://a"));
        CHECK_FALSE(is_direct(list, "https://[::1]"));
    }
}

using environment = std::map<std::string, std::string>;

std::optional<proxy> find(environment const& variables) {
    return proxy_from([&](char const* name) -> char const* {
               auto const found = variables.find(name);
               return found == variables.end() ? nullptr : found->second.c_str();
           })
        .value();
}

TEST_CASE("a proxy is found in the environment, the lower-case name first") {
    environment variables;
    CHECK_FALSE(find(variables));
    variables["HTTPS_PROXY"] = "http://upper";
    CHECK(find(variables)->address().host() == "upper");
    variables["NO_PROXY"] = "a.example";
    CHECK_FALSE(find(variables)->serves(at("https://a.example")));
    variables["no_proxy"] = "b.example";
    CHECK(find(variables)->serves(at("https://a.example")));
    variables["https_proxy"] = "http://lower";
    CHECK(find(variables)->address().host() == "lower");
}

TEST_CASE("a variable that is empty counts as one that is not set") {
    CHECK_FALSE(find({{"https_proxy", ""}}));
    CHECK_FALSE(find({{"https_proxy", ""}, {"HTTPS_PROXY", ""}}));
    auto const p = find({{"https_proxy", ""},
                         {"HTTPS_PROXY", "http://upper"},
                         {"no_proxy", ""},
                         {"NO_PROXY", "a.example"}});
    REQUIRE(p);
    CHECK(p->address().host() == "upper");
    CHECK_FALSE(p->serves(at("https://a.example")));
    CHECK(find({{"HTTPS_PROXY", "http://upper"}, {"no_proxy", ""}})->serves(at("https://a")));
}

TEST_CASE("a proxy that cannot be used is an error for the origins that it serves") {
    for (char const* string : {"socks5h://a:b@c:1", "https://a:b@c", "ftp://c", "http://c:port",
                               "http://a%3A:x@c", "http://a:b@c/d"}) {
        CAPTURE(string);
        auto const p = find({{"HTTPS_PROXY", string}, {"no_proxy", "direct.example"}});
        REQUIRE(p);
        CHECK_FALSE(p->serves(at("https://direct.example")));
        CHECK_FALSE(p->serves(at("http://api.example")));
        CHECK(p->serves(at("https://api.example")));
        REQUIRE(p->unusable());
        CHECK(*p->unusable() == errc::invalid_argument);
        CHECK(p->unusable()->delivery() == delivery::not_sent);
        auto const shown = p->unusable()->to_string();
        CHECK(shown.find("HTTPS_PROXY: ") != std::string::npos);
        CHECK(shown.find("a:b") == std::string::npos);
        CHECK(p->credentials().empty());
        CHECK(p->address().host() == "proxy.invalid"); // a transport that does not ask goes nowhere
    }
    CHECK_FALSE(find({{"https_proxy", "c:1"}})->unusable());
}

TEST_CASE("no_proxy knows an IPv6 address by its groups, wherever its gap is") {
    struct row {
        char const* entry;
        char const* host;
        bool named;
    };
    for (auto const& [entry, host, named] : {
             row{"1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]", true},
             row{"1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:9]", false},
             row{"1:2::7:8", "[1:2:0:0:0:0:7:8]", true},
             row{"1:2::7:8", "[1:2:0:0:0:7:0:8]", false},
             row{"::102:304", "[::1.2.3.4]", true},
             row{"::1.2.3.4", "[::102:304]", true},
             row{"64:ff9b::1.2.3.4", "[64:ff9b::102:304]", true},
             row{"1::", "[1:0:0:0:0:0:0:0]", true},
             row{"ffff::", "[ff00::]", false},
             row{"::abcd", "[::abcd]", true},
             row{"::ffff:1.2.3.4", "1.2.3.4", true},
             row{"a00::/8", "[a01::1]", true},
             row{"a00::/8", "[b00::1]", false},
             row{"10.0.0.0/8", "10.255.255.255", true},
             row{"10.0.0.0/8", "11.0.0.0", false},
             row{"10.0.0.0/9", "10.127.255.255", true},
             row{"10.0.0.0/9", "10.128.0.0", false},
             row{"0.0.0.0/0", "255.255.255.255", true},
             row{"1.2.3.4/32", "1.2.3.4", true},
             row{"1.2.3.4/32", "1.2.3.5", false},
             row{"1.2.3.4/33", "1.2.3.4", false},
             row{"::1/128", "[::1]", true},
             row{"::1/129", "[::1]", false},
             row{"::/0", "[::1]", true},
             row{"0.0.0.0/0", "[::ff00:102:304]", false},
             row{"0.0.0.0/0", "[::ff:102:304]", false},
             row{"0.0.0.0/0", "[1::ffff:102:304]", false},
         }) {
        CAPTURE(entry);
        CAPTURE(host);
        auto const p = proxy::parse("http://p", entry).value();
        auto const origin = http::origin::parse(std::string("https://") + host).value();
        CHECK(p.serves(origin) == !named);
    }
}

TEST_CASE("a host whose last label is a number has no names below it") {
    auto const p = proxy::parse("http://p", "4,example.com,x4").value();
    CHECK(p.serves(http::origin::parse("https://1.2.3.4").value()));
    CHECK(p.serves(http::origin::parse("https://a.4").value()));
    CHECK(!p.serves(http::origin::parse("https://4.example.com").value()));
    CHECK(!p.serves(http::origin::parse("https://a.x4").value()));
}

TEST_CASE("each error says which rule a proxy breaks") {
    struct row {
        std::string_view url;
        std::string_view explanation;
    };
    for (auto const& [url, explanation] : {
             row{"https://p", "proxy: must begin with http://; a proxy that is reached by https:// "
                              "or SOCKS is not supported"},
             row{"http://p/x", "proxy: must end behind host and port; in user and password, / ? # "
                               "are written %2F %3F %23"},
             row{"http://a%zz@p", "proxy: user and password must be percent-encoded"},
             row{"http://a:%z@p", "proxy: user and password must be percent-encoded"},
             row{"http://a%3Ab:c@p", "proxy: user must not hold a colon (RFC 7617)"},
             row{"http://a%0A@p",
                 "proxy: user and password must hold no control character (RFC 7617)"},
             row{"http://a:%7F@p",
                 "proxy: user and password must hold no control character (RFC 7617)"},
             row{"http://p:0", "proxy: must have a port from 1 to 65535"},
         }) {
        CAPTURE(url);
        auto const refused = proxy::parse(url);
        REQUIRE(refused.has_error());
        CHECK(refused.error() == errc::invalid_argument);
        CHECK(refused.error().details().explanation == explanation);
    }
    CHECK(proxy::parse("http://a%20:~%3A@p").value().credentials().reveal() == "a :~:");
}

} // namespace
} // namespace proxy_tests
