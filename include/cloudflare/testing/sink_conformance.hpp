/// A conformance kit for sinks: about thirty checks, each named by what must hold.
#pragma once

#include <cloudflare/testing/detail/conformance/sink_checks.hpp>
#include <cloudflare/testing/detail/conformance/store_trial.hpp>
#include <cloudflare/testing/sink_subject.hpp>

#include <iterator>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0::testing {

/// Checks a sink: runs all checks, or those whose name contains `only`.
///
///     for (auto const& o : check_sink({.make = [] {
///              return std::make_unique<blocking_sink_under_test<my_sink>>(my_sink());
///          }}))
///         std::cout << o;
[[nodiscard]] inline std::vector<store_check_outcome> check_sink(sink_subject const& subject,
                                                                 std::string_view only = {}) {
    std::vector<detail::sink_check> const checks(std::begin(detail::sink_checks),
                                                 std::end(detail::sink_checks));
    return detail::run_store_checks(checks, subject, only);
}

} // namespace cloudflare::inline v0::testing
