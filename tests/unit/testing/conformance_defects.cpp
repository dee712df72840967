// The conformance kit takes a right transport for right, and finds each defect by the checks that are
// about it.
#include "right_transport.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace cloudflare;
using tests::defects;
using tests::right_transport;

testing::conformance_subject subject(defects const& what) {
    return {.make =
                [what](std::string const& ca_file) {
                    return std::make_unique<right_transport>(ca_file, what);
                },
            .max_body_size = right_transport::max_body_size,
            .loopback_domain = "loopback.test", // see look_up.cpp
            .hanging_host = "never-answers.test",
            .patience = std::chrono::seconds(20)};
}

/// A defect, and the checks that are about it.
struct case_of {
    defects what;
    std::vector<std::string_view> names;
    std::chrono::seconds patience = std::chrono::seconds(20);
};

/// The checks that do not find the defect.
std::vector<std::string> not_found_by(case_of const& one) {
    auto tried = subject(one.what);
    tried.patience = one.patience;
    std::vector<std::string> blind;
    for (auto const name : one.names) {
        bool found = false;
        for (auto const& outcome : testing::check_transport(tried, name))
            found = found || (outcome.name == name && !outcome.failures.empty());
        if (!found) blind.emplace_back(name);
    }
    return blind;
}

/// Expects that each defect is found by each of its checks. They are tried at the same time: most of
/// it is waiting.
void check_found(std::vector<case_of> const& cases) {
    std::vector<std::future<std::vector<std::string>>> all;
    for (auto const& one : cases)
        all.push_back(std::async(std::launch::async, [&one] { return not_found_by(one); }));
    for (auto& one : all)
        for (auto const& name : one.get()) {
            CAPTURE(name);
            CHECK_MESSAGE(false, "the defect is not found");
        }
}

TEST_CASE("a right transport fails no check, and leaves none out") {
    for (auto const& outcome : testing::check_transport(subject({}), {}, 8)) {
        std::ostringstream string;
        string << outcome;
        INFO(string.str());
        CHECK(outcome.failures.empty());
        CHECK_FALSE(outcome.skipped);
    }
}

TEST_CASE("defects of reading are found") {
    check_found({
        {{.needs_final_line_whole = true},
         {"a response in two pieces is the same (chunked)",
          "a response in two pieces is the same (chunked, TLS)",
          "a response in two pieces is the same (empty, chunked)"}},
        {{.unbounded_trailers = true},
         {"a trailer field without end is ended by a bound",
          "trailer fields without end are ended by a bound"}},
        {{.unbounded_extensions = true},
         {"a chunk extension without end is ended by a bound",
          "a chunk size of zeros without end is ended by a bound"}},
        {{.unbounded_informational = true},
         {"informational responses without end are ended by a bound"}},
        {{.merges_trailers = true}, {"trailer fields are no header fields"}},
        {{.takes_lower_case = true}, {"a protocol in lower case is not HTTP"}},
        {{.needs_blank_behind_status = true},
         {"a status line without a reason and its blank is one"}},
        {{.passes_over_101 = true},
         {"an unsolicited change of protocol is refused before the deadline"}},
        {{.refuses_folds = true}, {"a folded header line is taken, the fold as blanks"}},
        {{.waits_for_length_of_304 = true}, {"a 304 has no body, whatever its length"}},
        {{.takes_length_over_chunks = true},
         {"chunks count where there is a length too, or the response is refused"}},
        {{.takes_first_length = true}, {"two lengths that differ are refused"}},
        {{.takes_signs = true}, {"a length that is not digits alone is refused"}},
        {{.half_is_whole = true},
         {"a deadline that cuts a body without a length leaves the outcome unknown"}},
        {{.hides_coding = true}, {"a body that is marked as encoded comes back as it is"}},
    });
}

