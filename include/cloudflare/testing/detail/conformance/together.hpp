/// Checks of calls that are under way at the same time on one transport; skipped where the
/// transport cannot do that.
#pragma once

#include <cloudflare/testing/detail/conformance/responses.hpp>
#include <cloudflare/testing/detail/conformance/unasked.hpp>

namespace cloudflare::inline v0::testing::detail {

/// Requests with different targets: `/0`, `/1` ...
[[nodiscard]] inline std::vector<http::request> numbered(trial const& t, std::size_t count) {
    std::vector<http::request> requests;
    for (std::size_t i = 0; i != count; ++i)
        requests.push_back(t.request(method::post, '/' + std::to_string(i), "{}"));
    return requests;
}

[[nodiscard]] inline std::size_t number_of(seen_request const& seen) {
    return std::stoul("0" + target_of(seen.bytes).substr(1));
}

/// A script that responds with the request's target after this time.
[[nodiscard]] inline server_script
echo_after(std::function<std::chrono::milliseconds(std::size_t number)> pause) {
    return [pause = std::move(pause)](seen_request const& seen) {
        return reply{.bytes = make_response(200, target_of(seen.bytes)),
                     .pause = pause(number_of(seen))};
    };
}

inline void check_all_told_apart(trial& t, std::size_t count) {
    auto const requests = numbered(t, count);
    auto const begin = time_point::clock::now();
    auto const given = t.send_together(requests);
    if (!given) return;
    t.expect(time_point::clock::now() - begin < 8s, "a call was left waiting");
    for (std::size_t i = 0; i != count; ++i)
        t.expect_response((*given)[i], 200, requests[i].target);
}

/// Cancels one of several requests, and expects that the others succeed.
inline void check_one_cancelled(trial& t, std::size_t count, std::size_t which) {
    auto const requests = numbered(t, count);
    auto const given = t.send_together(requests, 10s, planned_cancellation{which, 40ms});
    if (!given) return;
    for (std::size_t i = 0; i != count; ++i) {
        auto const& one = (*given)[i];
        if (i != which) t.expect_response(one, 200, requests[i].target);
        if (i == which) t.expect(!one && one.error() == errc::cancelled, "it is not cancelled");
    }
    t.expect_response(t.send(t.request(method::get, "/77")), 200, "/77");
}

inline constexpr check together_checks[] = {
    {"the responses to concurrent calls are not mixed up",
     [](trial& t) {
         for (bool const tls : {false, true}) {
             t.serve(echo_after([](auto number) { return (12 - number % 13) * 6ms; }),
                     {.tls = tls});
             check_all_told_apart(t, 12);
             check_all_told_apart(t, 12); // on connections that are open
         }
     }},
    {"many concurrent calls all end",
     [](trial& t) {
         t.serve(echo_after([](auto) { return 2ms; }));
         check_all_told_apart(t, 100);
     }},
    {"a call that fails does not affect the others under way",
     [](trial& t) {
         for (auto const how : {ending::cut, ending::reset}) {
             t.serve([how](seen_request const& seen) {
                 bool const bad = number_of(seen) % 2 != 0;
                 return bad ? last("", how)
                            : reply{.bytes = make_response(200, target_of(seen.bytes))};
             });
             auto const requests = numbered(t, 24);
             auto const given = t.send_together(requests);
             if (!given) return;
             for (std::size_t i = 0; i != requests.size(); ++i) {
                 if (i % 2 == 0) t.expect_response((*given)[i], 200, requests[i].target);
                 if (i % 2 != 0)
                     t.expect_failure((*given)[i], delivery::unknown, {errc::connection_lost});
             }
         }
     }},
    {"a call that is cancelled does not affect the others under way",
     [](trial& t) {
         for (std::size_t const which : {0U, 2U, 5U}) {
             t.serve(echo_after([](auto) { return 120ms; }));
             check_one_cancelled(t, 6, which);
         }
     }},
    {"a call that is cancelled while many wait does not hit the others",
     [](trial& t) {
         t.serve(echo_after([](auto) { return 90ms; }));
         check_one_cancelled(t, 48, 40);
     }},
    {"the deadline ends all calls under way",
     [](trial& t) {
         t.serve(always(last("", ending::hang)));
         auto const requests = numbered(t, 24);
         auto const begin = time_point::clock::now();
         auto const given = t.send_together(requests, 250ms);
         if (!given) return;
         t.expect(time_point::clock::now() - begin < 3s, "one ended seconds after its deadline");
         for (auto const& one : *given)
             t.expect(!one && one.error() == errc::deadline_exceeded,
                      one ? "a response" : one.error().to_string());
     }},
};

} // namespace cloudflare::inline v0::testing::detail
