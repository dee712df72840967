#include <cloudflare/access/renewal_plan.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace renewal_plan_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::held_and_shown;
using access::renewal_policy;
using access::renewal_state;

timestamp const now = timestamp::parse("2026-11-24T00:00:00Z").value();

/// A token of 1000 h, made `age` ago, that expires in `left`, and is held since it was made.
held_and_shown held(std::chrono::seconds age, std::chrono::seconds left) {
    access::service_token t;
    t.id = "id";
    t.created_at = now.plus(-age);
    t.updated_at = now;
    t.expires_at = now.plus(left);
    t.duration = token_duration::hours(1000);
    t.client_secret_version = 3;
    access::held_token h{"id", "c.access", 3};
    h.since = now.plus(-age);
    return {h, t};
}
access::renewal_plan plan(held_and_shown const& one, renewal_policy const& policy) {
    return access::plan_renewal(one, policy, now);
}
auto const never_refresh = renewal_policy().refresh_before(0s);

TEST_CASE("a token is refreshed once it expires within the span, and not before") {
    auto const policy = renewal_policy().refresh_before(10h);
    auto const early = plan(held(0s, 10h + 1s), policy);
    CHECK(early.state == renewal_state::fresh);
    CHECK_FALSE(early.refresh);
    CHECK(early.next_due == now.plus(1s));
    auto const due = plan(held(0s, 10h), policy);
    CHECK(due.state == renewal_state::due_for_refresh);
    CHECK(due.refresh);
    CHECK_FALSE(due.rotate);
    CHECK_FALSE(due.next_due.has_value());
}

TEST_CASE("a short-lived token is refreshed in the last third of its life") {
    auto one = held(0s, 24h);
    one.shown->duration = token_duration::hours(24);
    CHECK_FALSE(plan(one, renewal_policy()).refresh);
    CHECK(plan(one, renewal_policy()).next_due == now.plus(16h));
    one.shown->expires_at = now.plus(8h);
    CHECK(plan(one, renewal_policy()).refresh);
    // Where the duration is not shown, by the times that are.
    one.shown->duration.reset();
    one.shown->created_at = now.plus(-16h);
    one.shown->expires_at = now.plus(8h + 1s);
    CHECK_FALSE(plan(one, renewal_policy()).refresh);
    one.shown->created_at.reset();
    CHECK(plan(one, renewal_policy()).refresh); // by the policy alone
    // A part of a second does not count.
    one.shown->duration = token_duration::parse("2500ms").value();
    one.shown->expires_at = now.plus(1s);
    CHECK_FALSE(plan(one, renewal_policy()).refresh);
    CHECK(plan(one, renewal_policy()).next_due == now.plus(1s));
}

TEST_CASE("an expired token is refreshed, and said to be expired") {
    auto one = held(1000h, 0s);
    CHECK(plan(one, never_refresh).state == renewal_state::expired);
    CHECK(plan(one, never_refresh).refresh);
    one.shown->expires_at = now.plus(1s);
    CHECK(plan(one, never_refresh).state == renewal_state::fresh);
}

TEST_CASE("a token that lasts for ever is never refreshed and never expired") {
    auto one = held(9000h, -1h);
    one.shown->duration = token_duration::forever();
    auto const p = plan(one, renewal_policy());
    CHECK(p.state == renewal_state::fresh);
    CHECK_FALSE(p.refresh);
    one.shown->duration = token_duration::hours(1);
    one.shown->expires_at.reset();
    CHECK_FALSE(plan(one, renewal_policy()).refresh);
}

TEST_CASE("a secret is rotated at its age, by the sink's own note, whatever was updated since") {
    auto policy = renewal_policy().refresh_before(0s).rotate_after(90h);
    auto const young = plan(held(90h - 1s, 900h), policy);
    CHECK(young.state == renewal_state::fresh);
    CHECK(young.next_due == now.plus(1s));
    auto const old = plan(held(90h, 900h), policy);
    CHECK(old.state == renewal_state::due_for_rotation);
    CHECK(old.rotate);
    CHECK_FALSE(plan(held(9000h, 900h), never_refresh).rotate); // by no policy: never

    auto one = held(900h, 900h);
    one.held.since = now.plus(-1h);
    CHECK_FALSE(plan(one, policy).rotate);
    one.held.since = timestamp(); // not known: no later than the token itself
    CHECK(plan(one, policy).rotate);
    one.shown->created_at.reset();
    CHECK_FALSE(plan(one, policy).rotate);
}

