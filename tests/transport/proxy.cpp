#include <cloudflare/transport/proxy.hpp>

#include <doctest/doctest.h>

#include <map>
#include <sstream>
#include <string>

namespace proxy_tests {
namespace {

using namespace cloudflare;

http::origin at(char const* text) {
    return http::origin::parse(text).value();
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

TEST_CASE("what is no proxy is refused, by the rule, without its text") {
    for (char const* text :
         {"", "proxy.example:3128", "https://proxy.example", "socks5://a", "http://", "http://a:b@",
          "http://a%zz:b@c", "http://a%4", "http://a/b", "http://a:b@c:port"}) {
        CAPTURE(text);
        auto const p = proxy::parse(text);
        REQUIRE_FALSE(p);
        CHECK(p.error() == errc::invalid_argument);
        CHECK(p.error().to_string().find("proxy: ") != std::string::npos);
        CHECK(p.error().to_string().find("a:b") == std::string::npos);
    }
}

TEST_CASE("a proxy serves secure origins that are not excepted") {
    auto const p =
        proxy::parse("http://p", "example.com, .test ,10.0.0.1,[::1]:8443,x.org:444").value();
    CHECK(p.serves(at("https://api.cloudflare.com")));
    CHECK_FALSE(p.serves(at("http://api.cloudflare.com")));
    CHECK_FALSE(p.serves(at("https://example.com")));
    CHECK_FALSE(p.serves(at("https://EXAMPLE.com")));
    CHECK_FALSE(p.serves(at("https://a.b.example.com")));
    CHECK(p.serves(at("https://badexample.com")));
    CHECK(p.serves(at("https://example.com.evil.org")));
    CHECK_FALSE(p.serves(at("https://a.test")));
    CHECK_FALSE(p.serves(at("https://10.0.0.1:99")));
    CHECK(p.serves(at("https://110.0.0.1")));
    CHECK_FALSE(p.serves(at("https://[::1]:8443")));
    CHECK(p.serves(at("https://[::1]")));
    CHECK_FALSE(p.serves(at("https://x.org:444")));
    CHECK(p.serves(at("https://x.org")));
    CHECK_FALSE(proxy::parse("http://p", "*").value().serves(at("https://a")));
    CHECK_FALSE(proxy::parse("http://p", "::1").value().serves(at("https://[::1]:9")));
    CHECK(proxy::parse("http://p", ",, ,:1,]:2,[]").value().serves(at("https://a")));
}

TEST_CASE("a proxy is found in the environment, the lower-case name first") {
    std::map<std::string, char const*> environment;
    auto const find = [&] {
        return proxy_from([&](char const* name) -> char const* {
            auto const found = environment.find(name);
            return found == environment.end() ? nullptr : found->second;
        });
    };
    CHECK_FALSE(find().value().has_value());
    environment["HTTPS_PROXY"] = "http://upper";
    CHECK(find().value()->address().host() == "upper");
    environment["NO_PROXY"] = "a.example";
    CHECK_FALSE(find().value()->serves(at("https://a.example")));
    environment["no_proxy"] = "b.example";
    CHECK(find().value()->serves(at("https://a.example")));
    environment["https_proxy"] = "http://lower";
    CHECK(find().value()->address().host() == "lower");
    environment["https_proxy"] = "";
    CHECK_FALSE(find().value().has_value());
    environment["https_proxy"] = "ftp://a";
    CHECK_FALSE(find().has_value());
}

} // namespace
} // namespace proxy_tests
