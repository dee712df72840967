#include <cloudflare/testing/fault.hpp>

#include <doctest/doctest.h>

#include <string>

namespace fault_tests {
namespace {

using namespace cloudflare;
using testing::fault;
using testing::fault_plan;

TEST_CASE("the first entry that fits a request is its fault") {
    fault_plan plan;
    plan.add("POST#2=drop-after").value();
    plan.add("#1=delay:20").value();
    plan.add("GET=truncate:5").value();
    CHECK(plan.next(http::method::post).delay == std::chrono::milliseconds(20));
    CHECK(plan.next(http::method::get).count == 5);
    CHECK(plan.next(http::method::post).what == fault::kind::drop_after);
    CHECK(plan.next(http::method::post).what == fault::kind::none);
}

TEST_CASE("a response's body may hold colons") {
    fault_plan plan;
    plan.add("*=respond-before:502:error code: 502").value();
    auto const f = plan.next(http::method::put);
    CHECK(f.status == 502);
    CHECK(f.value == "error code: 502");
}

TEST_CASE("a Retry-After may be a date") {
    fault_plan plan;
    plan.add("POST=retry-after:Fri, 31 Dec 9999 23:59:59 GMT").value();
    auto const f = plan.next(http::method::post);
    CHECK(f.what == fault::kind::retry_after);
    CHECK(f.value == "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST_CASE("an entry that is not understood is refused") {
    for (std::string const string :
         {"", "POST", "POST#0=close", "POST#x=close", "what=close", "*=", "*=explode", "*=truncate",
          "*=truncate:x", "*=close:1", "*=hang-before:1", "*=retry-after", "*=gzip:9"}) {
        CAPTURE(string);
        CHECK(fault_plan().add(string).error() == errc::invalid_argument);
    }
}

} // namespace
} // namespace fault_tests
