/// Checks of whom a transport trusts.
#pragma once

#include <cloudflare/testing/conformance/answers.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Expects that a server set up like this is refused, before anything is sent.
inline void check_refused(trial& t, scripted_server_options how, bool trusted = true,
                          std::string_view host = "127.0.0.1") {
    how.tls = true;
    auto& server = t.serve(always({answer(200)}), std::move(how), trusted);
    auto r = t.request(method::post, "/", "{}");
    r.origin = server.origin(host);
    t.expect_failure(t.send(r), delivery::not_sent, {errc::tls_failed});
    t.expect(server.bytes_received() == 0, "bytes of the request were sent");
}

inline constexpr check tls_checks[] = {
    {"a trusted certificate that names the address is accepted",
     [](trial& t) {
         auto& server = t.serve_tls(always({answer(200, "{}")}));
         t.expect_answer(t.send(), 200, "{}");
         t.expect(server.server_name().empty(), "an address was sent as server name");
     }},
    {"a host name is sent as server name, and checked",
     [](trial& t) {
         auto& server = t.serve_tls(always({answer(200, "{}")}));
         auto r = t.request();
         r.origin = server.origin("localhost");
         t.expect_answer(t.send(r), 200, "{}");
         t.expect(server.server_name() == "localhost", "the server name is not `localhost`");
     }},
    {"a certificate that nobody vouches for is refused",
     [](trial& t) { check_refused(t, {}, false); }},
    {"a certificate of another host is refused",
     [](trial& t) {
         auto const other = make_certificate("DNS:other.example,IP:127.0.0.2");
         check_refused(t, {.identity = other});
         check_refused(t, {.identity = other}, true, "localhost");
     }},
    {"a wildcard does not stand for a whole name",
     [](trial& t) {
         check_refused(t, {.identity = make_certificate("DNS:*")}, true, "localhost");
     }},
    {"a certificate that has expired is refused",
     [](trial& t) { check_refused(t, {.identity = make_certificate("IP:127.0.0.1", -48h, 24h)}); }},
    {"a certificate that is not yet valid is refused",
     [](trial& t) { check_refused(t, {.identity = make_certificate("IP:127.0.0.1", 24h, 24h)}); }},
    {"TLS 1.1 is refused", [](trial& t) { check_refused(t, {.max_tls_version = TLS1_1_VERSION}); }},
    {"TLS 1.2 is accepted",
     [](trial& t) {
         t.serve(always({answer(200, "{}")}), {.tls = true, .max_tls_version = TLS1_2_VERSION});
         t.expect_answer(t.send(), 200, "{}");
     }},
};

} // namespace cloudflare::inline v0::testing::detail
