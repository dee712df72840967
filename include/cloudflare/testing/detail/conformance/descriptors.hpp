/// Checks that a transport leaves no file descriptor open; skipped where the system does not list
/// them. They count the descriptors of the whole process, and so run alone.
#pragma once

#include <cloudflare/testing/detail/conformance/failures.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

namespace cloudflare::inline v0::testing::detail {

/// How many file descriptors are open.
[[nodiscard]] inline std::size_t descriptor_count() {
    namespace fs = std::filesystem;
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

/// How many more than `before` stay open: the server closes its own when it sees that the
/// transport's are closed.
[[nodiscard]] inline std::size_t left_open(std::size_t before) {
    for (int i = 0; i != 50 && descriptor_count() > before; ++i)
        std::this_thread::sleep_for(20ms);
    auto const now = descriptor_count();
    return now - (std::min)(before, now);
}

/// Expects that calls leave none open. Once there may be more, if a kept connection had ended when
/// they were counted: what is left behind grows each time.
template <class Calls>
void expect_no_growth(trial& t, Calls make_calls) {
    std::size_t left = 0;
    for (int tries = 0; tries != 3; ++tries) {
        auto const before = descriptor_count();
        make_calls();
        left = left_open(before);
        if (left == 0) return;
    }
    t.expect(false, std::to_string(left) + " more are open");
}

/// Calls of all kinds: responses, and failures of each step.
inline void call_in_all_ways(trial& t) {
    auto const refused = request_to("http://127.0.0.1:1");
    auto unnamed = t.request(), silent = t.request(method::get, "/silent");
    unnamed.origin = http::origin::parse("https://no-such-host.invalid").value();
    static_cast<void>(t.send());
    static_cast<void>(t.send(t.request(method::post, "/cut", "{}")));
    static_cast<void>(t.send(silent, 30ms));
    static_cast<void>(t.send(refused));
    static_cast<void>(t.send(unnamed, 2s));
    auto plain = t.request(method::get, "/plain");
    plain.origin = http::origin::parse("http://" + t.server().origin().authority()).value();
    static_cast<void>(t.send(plain, 2s)); // to a server that speaks TLS
    static_cast<void>(t.send());
}

[[nodiscard]] inline reply in_many_ways(seen_request const& seen) {
    auto const target = target_of(seen.bytes);
    if (target == "/cut") return last(make_response(200, "cut").substr(0, 25), ending::cut);
    if (target == "/silent") return {.bytes = make_response(200), .pause = 60ms};
    return {.bytes = make_response(200, target)};
}

inline constexpr check descriptor_checks[] = {
    {.name = "a call leaves no file descriptor behind",
     .run =
         [](trial& t) {
             if (!std::filesystem::exists("/proc/self/fd")) return t.skip();
             for (bool const tls : {false, true}) {
                 t.serve(in_many_ways, {.tls = tls});
                 for (int i = 0; i != 2; ++i)
                     call_in_all_ways(t);
                 std::this_thread::sleep_for(100ms);
                 expect_no_growth(t, [&] {
                     for (int i = 0; i != 5; ++i)
                         call_in_all_ways(t);
                 });
             }
         },
     .alone = true},
    {.name = "a transport leaves no file descriptor behind",
     .run =
         [](trial& t) {
             if (!std::filesystem::exists("/proc/self/fd")) return t.skip();
             auto const call_and_end = [&](bool tls) {
                 t.serve(in_many_ways, {.tls = tls});
                 call_in_all_ways(t);
                 t.end();
             };
             call_and_end(true);
             call_and_end(false);
             expect_no_growth(t, [&] {
                 for (bool const tls : {true, false, true})
                     call_and_end(tls);
             });
         },
     .alone = true},
};

} // namespace cloudflare::inline v0::testing::detail
