/// A session of the server, and how to end one whose connection was lost.
#pragma once

#include <cloudflare/access/detail/postgres/failure.hpp>
#include <cloudflare/access/detail/postgres/statement.hpp>
#include <cloudflare/core/detail/system_random.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access::detail::postgres {

/// A session, identified by its process and a unique name, because process ids are reused.
struct session {
    session(int id, std::string random_name) : process(id), name(std::move(random_name)) {}

    int process;
    std::string name; ///< its `application_name`
};

/// The program's name, and 64 random bits.
[[nodiscard]] inline std::string session_name(std::string program) {
    constexpr std::string_view hex = "0123456789abcdef";
    program += ' ';
    auto bits = cloudflare::detail::system_random();
    for (int digit = 0; digit != 16; ++digit, bits >>= 4)
        program += hex[bits & 15];
    return program;
}

/// Ends the session, if it still exists, and waits for its end. Returns `t` if nothing that was
/// sent to it will be executed any more. Needs PostgreSQL 14.
[[nodiscard]] inline statement end_session(session const& s) {
    return statement("SELECT coalesce(bool_and(pg_terminate_backend(pid, 1000)), true) FROM "
                     "pg_stat_activity WHERE pid = $1 AND application_name = $2")
        .value(s.process)
        .value(s.name);
}

[[nodiscard]] inline bool has_ended(reply const& of_end_session) noexcept {
    return !of_end_session.rows.empty() && string_at(of_end_session.rows.front(), 0) == "t";
}
[[nodiscard]] inline failure still_there() {
    return {failure_kind::rolled_back,
            "a session whose connection was lost while it wrote has not ended yet"};
}

/// Sessions that were lost while they wrote. Their statements may still run, or wait for a lock, so
/// they are ended before anything else is executed.
class lost_sessions {
public:
    void add(session s) {
        std::lock_guard const lock(mutex_);
        all_.push_back(std::move(s));
    }
    [[nodiscard]] std::vector<session> all() const {
        std::lock_guard const lock(mutex_);
        return all_;
    }
    void remove(session const& ended) {
        std::lock_guard const lock(mutex_);
        std::erase_if(all_, [&](session const& s) { return s.name == ended.name; });
    }

private:
    mutable std::mutex mutex_;
    std::vector<session> all_;
};

} // namespace cloudflare::inline v0::access::detail::postgres
