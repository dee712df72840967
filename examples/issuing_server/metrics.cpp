#include "metrics.hpp"

#include <sstream>

void metrics::observe(std::string const& name, std::string const& labels, double seconds) {
    auto& h = histograms_[name][labels];
    for (std::size_t i = 0; i != bounds.size(); ++i)
        if (seconds <= bounds[i]) ++h.at_most[i];
    ++h.count;
    h.sum += seconds;
}

std::string metrics::text() const {
    std::ostringstream out;
    auto const series = [&](std::string const& name, std::string const& labels, auto value) {
        out << name << (labels.empty() ? "" : '{' + labels + '}') << ' ' << value << '\n';
    };
    for (auto const& [given, values] : numbers_) {
        auto const name = "issuing_server_" + given;
        out << "# TYPE " << name << (name.ends_with("_total") ? " counter\n" : " gauge\n");
        for (auto const& [labels, value] : values)
            series(name, labels, value);
    }
    for (auto const& [given, values] : histograms_) {
        auto const name = "issuing_server_" + given;
        out << "# TYPE " << name << " histogram\n";
        for (auto const& [labels, h] : values) {
            auto const prefix = labels.empty() ? labels : labels + ',';
            for (std::size_t i = 0; i != bounds.size(); ++i) {
                std::ostringstream bound;
                bound << prefix << "le=\"" << bounds[i] << '"';
                series(name + "_bucket", bound.str(), h.at_most[i]);
            }
            series(name + "_bucket", prefix + "le=\"+Inf\"", h.count);
            series(name + "_sum", labels, h.sum);
            series(name + "_count", labels, h.count);
        }
    }
    return out.str();
}
