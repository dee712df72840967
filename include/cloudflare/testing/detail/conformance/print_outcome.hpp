/// Prints the outcome of a check.
#pragma once

#include <cloudflare/core/config.hpp>

#include <ostream>

namespace cloudflare::inline v0::testing::detail {

/// One line, and one more for each failure.
template <class Outcome>
std::ostream& print_outcome(std::ostream& out, Outcome const& o) {
    out << (!o.failures.empty() ? "FAILED  "
            : o.skipped         ? "skipped "
                                : "passed  ")
        << o.name << '\n';
    for (auto const& what : o.failures)
        out << "          " << what << '\n';
    return out;
}

} // namespace cloudflare::inline v0::testing::detail
