/// Executing a statement, and waiting for its socket, by blocking.
#pragma once

#include <cloudflare/access/detail/postgres/connection.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>

namespace cloudflare::inline v0::access::detail::postgres {

/// @return false at `end`
[[nodiscard]] inline bool wait_for(int socket, interest wants, steady_time end) {
    for (;;) {
        auto const left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        ::pollfd p{};
        p.fd = socket;
        p.events = wants == interest::read ? POLLIN : POLLOUT;
        auto const wait =
            static_cast<int>((std::min)(left.count(), decltype(left.count())(60'000)));
        auto const ready = ::poll(&p, 1, wait);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true; // the next step tells
    }
}

[[nodiscard]] inline outcome execute(connection& c, statement const& s, steady_time end) {
    c.send(s);
    for (auto wants = c.step(); wants != interest::nothing; wants = c.step())
        if (!wait_for(c.socket(), wants, end)) return c.give_up();
    return c.finish();
}

/// Executes a statement once all sessions that were lost before have ended. Adds its own session to
/// them if that is lost.
[[nodiscard]] inline outcome execute_safely(connection& c, lost_sessions& lost, statement const& s,
                                            steady_time end) {
    for (auto const& before : lost.all()) {
        auto const ended = execute(c, end_session(before), end);
        if (!ended) return ended.error();
        if (!has_ended(*ended)) return still_there();
        lost.remove(before);
    }
    auto given = execute(c, s, end);
    if (!given && given.error().kind == failure_kind::lost) lost.add(c.session());
    return given;
}

} // namespace cloudflare::inline v0::access::detail::postgres
