// Every transport that is shipped passes the conformance kit.
#include <cloudflare/testing/asio_under_test.hpp>
#include <cloudflare/testing/transport_conformance.hpp>

#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/curl.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <sstream>
#include <string>

namespace {

using namespace cloudflare;
using testing::conformance_subject;

constexpr std::size_t max_body_size = 200'000;

beast_options options(std::string const& ca_file) {
    return beast_options().ca_file(ca_file).max_body_size(max_body_size);
}

void check_all(conformance_subject const& subject, bool cancels) {
    std::size_t count = 0;
    for (auto const& outcome : testing::check_transport(subject, {}, 4)) {
        std::ostringstream text;
        text << outcome;
        INFO(text.str());
        CHECK(outcome.failures.empty());
        if (cancels) CHECK_FALSE(outcome.skipped);
        ++count;
    }
    CHECK(count >= 75);
}

TEST_CASE("the Beast transport conforms") {
    check_all(
        {.make =
             [](std::string const& ca_file) {
                 return std::make_unique<testing::asio_under_test<beast_transport>>(
                     [&](auto executor) { return beast_transport(executor, options(ca_file)); });
             },
         .max_body_size = max_body_size},
        true);
}

TEST_CASE("the blocking Beast transport conforms") {
    using under_test = testing::blocking_under_test<blocking_beast_transport>;
    check_all({.make =
                   [](std::string const& ca_file) {
                       return std::make_unique<under_test>(
                           blocking_beast_transport(options(ca_file)));
                   },
               .max_body_size = max_body_size},
              false);
}

TEST_CASE("the curl transport conforms") {
    using under_test = testing::blocking_under_test<curl_transport>;
    check_all({.make =
                   [](std::string const& ca_file) {
                       return std::make_unique<under_test>(curl_transport(
                           curl_options().ca_file(ca_file).max_body_size(max_body_size)));
                   },
               .max_body_size = max_body_size},
              false);
}

} // namespace
