// Every transport that is shipped passes the conformance kit.
#include <cloudflare/testing/asio_under_test.hpp>
#include <cloudflare/testing/transport_conformance.hpp>

#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/curl.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

namespace {

using namespace cloudflare;
using testing::conformance_subject;

constexpr std::size_t max_body_size = 200'000;

beast_options options(std::string const& ca_file) {
    return beast_options().ca_file(ca_file).max_body_size(max_body_size);
}

/// Whether a check is about what a blocking call cannot do.
bool is_left_out_by_blocking(std::string_view name) {
    return name.find("cancel") != name.npos || name.find("under way") != name.npos ||
           name.find("concurrent") != name.npos;
}

auto const* const common_name =
    "a certificate that names its host by its common name only is refused";

/// Expects that a transport passes all checks, and that no other are left out than may be.
void check_all(conformance_subject subject, std::function<bool(std::string_view)> const& may_skip) {
    subject.max_body_size = max_body_size;
    subject.loopback_domain = "loopback.test"; // see testing/look_up.cpp
    subject.hanging_host = "never-answers.test";
    auto const outcomes = testing::check_transport(subject, {}, 4);
    for (auto const& outcome : outcomes) {
        std::ostringstream string;
        string << outcome;
        INFO(string.str());
        CHECK(outcome.failures.empty());
        CHECK((!outcome.skipped || may_skip(outcome.name)));
    }
    CHECK(outcomes.size() >= 165);
}

TEST_CASE("the Beast transport conforms") {
    check_all(
        {.make =
             [](std::string const& ca_file) {
                 return std::make_unique<testing::asio_under_test<beast_transport>>(
                     [&](auto executor) { return beast_transport(executor, options(ca_file)); });
             }},
        [](auto) { return false; });
}

TEST_CASE("the blocking Beast transport conforms") {
    using under_test = testing::blocking_under_test<blocking_beast_transport>;
    check_all({.make =
                   [](std::string const& ca_file) {
                       return std::make_unique<under_test>(
                           blocking_beast_transport(options(ca_file)));
                   }},
              is_left_out_by_blocking);
}

TEST_CASE("the curl transport conforms") {
    using under_test = testing::blocking_under_test<curl_transport>;
    check_all({.make =
                   [](std::string const& ca_file) {
                       return std::make_unique<under_test>(curl_transport(
                           curl_options().ca_file(ca_file).max_body_size(max_body_size)));
                   },
               .accepts_common_name = true},
              [](auto name) { return is_left_out_by_blocking(name) || name == common_name; });
}

} // namespace