TEST_CASE("defects of the pool are found") {
    check_found({
        {{.takes_leftover = true},
         {"an unsolicited response in the same segment is the response to no request"}},
        {{.trusts_young_connections = true},
         {"an unsolicited response right behind is the response to no request",
          "an unsolicited response right behind is the response to no request (TLS)"}},
        {{.looks_at_last_only = true},
         {"an unsolicited response 15 ms later is the response to no request",
          "an unsolicited response 15 ms later is the response to no request (TLS)",
          "an unsolicited response is the response to no request where two servers take turns"}},
        {{.pool_without_host = true},
         {"a certificate is checked for each name of one port",
          "a connection is used for the host only for which it was opened",
          "two hosts at one port are kept apart"}},
        {{.pool_without_scheme = true}, {"plain HTTP and TLS are kept apart"}},
        {{.loses_wake_ups = true}, {"a call that fails does not affect the others under way"}},
    });
}

TEST_CASE("defects of trust are found") {
    check_found({
        {{.takes_common_name = true},
         {"a certificate that names its host by its common name only is refused"}},
        {{.takes_partial_wildcards = true},
         {"a wildcard stands for one label, and for a whole one"}},
        {{.takes_any_usage = true}, {"a certificate for clients only is refused"}},
        {{.takes_missing_issuers = true},
         {"a certificate whose intermediate CA is missing is refused"}},
        {{.checks_no_address = true},
         {"a certificate that names the address as a host name is refused",
          "a certificate of another host is refused"}},
        {{.keeps_dot = true}, {"a dot behind the host is no part of the name that TLS checks"}},
        {{.says_address = true}, {"a trusted certificate that names the address is accepted"}},
        {{.breaks_addresses = true}, {"an IPv6 address is connected to, and named in brackets"}},
    });
}

TEST_CASE("wrong words for a failure are found") {
    check_found({
        {{.calls_lost_handshakes_tls_failed = true},
         {"the connection was lost where it is closed within the handshake",
          "the connection was lost where it is reset within the handshake"}},
        {{.calls_alerts_connection_lost = true},
         {"a server that demands a client certificate is not tried again (TLS 1.3)"}},
        {{.calls_lost_bodies_not_sent = true},
         {"a reset amid a large body leaves the outcome unknown"}},
        {{.throws_numbers = true},
         {"the outcome is unknown where the connection is reset before a response"}},
    });
}

TEST_CASE("deadlines and cancellations that do not hold are found") {
    check_found({
        {{.waits_for_look_ups = true},
         {"the deadline ends a look-up, and the transport ends too",
          "a cancellation ends a look-up"}},
        {{.waits_for_each_byte = true},
         {"the deadline ends a TLS handshake that comes byte by byte"}},
        {{.sends_later = true},
         {"what a deadline ends within the handshake is not sent later",
          "a deadline that has passed sends nothing"}},
        {{.goes_on_when_cancelled = true},
         {"what a cancellation ends at any moment is not sent where the transport says so (small)",
          "what a cancellation ends at any moment is not sent where the transport says so (2 "
          "MiB)"}},
    });
}

TEST_CASE("a sleep or a clock that is wrong is found") {
    check_found({
        {{.sleeps_not = true}, {"a sleep ends at its time"}},
        {{.sleeps_half = true}, {"a sleep ends at its time"}},
        {{.sleeps_for_ever = true}, {"a sleep ends at its time"}, std::chrono::seconds(1)},
        {{.sleeps_on_when_cancelled = true},
         {"a sleep that is cancelled ends early, and what is sent then is cancelled"}},
        {{.sends_after_cancelled_sleep = true},
         {"a sleep that is cancelled ends early, and what is sent then is cancelled"}},
        {{.now_is_slow = true}, {"`now` goes on as the clock of `time_point` does"}},
        {{.now_is_another_clock = true},
         {"a deadline is counted by `now`"},
         std::chrono::seconds(2)},
    });
}

TEST_CASE("concurrent calls that disturb each other are found") {
    check_found({
        {{.swaps_responses = true}, {"the responses to concurrent calls are not mixed up"}},
        {{.cancels_all = true}, {"a call that is cancelled does not affect the others under way"}},
        {{.cancels_neighbour = true},
         {"a call that is cancelled does not affect the others under way"}},
    });
}

TEST_CASE("a transport that leaks descriptors is found") { // alone: they are the whole process's
    check_found({
        {{.leaks_descriptors = true},
         {"a call leaves no file descriptor behind",
          "a transport leaves no file descriptor behind"}},
    });
}

} // namespace
