// A proxy's URL, the list of what is reached without it and an origin, a line each, as they stand in
// the environment: each is refused or understood, always in the same way, and no password is shown.
#include "run.hpp"

#include <cloudflare/transport/proxy.hpp>

#include <sstream>

namespace cf = cloudflare;

namespace {

std::string printed(cf::proxy const& p) {
    std::ostringstream out;
    out << p;
    return out.str();
}

void check_parsed(cf::proxy const& p, std::string_view url, std::string_view no_proxy) {
    auto const text = printed(p);
    auto const credentials = p.credentials().reveal();
    require(credentials.empty() || credentials.find(':') != credentials.npos,
            "credentials are a user and a password");
    for (char const c : credentials)
        require(static_cast<unsigned char>(c) >= 0x20, "credentials fit in a header");
    auto const again = cf::proxy::parse(text, no_proxy);
    require(again.has_value() && again->address() == p.address(),
            "a proxy's text reads back as the same address");
    // A host may be called as the password is: so what is printed must not depend on it.
    auto const bare = cf::proxy::parse(url.substr(url.rfind('@') + 1), no_proxy); // npos + 1 is 0
    require(bare.has_value() && printed(*bare) == text, "user and password are not printed");
}

} // namespace

std::vector<std::string> samples() {
    return {"http://proxy.example:3128\nlocalhost,.example.com,10.0.0.0/8\nhttps://api.example.com",
            "http://user:pass%20word@proxy.example\n*\nhttps://[fd00::1]:8443",
            "proxy.example:8080/\n127.0.0.1, ::1 [fd00::/8]:443\nhttps://10.1.2.3",
            "http://[::1]:3128\n*.example.com:8443\thost\nhttps://a.example.com:8443",
            "socks5://proxy.example\n\nhttps://example.com",
            "\nexample.com\nhttps://example.com"};
}

void check(std::string_view input) {
    std::string const url(take_line(input));
    std::string const no_proxy(take_line(input));
    auto const origin = cf::http::origin::parse(take_line(input));
    auto const parsed = cf::proxy::parse(url, no_proxy);
    if (parsed) {
        check_parsed(*parsed, url, no_proxy);
    } else {
        require(parsed.error() == cf::errc::invalid_argument, "a bad URL is bad input");
        auto const line = parsed.error().to_string();
        require(line.find_first_of("\r\n") == line.npos, "an error is one line");
    }

    auto const found = cf::proxy_from([&](std::string_view name) -> char const* {
        return name == "https_proxy" ? url.c_str()
               : name == "no_proxy"  ? no_proxy.c_str()
                                     : nullptr;
    });
    require(found.has_value(), "the environment is never an error");
    bool const is_set = !std::string_view(url.c_str()).empty(); // a variable ends at its first 0
    require(found->has_value() == is_set, "a variable that is empty counts as one that is not set");
    if (!parsed || !origin || url.find('\0') != url.npos || no_proxy.find('\0') != no_proxy.npos)
        return;
    if (!is_set) return;
    require(!(*found)->unusable(), "what is understood is usable");
    require((*found)->serves(*origin) == parsed->serves(*origin),
            "the environment is read as an argument is");
    if (!origin->is_secure()) require(!parsed->serves(*origin), "http goes through no proxy");
    auto const host = std::string(origin->host());
    auto const listed = cf::proxy::parse(url, no_proxy + "," + host);
    require(listed.has_value() && !listed->serves(*origin), "a host that is listed is direct");
}
