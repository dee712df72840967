/// Whether the API can be reached, as a server tells it to whoever asks whether it is ready.
#pragma once

#include <cloudflare/api/trace.hpp>

#include <chrono>
#include <string>

namespace cloudflare::inline v0::server {

/// Looks on at the requests of a client:
///
///     server::api_health health;
///     options.trace(std::ref(health)); // client_options
///     ...
///     if (health.is_stale()) co_await tokens.list(...); // e.g. every five seconds at most
///     auto const flaw = health.flaw();                  // for a 503, or empty
///
/// The API counts as reached by any response below 500, but for one that refuses the credentials.
///
/// Threads: one at a time, as on a strand. Must outlive the client that calls it.
class api_health {
    using clock = std::chrono::steady_clock;

public:
    /// For `client_options::trace`.
    void operator()(trace_event const& e) {
        bool const is_refused = e.failure != nullptr && *e.failure == condition::unauthorized;
        bool const is_reached = e.http_status != 0 && e.http_status < 500 && !is_refused;
        failures_ = is_reached ? 0 : failures_ + 1;
        if (is_reached) last_reached_ = clock::now();
        if (!is_reached && e.failure != nullptr) last_failure_ = e.failure->code().message();
    }

    /// Why it cannot be reached: what the third request in a row failed by, or that none was made
    /// yet. Empty where it can.
    [[nodiscard]] std::string flaw() const {
        bool const was_reached = last_reached_ != clock::time_point();
        return failures_ > 2 || !was_reached ? last_failure_ : std::string();
    }

    /// Whether a request should be made to find out: the last one has not reached it, or was half a
    /// minute ago.
    [[nodiscard]] bool is_stale(clock::time_point now = clock::now()) const {
        return failures_ != 0 || now - last_reached_ > std::chrono::seconds(30);
    }

private:
    int failures_ = 0; // in a row
    std::string last_failure_ = "not asked yet";
    clock::time_point last_reached_{};
};

} // namespace cloudflare::inline v0::server
