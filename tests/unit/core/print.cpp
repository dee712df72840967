// What values print as, by `operator<<`; and by `std::format`, where there is one.
#include <cloudflare/core/format.hpp>

#include "print_values.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

namespace print_tests {
namespace {

using namespace cloudflare;

template <class T>
std::string print(T const& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

TEST_CASE("nothing that is printed shows a secret, and a value is not nothing") {
    int count = 0;
    printed_values::for_each_printed([&](auto const& value) {
        auto const string = print(value);
        CAPTURE(string);
        CHECK(string.find(printed_values::shown_once) == std::string::npos);
        CHECK(string.find(printed_values::shown_once.substr(0, 16)) == std::string::npos);
        CHECK_FALSE(string.empty());
        ++count;
    });
    CHECK(count == 49);
}

TEST_CASE("codes, groups and states print as their names") {
    CHECK(print(errc::not_found) == "not found");
    CHECK(print(condition::rate_limited) == "rate limited");
    CHECK(print(delivery::unknown) == "the server may have acted");
    CHECK(print(stop_reason::attempts_exhausted) == "no attempts are left");
    CHECK(print(idempotency::at_most_once) == "at_most_once");
    CHECK(print(http::method::delete_) == "DELETE");
    CHECK(print(access::intent_purpose::rotate) == "rotate");
    CHECK(print(access::intent_state::withdrawing) == "withdrawing");
    CHECK(print(access::intent_state::settled) == "settled");
    CHECK(print(access::presence::there) == "there");
    CHECK(print(access::renewal_state::missing) == "missing");
    CHECK(print(access::renewal_action::refresh) == "refresh");
}

TEST_CASE("a token prints as one line, without its secret") {
    access::issued_service_token t;
    t.id = "f174e90a";
    t.client_id = "88bf.access";
    t.name = "c\ni";
    t.client_secret = secret("hunter2");
    CHECK(print(t) ==
          "service token f174e90a \"c i\", client id 88bf.access, client secret [redacted]");
    t.duration = token_duration::hours(48);
    t.enabled = false;
    t.client_secret_version = 3;
    t.expires_at = timestamp();
    CHECK(print(access::issued(t)) == "service token f174e90a \"c i\", client id 88bf.access, 48h, "
                                      "version 3, expires 1970-01-01T00:00:00Z, disabled");
    access::updated_service_token updated;
    CHECK(print(updated) == "service token  \"\"");
    updated.client_secret = secret("hunter2");
    CHECK(print(updated) == "service token  \"\", client secret [redacted]");
}

TEST_CASE("parameters print as they are sent") {
    using namespace access;
    CHECK(print(create_params("ci").duration(token_duration::hours(2)).enabled(true)) ==
          R"(create {"name":"ci","duration":"2h","enabled":true})");
    CHECK(print(update_params().client_secret_version(4)) ==
          R"(update {"client_secret_version":4})");
    CHECK(print(rotate_params()) == "rotate {}");
    CHECK(print(list_params().name("c i").page(2)) == "list ?name=c%20i&page=2");
}

TEST_CASE("an intent and a plan print as one line, of what is known") {
    using namespace access;
    auto const scope = zone_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    intent i("0f1e", scope, "ci");
    CHECK(print(i) == "intent 0f1e to issue \"ci\" for zone 023e105f4ecef8ad9ca31a8372d0c353, open "
                      "since 1970-01-01T00:00:00Z");
    i.state = intent_state::lost;
    i.purpose = intent_purpose::rotate;
    i.until = timestamp().plus(std::chrono::seconds(60));
    i.key = "k";
    i.token_id = "f174e90a";
    i.note = "n";
    CHECK(print(i) ==
          "intent 0f1e to rotate \"ci\" for zone 023e105f4ecef8ad9ca31a8372d0c353, lost "
          "since 1970-01-01T00:00:00Z, until 1970-01-01T00:01:00Z, key k, token "
          "f174e90a, note n");
    renewal_plan plan;
    CHECK(print(plan) == "fresh");
    plan.state = renewal_state::due_for_rotation;
    plan.rotate = true;
    plan.next = renewal_action::rotate;
    plan.next_at = timestamp();
    CHECK(print(plan) == "due_for_rotation, rotate, rotate at 1970-01-01T00:00:00Z");
    plan.refresh = plan.keep_alive = true;
    plan.next_due = timestamp().plus(std::chrono::seconds(1));
    CHECK(print(plan) == "due_for_rotation, refresh, rotate, prolong the grace, rotate at "
                         "1970-01-01T00:00:00Z, look again at 1970-01-01T00:00:01Z");
    renewal_report::entry e{.key = "k", .token_id = "f174e90a"};
    CHECK(print(e) == "key k: token f174e90a fresh");
    e.key = std::string(300, 'k');
    e.state = renewal_state::expired;
    e.refreshed = e.rotated = true;
    e.expires_at = timestamp();
    e.failure = error(errc::invalid_argument, "bad");
    CHECK(print(e).substr(0, 204) == "key " + std::string(200, 'k'));
    auto const line = print(e);
    CHECK(line.substr(line.find(": token")) ==
          ": token f174e90a expired, refreshed, rotated, expires 1970-01-01T00:00:00Z: " +
              e.failure->to_string());
}

TEST_CASE("reports print as counts") {
    using namespace access;
    renewal_report report;
    report.tokens = {{.key = "a", .token_id = "1"},
                     {.key = "b", .token_id = "2", .state = renewal_state::lost}};
    report.tokens[1].failure = error(errc::not_found);
    CHECK(print(report) ==
          "2 tokens, 1 fresh, 1 lost, 1 failed; next look at 1970-01-01T00:00:00Z");
    CHECK(print(report.tokens[1]) == "key b: token 2 lost: not found");
    reconciled done;
    done.withdrawn = {"1", "2"};
    CHECK(print(done) ==
          "0 kept, 2 withdrawn, 0 left open, 0 watched, 0 failed, 0 elsewhere, 0 strays");
    auto const account = account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353").value();
    reconciled::failure const failure{intent("0f1e", account, "ci"), error(errc::sink_failed)};
    CHECK(print(failure) == print(failure.i) + ": " + print(failure.why));
}

#if defined(__cpp_lib_format)
TEST_CASE("std::format prints the same, with the specification of a string") {
    int count = 0;
    printed_values::for_each_printed([&](auto const& value) {
        CHECK(std::format("{}", value) == print(value));
        ++count;
    });
    CHECK(count == 49);
    CHECK(std::format("{:*^12}|{:.3}", secret("hunter2"), errc::not_found) == "*[redacted]*|not");
}
#endif

} // namespace
} // namespace print_tests
