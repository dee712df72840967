/// Checks that an unsolicited response is never taken for the response to a request.
#pragma once

#include <cloudflare/testing/detail/conformance/trial.hpp>

namespace cloudflare::inline v0::testing::detail {

/// The unsolicited bytes after the response to `/first`, and when they are sent.
struct unasked {
    std::string same_segment{};
    std::string later{};
    std::chrono::microseconds later_after{};
};

/// A script that responds to each request with its target, and sends unsolicited bytes after
/// `/first`.
[[nodiscard]] inline server_script echo(unasked more = {}) {
    return [more](seen_request const& seen) {
        auto const target = target_of(seen.bytes);
        reply r{.bytes = make_response(200, target)};
        if (target != "/first") return r;
        r.bytes += more.same_segment;
        r.later = more.later;
        r.later_after = more.later_after;
        return r;
    };
}

/// Sends a request, and expects its own response.
inline void expect_own_response(trial& t, std::string const& target,
                                http::origin const* origin = nullptr) {
    auto r = t.request(method::post, target, "{}");
    if (origin != nullptr) r.origin = *origin;
    t.expect_response(t.send(r), 200, target);
}

/// Sends requests after `/first`, at once and after a while.
inline void check_unasked(trial& t, unasked const& more, bool tls) {
    for (auto const pause : {0ms, 0ms, 0ms, 0ms, 30ms}) { // at once: the outcome depends on timing
        t.serve(echo(more), {.tls = tls});
        expect_own_response(t, "/first");
        t.await_replies(1);
        std::this_thread::sleep_for(pause);
        for (auto const* target : {"/second", "/third", "/fourth"})
            expect_own_response(t, target);
    }
}

[[nodiscard]] inline std::string forged() {
    return make_response(200, "forged");
}

inline constexpr check unasked_checks[] = {
    {"an unsolicited response in the same segment is the response to no request",
     [](trial& t) {
         for (bool const tls : {false, true})
             check_unasked(t, {.same_segment = forged()}, tls);
     }},
    {"an unsolicited response right behind is the response to no request",
     [](trial& t) { check_unasked(t, {.later = forged(), .later_after = 100us}, false); }},
    {"an unsolicited response right behind is the response to no request (TLS)",
     [](trial& t) { check_unasked(t, {.later = forged(), .later_after = 100us}, true); }},
    {"an unsolicited response 15 ms later is the response to no request",
     [](trial& t) { check_unasked(t, {.later = forged(), .later_after = 15ms}, false); }},
    {"an unsolicited response 15 ms later is the response to no request (TLS)",
     [](trial& t) { check_unasked(t, {.later = forged(), .later_after = 15ms}, true); }},
    {"an unsolicited response in a TLS record of its own is the response to no request",
     [](trial& t) { check_unasked(t, {.later = forged()}, true); }},
    {"an unsolicited beginning of a response is the beginning of no response",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             check_unasked(t, {.same_segment = "HTTP/1.1 5"}, tls);
             check_unasked(t, {.later = "HTTP/1.1 500 No\r\nX: ", .later_after = 2ms}, tls);
             check_unasked(t, {.later = "\r\n", .later_after = 2ms}, tls);
         }
     }},
    {"an unsolicited informational response is the beginning of no response",
     [](trial& t) {
         for (bool const tls : {false, true})
             check_unasked(t, {.later = "HTTP/1.1 100 Continue\r\n\r\n", .later_after = 2ms}, tls);
     }},
    {"an unsolicited response is the response to no request where two servers take turns",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             scripted_server const plain(echo());
             auto const other = plain.origin();
             t.serve(echo({.later = forged(), .later_after = 15ms}), {.tls = tls});
             expect_own_response(t, "/first");
             expect_own_response(t, "/x", &other);
             t.await_replies(1);
             expect_own_response(t, "/y", &other);
             for (auto const* target : {"/second", "/third"})
                 expect_own_response(t, target);
             expect_own_response(t, "/z", &other);
         }
     }},
};

} // namespace cloudflare::inline v0::testing::detail
