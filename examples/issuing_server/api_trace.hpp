// What the requests to the API tell: lines of the log, metrics, and whether the API can be reached.
#pragma once

#include "log.hpp"

#include <cloudflare/prometheus_metrics.hpp>

class api_trace {
    using clock = std::chrono::steady_clock;

public:
    explicit api_trace(cf::prometheus_metrics& numbers) : numbers_(numbers) {}

    void operator()(cf::trace_event const& e) {
        numbers_(e);
        bool const is_refused = e.failure != nullptr && *e.failure == cf::condition::unauthorized;
        bool const is_reached = e.http_status != 0 && e.http_status < 500 && !is_refused;
        failures_ = is_reached ? 0 : failures_ + 1;
        if (is_reached) last_reached_ = clock::now();
        if (!is_reached && e.failure != nullptr) last_failure_ = e.failure->code().message();
        using in_seconds = std::chrono::duration<double>;
        json::object line{{"operation", e.operation},
                          {"attempt", e.attempt},
                          {"status", e.http_status},
                          {"seconds", in_seconds(e.elapsed).count()},
                          {"waited", in_seconds(e.waited).count()},
                          {"cf_ray", cf::redact(e.cf_ray)}};
        if (e.failure != nullptr) line["error"] = e.failure->to_string();
        log_line("api_request", line);
    }

    // Whether nothing has reached it for a while.
    [[nodiscard]] bool is_stale() const {
        return failures_ != 0 || clock::now() - last_reached_ > std::chrono::seconds(30);
    }
    // Why it cannot be reached; empty where it can.
    [[nodiscard]] std::string flaw() const {
        bool const was_reached = last_reached_ != clock::time_point();
        return failures_ > 2 || !was_reached ? last_failure_ : "";
    }

private:
    cf::prometheus_metrics& numbers_;
    int failures_ = 0; // in a row
    std::string last_failure_ = "not asked yet";
    clock::time_point last_reached_{};
};
