// What fmt prints of the library's values.
#include <cloudflare/core/fmt.hpp>

#include "print_values.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

namespace fmt_tests {
namespace {

using namespace cloudflare;

TEST_CASE("fmt prints what operator<< does, with the specification of a string") {
    int count = 0;
    printed_values::for_each_printed([&](auto const& value) {
        std::ostringstream out;
        out << value;
        CHECK(fmt::format("{}", value) == out.str());
        CHECK(out.str().find(printed_values::shown_once) == std::string::npos);
        ++count;
    });
    CHECK(count == 49);
    CHECK(fmt::format("{:*^12}|{:.3}", secret("hunter2"), errc::not_found) == "*[redacted]*|not");
}

} // namespace
} // namespace fmt_tests
