// The README's transport is as right as the README says, and no more.
#include "transport_of_your_own.hpp"

#include "transport_check.hpp" // uses it

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace {

using namespace cloudflare;

TEST_CASE("the README's transport fails these checks and no other") {
    testing::conformance_subject const subject{
        .make =
            [](std::string const& ca_file) {
                return std::make_unique<testing::blocking_under_test<easy_transport>>(
                    easy_transport{ca_file});
            },
        .accepts_common_name = true}; // libcurl does
    std::set<std::string_view> failed;
    std::size_t count = 0;
    for (auto const& outcome : testing::check_transport(subject, {}, 8)) {
        if (!outcome.failures.empty()) failed.insert(outcome.name);
        ++count;
    }
    CHECK(count == 172); // as the README says
    std::set<std::string_view> const expected{
        "a body without end is ended by a bound",
        "an unsolicited change of protocol is refused before the deadline",
        "a chunk extension without end is ended by a bound",
        "a chunk size of zeros without end is ended by a bound",
        "a header field of 1 MiB past the bound is refused",
        "a header field without end is ended by a bound",
        "a header without end is ended by a bound",
        "a length that is not digits alone is refused",
        "a length with a blank before its colon counts, or the response is refused",
        "a protocol in lower case is not HTTP",
        "a status line without end is ended by a bound",
        "a trailer field without end is ended by a bound",
        "informational responses without end are ended by a bound",
        "trailer fields without end are ended by a bound",
        "two lengths that differ are refused",
        "the target is sent byte for byte",
        "a target with a line break is refused",
        "a field without a value is sent",
        "nothing is sent that was not asked for",
        "blanks around a value are not part of it",
        "a response cut at any byte is lost (length)",
        "a response cut at any byte is lost (chunked)",
        "a response cut at any byte is lost (length, TLS)",
        "a response cut at any byte is lost (chunked, TLS)",
        "a body without a length is lost where TLS is cut",
        "a body length that cannot be is not a response",
        "a header past the bound is refused",
        "a body past the bound is refused",
        "a connection is used again",
        "a connection is used again after each kind of body",
        "nothing was sent where the connection is refused",
        "nothing was sent where the name has no address",
        "an untrusted certificate is refused",
        "a certificate of another host is refused",
        "a wildcard does not stand for a whole name",
        "a certificate that has expired is refused",
        "a certificate that is not yet valid is refused",
        "TLS 1.1 is refused",
        "a certificate for clients only is refused",
        "a certificate is checked for each name of one port",
        "a certificate that names the address as a host name is refused",
        "a certificate whose intermediate CA is missing is refused",
        "a server that demands a client certificate is not tried again (TLS 1.2)",
        "a server that demands a client certificate is not tried again (TLS 1.3)",
    };
    for (auto const& name : failed) {
        CAPTURE(name);
        CHECK(expected.contains(name));
    }
    for (auto const& name : expected) {
        CAPTURE(name);
        CHECK(failed.contains(name));
    }
}

} // namespace