TEST_CASE("a time of storing that is yet to come puts no rotation off") {
    auto const policy = renewal_policy().refresh_before(0s).rotate_after(90h).grace(24h);
    auto one = held(900h, 900h);
    one.held.since = now.plus(87'600h); // e.g. a file that was copied with a time of its own
    one.shown->client_secret_version = one.held.version = 1;
    CHECK(plan(one, policy).rotate); // by when the token was made
    one.shown->created_at = now.plus(-1h);
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(89h));

    one.shown->client_secret_version = one.held.version = 3; // by the end of the last grace
    one.shown->previous_client_secret_expires_at = now.plus(-66h);
    CHECK(plan(one, policy).rotate);
    one.shown->previous_client_secret_expires_at = now.plus(-66h + 1s);
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(1s));
    one.shown->previous_client_secret_expires_at = now.plus(48h); // which was extended
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(90h));

    one.shown->previous_client_secret_expires_at.reset(); // nothing else tells it
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(900h)); // when the token expires
    one.held.since = now;                                // a time that may be right counts
    CHECK(plan(one, policy).next_due == now.plus(90h));
    one.shown->previous_client_secret_expires_at = now.plus(-66h);
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(90h));
}

TEST_CASE("a token may be due for both") {
    auto const both = plan(held(900h, 1h), renewal_policy().refresh_before(2h).rotate_after(90h));
    CHECK(both.state == renewal_state::due_for_rotation);
    CHECK(both.rotate);
    CHECK(both.refresh);
}

TEST_CASE("no rotation falls into a grace whose end is not shown") {
    auto one = held(10h, 900h);
    auto const policy = renewal_policy().refresh_before(0s).rotate_after(1h).grace(10h + 1s);
    one.shown->client_secret_version = one.held.version = 1;
    CHECK(plan(one, policy).rotate); // never rotated
    one.shown->client_secret_version = one.held.version = 2;
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(1s));
    one.held.since = one.held.since.plus(-1s);
    CHECK(plan(one, policy).rotate);
}

TEST_CASE("no rotation falls into a running grace") {
    auto one = held(900h, 900h);
    auto const policy = renewal_policy().refresh_before(0s).rotate_after(90h);
    one.shown->previous_client_secret_expires_at = now.plus(1s);
    CHECK_FALSE(plan(one, policy).rotate);
    CHECK(plan(one, policy).next_due == now.plus(1s));
    one.shown->previous_client_secret_expires_at = now;
    CHECK(plan(one, policy).rotate);
}

TEST_CASE("a later version than is held is a lost secret, and the one in use is kept alive") {
    auto one = held(900h, 900h);
    one.shown->client_secret_version = 4;
    auto const policy = renewal_policy().refresh_before(0s).rotate_after(90h).grace(24h);
    one.shown->previous_client_secret_expires_at = now.plus(24h + 1s);
    auto lost = plan(one, policy);
    CHECK(lost.state == renewal_state::lost);
    CHECK(lost.is_lost);
    CHECK_FALSE(lost.keep_alive);
    CHECK_FALSE(lost.rotate);
    CHECK(lost.next_due == now.plus(1s));
    one.shown->previous_client_secret_expires_at = now.plus(24h);
    CHECK(plan(one, policy).keep_alive);
    one.shown->previous_client_secret_expires_at = now.plus(1s);
    CHECK(plan(one, policy).keep_alive);
    one.shown->previous_client_secret_expires_at = now; // over, or ended on purpose
    CHECK_FALSE(plan(one, policy).keep_alive);
    CHECK(plan(one, policy).next_due == now.plus(900h));  // when it expires
    one.shown->previous_client_secret_expires_at.reset(); // not shown
    CHECK(plan(one, policy).keep_alive);
    one.shown->expires_at = now;
    lost = plan(one, policy);
    CHECK(lost.state == renewal_state::expired); // the worse of the two
    CHECK(lost.is_lost);
    CHECK(lost.refresh);
}

