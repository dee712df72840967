// What the requests to the API tell: lines of the log, latencies, connections, and whether it is reachable.
#pragma once

#include "json_log.hpp"
#include "metrics.hpp"

#include <cloudflare/api/trace.hpp>
#include <cloudflare/transport/connection_event.hpp>

#include <chrono>
#include <string>

class api_trace {
public:
    explicit api_trace(metrics& numbers) : numbers_(numbers) {}

    void operator()(cloudflare::trace_event const& e) {
        using seconds = std::chrono::duration<double>;
        bool const is_refused =
            e.failure != nullptr && *e.failure == cloudflare::condition::unauthorized;
        bool const is_reached = e.http_status != 0 && e.http_status < 500 && !is_refused;
        failures = is_reached ? 0 : failures + 1;
        if (is_reached) last_reached = std::chrono::steady_clock::now();
        if (!is_reached && e.failure != nullptr) last_failure = e.failure->code().message();
        auto const label = "operation=\"" + std::string(e.operation) + '"';
        numbers_.observe("api_request_duration_seconds", label, seconds(e.elapsed).count());
        numbers_.observe("limiter_wait_seconds", "", seconds(e.waited).count());
        boost::json::object line{{"operation", e.operation},
                                 {"attempt", e.attempt},
                                 {"status", e.http_status},
                                 {"seconds", seconds(e.elapsed).count()},
                                 {"waited", seconds(e.waited).count()},
                                 {"cf_ray", cloudflare::redact(e.cf_ray)}};
        if (e.failure != nullptr) line["error"] = e.failure->to_string();
        log_line("api_request", line);
    }
    void operator()(cloudflare::connection_event const& e) {
        if (e.change != cloudflare::connection_change::opened) return;
        numbers_.add("connections_opened_total");
        if (e.session_resumed) numbers_.add("connections_resumed_total");
    }

    int failures = 0; // in a row
    std::string last_failure = "not asked yet";
    std::chrono::steady_clock::time_point last_reached{};

private:
    metrics& numbers_;
};
