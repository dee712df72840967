/// Checks of which servers a transport trusts.
#pragma once

#include <cloudflare/testing/detail/conformance/responses.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Expects that a server with these options is refused before anything is sent.
inline void check_refused(trial& t, scripted_server_options how, bool trusted = true,
                          std::string_view host = "127.0.0.1") {
    how.tls = true;
    auto& server = t.serve(always({make_response(200)}), std::move(how), trusted);
    auto r = t.request(method::post, "/", "{}");
    r.origin = server.origin(host);
    t.expect_failure(t.send(r), delivery::not_sent, {errc::tls_failed});
    t.expect(server.bytes_received() == 0, "bytes of the request were sent");
}

/// Expects a failure where the server requires a client certificate, which the client does not
/// have.
///
/// In TLS 1.3 the server's alert comes after the client's part of the handshake, when the request
/// may have been sent: so the delivery depends on timing.
inline void check_demanding_server(trial& t, int max_tls_version) {
    auto& server = t.serve(
        always({make_response(200)}),
        {.tls = true, .client_ca_pem = make_certificate().pem, .max_tls_version = max_tls_version});
    auto const given = t.send(t.request(method::post, "/", "{}"));
    bool const late = max_tls_version == 0 && !given;
    t.expect_failure(given, late ? given.error().delivery() : delivery::not_sent,
                     {errc::tls_failed});
    t.expect(server.connection_count() == 1, "it connected more than once");
    t.expect(server.requests().empty(), "the server saw a request");
}

inline constexpr check tls_checks[] = {
    {"a trusted certificate that names the address is accepted",
     [](trial& t) {
         auto& server = t.serve_tls(always({make_response(200, "{}")}));
         t.expect_response(t.send(), 200, "{}");
         t.expect(server.server_name().empty(), "an address was sent as server name");
     }},
    {"a host name is sent as server name, and checked",
     [](trial& t) {
         auto& server = t.serve_tls(always({make_response(200, "{}")}));
         auto r = t.request();
         r.origin = server.origin("localhost");
         t.expect_response(t.send(r), 200, "{}");
         t.expect(server.server_name() == "localhost", "the server name is not `localhost`");
     }},
    {"an untrusted certificate is refused", [](trial& t) { check_refused(t, {}, false); }},
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
    {"a certificate that names the address as a host name is refused",
     [](trial& t) { check_refused(t, {.identity = make_certificate("DNS:127.0.0.1")}); }},
    {"a certificate that names its host by its common name only is refused",
     [](trial& t) {
         if (t.subject().accepts_common_name) return t.skip();
         for (std::string const name : {"127.0.0.1", "localhost"}) {
             certificate_options const o{.alternative_names = {}, .common_name = name};
             check_refused(t, {.identity = make_certificate(o)}, true, name);
         }
     }},
    {"a certificate for clients only is refused",
     [](trial& t) {
         certificate_options const o{.extended_key_usage = "clientAuth"};
         check_refused(t, {.identity = make_certificate(o)});
     }},
    {"a certificate whose intermediate CA is missing is refused",
     [](trial& t) {
         auto const missing = certificate_options::chain::missing_intermediate;
         check_refused(t, {.identity = make_certificate({.signed_by = missing})});
     }},
    {"a certificate of an intermediate CA is accepted",
     [](trial& t) {
         certificate_options const o{.extended_key_usage = "serverAuth",
                                     .signed_by = certificate_options::chain::intermediate};
         t.serve(always({make_response(200, "{}")}),
                 {.tls = true, .identity = make_certificate(o)});
         t.expect_response(t.send(), 200, "{}");
     }},
    {"a wildcard stands for one label, and for a whole one",
     [](trial& t) {
         auto const& domain = t.subject().loopback_domain;
         if (domain.empty()) return t.skip();
         auto const whole = make_certificate("DNS:*." + domain);
         auto& server =
             t.serve(always({make_response(200, "{}")}), {.tls = true, .identity = whole});
         auto r = t.request();
         r.origin = server.origin("api1." + domain);
         t.expect_response(t.send(r), 200, "{}");
         check_refused(t, {.identity = whole}, true, "a.b." + domain);
         check_refused(t, {.identity = whole}, true, domain);
         for (std::string const partial : {"api*.", "*1.", "a*1."})
             check_refused(t, {.identity = make_certificate("DNS:" + partial + domain)}, true,
                           "api1." + domain);
     }},
    {"a server that demands a client certificate is not tried again (TLS 1.3)",
     [](trial& t) { check_demanding_server(t, 0); }},
    {"a server that demands a client certificate is not tried again (TLS 1.2)",
     [](trial& t) { check_demanding_server(t, TLS1_2_VERSION); }},
    {"TLS 1.1 is refused", [](trial& t) { check_refused(t, {.max_tls_version = TLS1_1_VERSION}); }},
    {"TLS 1.2 is accepted",
     [](trial& t) {
         t.serve(always({make_response(200, "{}")}),
                 {.tls = true, .max_tls_version = TLS1_2_VERSION});
         t.expect_response(t.send(), 200, "{}");
     }},
};

} // namespace cloudflare::inline v0::testing::detail
