#include <cloudflare/access/renewal_plan.hpp>

#include <doctest/doctest.h>

#include <string>

namespace renewal_plan_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::plan_renewal;
using access::renewal_action;
using access::renewal_policy;

timestamp const now = timestamp::parse("2026-11-24T00:00:00Z").value();

access::service_token token(std::chrono::seconds age, std::chrono::seconds expires_in) {
    access::service_token t;
    t.id = "id";
    t.created_at = t.updated_at = now.plus(-age);
    t.expires_at = now.plus(expires_in);
    t.duration = token_duration::hours(8760);
    return t;
}

TEST_CASE("a token is refreshed once it expires within the span, and not before") {
    auto const policy = renewal_policy().refresh_before(10h).poll_interval(24h);
    auto const early = plan_renewal({token(0s, 10h + 1s)}, policy, now);
    CHECK(early.due.empty());
    CHECK(early.next_look == now.plus(1s));
    auto const due = plan_renewal({token(0s, 10h)}, policy, now);
    REQUIRE(due.due.size() == 1);
    CHECK(due.due[0].what == renewal_action::refresh);
    CHECK(due.next_look == now.plus(24h));
}

TEST_CASE(
    "a secret is rotated at its age, counted from its creation or from the last change since") {
    auto const policy = renewal_policy().refresh_before(0s).rotate_after(90h);
    CHECK(plan_renewal({token(89h, 999h)}, policy, now).due.empty());
    auto const old = plan_renewal({token(90h, 999h)}, policy, now);
    REQUIRE(old.due.size() == 1);
    CHECK(old.due[0].what == renewal_action::rotate);

    auto rotated = token(900h, 999h);
    rotated.client_secret_version = 2;
    rotated.updated_at = now.plus(-1h);
    CHECK(plan_renewal({rotated}, policy, now).due.empty());
    rotated.updated_at = now.plus(-90h);
    CHECK(plan_renewal({rotated}, policy, now).due.size() == 1);
}

TEST_CASE("a token that lasts for ever is not refreshed, and a disabled one is left alone") {
    auto lasting = token(0s, 1h);
    lasting.duration = token_duration::forever();
    auto disabled = token(0s, 1h);
    disabled.enabled = false;
    CHECK(plan_renewal({lasting, disabled}, renewal_policy(), now).due.empty());
}

TEST_CASE("without tokens the next look is as late as allowed") {
    CHECK(plan_renewal({}, renewal_policy().poll_interval(5h), now).next_look == now.plus(5h));
}

} // namespace
} // namespace renewal_plan_tests