TEST_CASE("an older version than is held is an out-of-date list: nothing is rotated by it") {
    auto one = held(900h, 900h);
    one.shown->client_secret_version = 2;
    auto const p = plan(one, renewal_policy().refresh_before(0s).rotate_after(90h));
    CHECK(p.state == renewal_state::fresh);
    CHECK_FALSE(p.rotate);
}

TEST_CASE("where no version is shown the log says what is lost") {
    auto one = held(900h, 900h);
    one.shown->client_secret_version.reset();
    auto const policy = renewal_policy().refresh_before(0s).rotate_after(90h);
    CHECK(plan(one, policy).rotate);
    one.is_lost = true;
    CHECK(plan(one, policy).state == renewal_state::lost);
    CHECK_FALSE(plan(one, policy).rotate);
}

TEST_CASE("a plan says what falls due first, and when, or has fallen due") {
    using access::renewal_action;
    auto const policy = renewal_policy().refresh_before(10h).rotate_after(30h);
    auto const early = plan(held(10h, 15h), policy);
    CHECK(early.next == renewal_action::refresh);
    CHECK(early.next_at == now.plus(5h));
    auto const late = plan(held(10h, 40h), policy);
    CHECK(late.next == renewal_action::rotate);
    CHECK(late.next_at == now.plus(20h));
    auto const due = plan(held(31h, 40h), policy);
    CHECK(due.next == renewal_action::rotate);
    CHECK(due.next_at == now.plus(-1h));
    auto forever = held(10h, 40h);
    forever.shown->duration = token_duration::forever();
    auto const nothing = plan(forever, renewal_policy());
    CHECK(nothing.next == renewal_action::none);
    CHECK_FALSE(nothing.next_at.has_value());
    CHECK(to_string(renewal_action::rotate) == "rotate");
}

TEST_CASE("a disabled token is left alone, and one that is not there is missing") {
    auto one = held(900h, 1h);
    one.shown->enabled = false;
    one.shown->client_secret_version = 4;
    auto const policy = renewal_policy().rotate_after(90h);
    auto p = plan(one, policy);
    CHECK(p.state == renewal_state::disabled);
    CHECK_FALSE(p.refresh);
    CHECK_FALSE(p.rotate);
    CHECK_FALSE(p.keep_alive);
    one.shown.reset();
    p = plan(one, policy);
    CHECK(p.state == renewal_state::missing);
    CHECK_FALSE(p.refresh);
    CHECK_FALSE(p.next_due.has_value());
}

TEST_CASE(
    "a policy is what the comments say, and by it alone a token is refreshed a month before") {
    renewal_policy const policy;
    CHECK(policy.refresh_before() == 30 * 24h);
    CHECK_FALSE(policy.rotate_after());
    CHECK(policy.grace() == 24h);
    CHECK(policy.poll_interval() == 24h);
    CHECK_FALSE(policy.replaces_lost());
    CHECK_FALSE(policy.consumers());
    auto one = held(0s, 30 * 24h);
    one.shown->duration.reset();
    one.shown->created_at.reset();
    CHECK(plan(one, policy).refresh);
    one.shown->expires_at = now.plus(30 * 24h + 1s);
    CHECK_FALSE(plan(one, policy).refresh);
    CHECK(plan(one, policy).next_due == now.plus(1s));
}

TEST_CASE("of two things that fall due at once the refresh is said") {
    auto const policy = renewal_policy().refresh_before(10h).rotate_after(24h);
    for (auto const early : {-1s, 0s, 1s}) {
        auto const p = plan(held(0s, 34h + early), policy);
        CHECK(p.next ==
              (early == 1s ? access::renewal_action::rotate : access::renewal_action::refresh));
        CHECK(p.next_at == now.plus(early == 1s ? 24h + 0s : 24h + early));
        CHECK(p.next_due == p.next_at);
    }
}

TEST_CASE("states have names") {
    CHECK(to_string(renewal_state::fresh) == "fresh");
    CHECK(to_string(renewal_state::due_for_rotation) == "due_for_rotation");
    CHECK(to_string(renewal_state::missing) == "missing");
}

} // namespace
} // namespace renewal_plan_tests
