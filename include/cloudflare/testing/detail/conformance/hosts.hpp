/// Checks that hosts are distinguished, and are named correctly in requests and TLS.
#pragma once

#include <cloudflare/testing/detail/conformance/requests.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Starts the check's server on this address and port; empty where the machine has no such address,
/// or the port is in use.
[[nodiscard]] inline scripted_server* serve_on(trial& t, std::string address, bool tls,
                                               std::uint16_t port = 0) {
    try {
        return &t.serve(always({make_response(200, "{}")}),
                        {.tls = tls, .port = port, .address = std::move(address)});
    } catch (boost::system::system_error const&) {
        t.skip();
        return nullptr;
    }
}

inline void check_two_names(trial& t, std::string const& named, std::string const& other) {
    auto const kind = named == "localhost" ? "DNS:" : "IP:";
    auto& server = t.serve(always({make_response(200, "{}")}),
                           {.tls = true, .identity = make_certificate(kind + named)});
    auto r = t.request(method::post, "/", "{}"), elsewhere = t.request(method::post, "/other", "");
    r.origin = server.origin(named);
    elsewhere.origin = server.origin(other);
    for (int i = 0; i != 2; ++i) {
        t.expect_response(t.send(r), 200, "{}");
        t.expect_failure(t.send(elsewhere), delivery::not_sent, {errc::tls_failed});
    }
}

inline void check_ipv6(trial& t, bool tls) {
    auto* const server = serve_on(t, "::1", tls);
    if (server == nullptr) return;
    t.expect_response(t.send(), 200, "{}");
    t.expect(values_of(last_seen(t), "Host") ==
                 std::vector{"[::1]:" + std::to_string(server->port())},
             "Host is not the address in brackets, with the port");
    t.expect(server->server_name().empty(), "an address was sent as server name");
}

inline constexpr check host_checks[] = {
    {"a certificate is checked for each name of one port",
     [](trial& t) {
         check_two_names(t, "127.0.0.1", "localhost");
         check_two_names(t, "localhost", "127.0.0.1");
     }},
    {"a connection is used for the host only for which it was opened",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             auto& server = t.serve(always({make_response(200, "{}")}), {.tls = tls});
             for (std::string const host : {"127.0.0.1", "localhost", "127.0.0.1"}) {
                 auto r = t.request();
                 r.origin = server.origin(host);
                 t.expect_response(t.send(r), 200, "{}");
                 t.expect(values_of(last_seen(t), "Host") == std::vector{r.origin.authority()},
                          "Host is not the origin's authority");
             }
             t.expect(server.connection_count() >= 2, "one connection for two hosts");
         }
     }},
    {"two hosts at one port are kept apart",
     [](trial& t) {
         scripted_server other(always({make_response(200, "other")}));
         if (serve_on(t, "127.0.0.2", false, other.port()) == nullptr) return;
         auto elsewhere = t.request(method::get, "/elsewhere");
         elsewhere.origin = other.origin();
         for (int i = 0; i != 2; ++i) {
             t.expect_response(t.send(), 200, "{}");
             t.expect_response(t.send(elsewhere), 200, "other");
         }
     }},
    {"plain HTTP and TLS are kept apart",
     [](trial& t) {
         t.serve_tls(always({make_response(200, "{}")}));
         t.expect_response(t.send(), 200, "{}");
         auto plain = t.request(method::post, "/plain", "{}");
         plain.origin =
             http::origin::parse("http://127.0.0.1:" + std::to_string(t.server().port())).value();
         t.expect(!t.send(plain).has_value(), "a TLS connection was used for plain HTTP");
         t.expect(t.server().requests().size() == 1, "the server saw the plain request");
     }},
    {"an IPv6 address is connected to, and named in brackets",
     [](trial& t) { check_ipv6(t, false); }},
    {"an IPv6 address is connected to, and named in brackets (TLS)",
     [](trial& t) { check_ipv6(t, true); }},
    {"a dot behind the host is no part of the name that TLS checks",
     [](trial& t) {
         if (t.subject().loopback_domain.empty()) return t.skip();
         auto const name = "api." + t.subject().loopback_domain;
         auto& server = t.serve(always({make_response(200, "{}")}),
                                {.tls = true, .identity = make_certificate("DNS:" + name)});
         auto r = t.request();
         r.origin = server.origin(name + '.');
         t.expect_response(t.send(r), 200, "{}");
         t.expect(server.server_name() == name, "the server name is not " + name);
     }},
};

} // namespace cloudflare::inline v0::testing::detail
