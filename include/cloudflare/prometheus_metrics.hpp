/// Counters, gauges and histograms in Prometheus' text format, counted by the hooks of a client and
/// a transport.
#pragma once

#include <cloudflare/api/trace.hpp>
#include <cloudflare/transport/connection_event.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <locale>
#include <map>
#include <mutex>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0 {

/// Counts API requests and connections, and what else a program counts, for Prometheus.
///
///     cloudflare::prometheus_metrics metrics("my_server_");
///     options.trace(std::ref(metrics));                    // client_options
///     transport_options.connection_trace(std::ref(metrics)); // beast_options or curl_options
///     ...
///     response.body = metrics.to_string(); // Content-Type: text/plain; version=0.0.4
///
/// The hooks count
///
///     | name                                    |                                            |
///     | api_request_duration_seconds{operation} | histogram: each attempt, without waits     |
///     | limiter_wait_seconds                    | histogram: the wait for the rate limit     |
///     | connections_opened_total                |                                            |
///     | connections_resumed_total               | of those: with a resumed TLS session       |
///
/// Names begin with the prefix. Of a program's own metrics, those that end in `_total` are counters.
///
/// Threads: may be used from several at once. Must outlive the client and transport that call it.
class prometheus_metrics {
public:
    /// @param prefix of all names, e.g. `my_server_`
    explicit prometheus_metrics(std::string prefix) : prefix_(std::move(prefix)) {}

    /// Adds one to a counter.
    void add(std::string const& name) { add(name, {}, {}); }
    /// The same with a label, e.g. `add("calls_total", "outcome", "done")`.
    void add(std::string const& name, std::string_view label, std::string_view value) {
        std::lock_guard const lock(mutex_);
        ++numbers_[name][labelled(label, value)];
    }

    /// Sets a gauge.
    void set(std::string const& name, double number) {
        std::lock_guard const lock(mutex_);
        numbers_[name][{}] = number;
    }
    /// Sets a gauge that has a label: its numbers by the label's values, in place of all earlier
    /// ones.
    void set(std::string const& name, std::string_view label,
             std::map<std::string, double> const& numbers) {
        std::lock_guard const lock(mutex_);
        auto& gauge = numbers_[name];
        gauge.clear();
        for (auto const& [value, number] : numbers)
            gauge[labelled(label, value)] = number;
    }

    /// Counts a time in a histogram, whose buckets reach from a millisecond to half a minute.
    void observe(std::string const& name, std::chrono::duration<double> span) {
        observe(name, {}, {}, span);
    }
    /// The same with a label.
    void observe(std::string const& name, std::string_view label, std::string_view value,
                 std::chrono::duration<double> span) {
        std::lock_guard const lock(mutex_);
        auto& h = histograms_[name][labelled(label, value)];
        for (std::size_t i = 0; i != bounds.size(); ++i)
            if (span.count() <= bounds[i]) ++h.at_most[i];
        ++h.count;
        h.sum += span.count();
    }

    /// For `client_options::trace`.
    void operator()(trace_event const& e) {
        observe("api_request_duration_seconds", "operation", e.operation, e.elapsed);
        observe("limiter_wait_seconds", e.waited);
    }
    /// For `beast_options::connection_trace` and `curl_options::connection_trace`.
    void operator()(connection_event const& e) {
        if (e.change != connection_change::opened) return;
        add("connections_opened_total");
        if (e.session_resumed) add("connections_resumed_total");
    }

    /// All of them, in the text format 0.0.4.
    [[nodiscard]] std::string to_string() const {
        std::lock_guard const lock(mutex_);
        std::string all;
        for (auto const& [name, values] : numbers_) {
            append_type(all, name, name.ends_with("_total") ? "counter" : "gauge");
            for (auto const& [of, value] : values)
                append(all, name, of, value);
        }
        for (auto const& [name, values] : histograms_) {
            append_type(all, name, "histogram");
            for (auto const& [of, h] : values)
                append(all, name, of, h);
        }
        return all;
    }

private:
    /// As it stands between the braces; empty: no label.
    using labels = std::string;

    [[nodiscard]] static labels labelled(std::string_view name, std::string_view value) {
        if (name.empty()) return {};
        labels made(name);
        made += "=\"";
        for (char const c : value) {
            if (c == '\\' || c == '"') made += '\\';
            made += c == '\n' ? std::string_view("\\n") : std::string_view(&c, 1);
        }
        return made += '"';
    }

    static constexpr std::array<double, 11> bounds{.001, .0025, .005, .01, .025, .05,
                                                   .1,   .25,   1,    5,   30};
    struct histogram {
        std::array<double, bounds.size()> at_most{};
        double count = 0, sum = 0;
    };

    /// The shortest form that reads back as the same number.
    [[nodiscard]] static std::string digits_of(double number) {
        char digits[32];
        return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
    }

    void append_type(std::string& all, std::string const& name, char const* type) const {
        all.append("# TYPE ").append(prefix_).append(name).append(" ").append(type) += '\n';
    }
    void append(std::string& all, std::string const& name, labels const& of, double value) const {
        all.append(prefix_).append(name);
        if (!of.empty()) all.append("{").append(of) += '}';
        all.append(" ").append(digits_of(value)) += '\n';
    }
    void append(std::string& all, std::string const& name, labels const& of,
                histogram const& h) const {
        auto const before = of.empty() ? of : of + ',';
        for (std::size_t i = 0; i != bounds.size(); ++i)
            append(all, name + "_bucket", before + labelled("le", digits_of(bounds[i])),
                   h.at_most[i]);
        append(all, name + "_bucket", before + labelled("le", "+Inf"), h.count);
        append(all, name + "_sum", of, h.sum);
        append(all, name + "_count", of, h.count);
    }

    std::string prefix_;
    mutable std::mutex mutex_;
    std::map<std::string, std::map<labels, double>> numbers_;
    std::map<std::string, std::map<labels, histogram>> histograms_;
};

} // namespace cloudflare::inline v0
