/// A conformance kit for intent logs: over thirty checks, each named by what must hold.
#pragma once

#include <cloudflare/testing/detail/conformance/log_checks.hpp>
#include <cloudflare/testing/detail/conformance/store_trial.hpp>
#include <cloudflare/testing/log_subject.hpp>

#include <iterator>
#include <string_view>
#include <vector>

namespace cloudflare::inline v0::testing {

/// Checks a log: runs all checks, or those whose name contains `only`.
///
///     for (auto const& o : check_intent_log({.make = [] {
///              return std::make_unique<blocking_log_under_test<my_log>>(my_log());
///          }}))
///         std::cout << o;
[[nodiscard]] inline std::vector<store_check_outcome> check_intent_log(log_subject const& subject,
                                                                       std::string_view only = {}) {
    std::vector<detail::log_check> const checks(std::begin(detail::log_checks),
                                                std::end(detail::log_checks));
    return detail::run_store_checks(checks, subject, only);
}

} // namespace cloudflare::inline v0::testing
