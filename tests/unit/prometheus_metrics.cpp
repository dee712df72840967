#include <cloudflare/prometheus_metrics.hpp>

#include <doctest/doctest.h>

#include <string>

namespace prometheus_metrics_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;

bool has_line(std::string const& all, std::string const& line) {
    return ('\n' + all).find('\n' + line + '\n') != std::string::npos;
}

TEST_CASE("counters and gauges are written with their types, by the name's end") {
    prometheus_metrics metrics("my_");
    metrics.add("refused_total");
    metrics.add("refused_total");
    metrics.add("calls_total", "outcome", "done");
    metrics.set("depth", 2.5);
    CHECK(metrics.to_string() == "# TYPE my_calls_total counter\n"
                                 "my_calls_total{outcome=\"done\"} 1\n"
                                 "# TYPE my_depth gauge\n"
                                 "my_depth 2.5\n"
                                 "# TYPE my_refused_total counter\n"
                                 "my_refused_total 2\n");
}

TEST_CASE("a gauge with a label shows the last numbers only") {
    prometheus_metrics metrics("my_");
    metrics.set("tokens", "state", {{"fresh", 3}, {"lost", 1}});
    metrics.set("tokens", "state", {{"fresh", 4}});
    CHECK(has_line(metrics.to_string(), "my_tokens{state=\"fresh\"} 4"));
    CHECK(metrics.to_string().find("lost") == std::string::npos);
}

TEST_CASE("a label's value cannot end the label or the line") {
    prometheus_metrics metrics("my_");
    metrics.add("calls_total", "outcome", "a\"b\\c\nd");
    CHECK(has_line(metrics.to_string(), R"(my_calls_total{outcome="a\"b\\c\nd"} 1)"));
}

TEST_CASE("large counts are written in full") {
    prometheus_metrics metrics("my_");
    metrics.set("bytes", 123'456'789);
    CHECK(has_line(metrics.to_string(), "my_bytes 123456789"));
}

TEST_CASE("a histogram counts in every bucket that is not below the time") {
    prometheus_metrics metrics("my_");
    metrics.observe("span_seconds", "route", "/", 1ms);
    metrics.observe("span_seconds", "route", "/", 200ms);
    metrics.observe("span_seconds", "route", "/", 1min);
    metrics.observe("wait_seconds", 0s);
    auto const all = metrics.to_string();
    CHECK(has_line(all, "# TYPE my_span_seconds histogram"));
    CHECK(has_line(all, "my_span_seconds_bucket{route=\"/\",le=\"0.001\"} 1"));
    CHECK(has_line(all, "my_span_seconds_bucket{route=\"/\",le=\"0.1\"} 1"));
    CHECK(has_line(all, "my_span_seconds_bucket{route=\"/\",le=\"0.25\"} 2"));
    CHECK(has_line(all, "my_span_seconds_bucket{route=\"/\",le=\"30\"} 2"));
    CHECK(has_line(all, "my_span_seconds_bucket{route=\"/\",le=\"+Inf\"} 3"));
    CHECK(has_line(all, "my_span_seconds_sum{route=\"/\"} 60.201"));
    CHECK(has_line(all, "my_span_seconds_count{route=\"/\"} 3"));
    CHECK(has_line(all, "my_wait_seconds_bucket{le=\"0.001\"} 1"));
    CHECK(has_line(all, "my_wait_seconds_count 1"));
}

TEST_CASE("the hooks count attempts, waits and connections") {
    prometheus_metrics metrics("my_");
    metrics(trace_event{.operation = "create_service_token", .elapsed = 20ms, .waited = 2s});
    connection_event opened{.change = connection_change::opened,
                            .origin = http::origin::parse("https://api.cloudflare.com").value()};
    metrics(opened);
    opened.session_resumed = true;
    metrics(opened);
    opened.change = connection_change::closed;
    metrics(opened);
    auto const all = metrics.to_string();
    CHECK(has_line(all, "my_api_request_duration_seconds_bucket{operation=\"create_service_token\""
                        ",le=\"0.025\"} 1"));
    CHECK(has_line(all, "my_limiter_wait_seconds_sum 2"));
    CHECK(has_line(all, "my_connections_opened_total 2"));
    CHECK(has_line(all, "my_connections_resumed_total 1"));
}

} // namespace
} // namespace prometheus_metrics_tests
