// Counters, gauges and histograms as Prometheus reads them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

class metrics {
public:
    // `labels` as they are written, e.g. `route="/healthz"`; empty: none. The name has no prefix.
    void add(std::string const& name, std::string const& labels = {}) { ++numbers_[name][labels]; }
    void set(std::string const& name, std::string const& labels, double value) {
        numbers_[name][labels] = value;
    }
    // Takes all values of a gauge away, so that those of states that are no more do not stay.
    void clear(std::string const& name) { numbers_[name].clear(); }
    void observe(std::string const& name, std::string const& labels, double seconds);

    // In Prometheus' text format 0.0.4.
    [[nodiscard]] std::string text() const;

private:
    static constexpr std::array<double, 11> bounds{.001, .0025, .005, .01, .025, .05,
                                                   .1,   .25,   1,    5,   30};
    struct histogram {
        std::array<std::uint64_t, bounds.size()> at_most{};
        std::uint64_t count = 0;
        double sum = 0;
    };

    std::map<std::string, std::map<std::string, double>> numbers_{};
    std::map<std::string, std::map<std::string, histogram>> histograms_{};
};
