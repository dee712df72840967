// Every transport that is shipped passes the conformance kit.
#include <cloudflare/testing/asio_under_test.hpp>
#include <cloudflare/testing/transport_conformance.hpp>

#include <cloudflare/transport/beast.hpp>
#include <cloudflare/transport/beast_blocking.hpp>
#include <cloudflare/transport/curl.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <set>
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

/// Names of checks.
using names = std::set<std::string_view>;

/// Whether a check is about what a blocking call cannot do.
bool is_left_out_by_blocking(std::string_view name) {
    return name.find("cancel") != name.npos || name.find("under way") != name.npos;
}

auto const* const common_name =
    "a certificate that names its host by its common name only is refused";

/// What a transport is known to fail today.
struct known_failures {
    names always{};
    names at_times{}; ///< a matter of timing
};

/// Expects that a transport passes all checks but those that it is known to fail, and fails those.
void check_all(conformance_subject subject, known_failures const& not_yet,
               std::function<bool(std::string_view)> const& may_skip) {
    subject.max_body_size = max_body_size;
    subject.loopback_domain = "loopback.test"; // see testing/look_up.cpp
    subject.hanging_host = "never-answers.test";
    names failed, left_out;
    auto const outcomes = testing::check_transport(subject, {}, 4);
    std::ostringstream text;
    for (auto const& outcome : outcomes) {
        if (!outcome.failures.empty()) failed.insert(outcome.name);
        if (outcome.skipped) left_out.insert(outcome.name);
    }
    for (auto const& name : not_yet.at_times)
        failed.erase(name);
    for (auto const& outcome : outcomes)
        if (failed.contains(outcome.name) && !not_yet.always.contains(outcome.name))
            text << outcome;
    INFO(text.str());
    for (auto const& name : not_yet.always) {
        CAPTURE(name);
        CHECK(failed.contains(name));
    }
    CHECK(text.str().empty());
    for (auto const& name : left_out) {
        CAPTURE(name);
        CHECK(may_skip(name));
    }
    CHECK(outcomes.size() >= 165);
}

// ---- not_yet: what is known to fail today. Each mend takes its names out; then these are empty. ----

known_failures const beast_not_yet{};
known_failures const curl_not_yet{};

// ---- end of not_yet ----

TEST_CASE("the Beast transport conforms") {
    check_all(
        {.make =
             [](std::string const& ca_file) {
                 return std::make_unique<testing::asio_under_test<beast_transport>>(
                     [&](auto executor) { return beast_transport(executor, options(ca_file)); });
             }},
        beast_not_yet, [](auto) { return false; });
}

TEST_CASE("the blocking Beast transport conforms") {
    using under_test = testing::blocking_under_test<blocking_beast_transport>;
    check_all({.make =
                   [](std::string const& ca_file) {
                       return std::make_unique<under_test>(
                           blocking_beast_transport(options(ca_file)));
                   }},
              beast_not_yet, is_left_out_by_blocking);
}

TEST_CASE("the curl transport conforms") {
    using under_test = testing::blocking_under_test<curl_transport>;
    check_all({.make =
                   [](std::string const& ca_file) {
                       return std::make_unique<under_test>(curl_transport(
                           curl_options().ca_file(ca_file).max_body_size(max_body_size)));
                   },
               .accepts_common_name = true},
              curl_not_yet,
              [](auto name) { return is_left_out_by_blocking(name) || name == common_name; });
}

} // namespace
