#include <cloudflare/access/renewal.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace renewal_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;

/// A transport that ends in a sandbox and keeps its own time.
struct sandbox_transport {
    template <class T>
    using task = blocking<T>;

    struct world {
        testing::sandbox box;
        time_point now{1h};
    };
    std::shared_ptr<world> shared = std::make_shared<world>();

    [[nodiscard]] timestamp wall() const {
        auto const since = std::chrono::floor<std::chrono::seconds>(shared->now.time_since_epoch());
        return timestamp::parse("2026-11-24T00:00:00Z").value().plus(since);
    }
    task<result<http::response>> send(http::request const& r, time_point) {
        co_return shared->box.handle(r, wall());
    }
    task<void> sleep_until(time_point t) {
        shared->now = std::max(shared->now, t);
        co_return;
    }
    [[nodiscard]] time_point now() const { return shared->now; }
};

struct fixture {
    explicit fixture(access::any_scope scope) : where(std::move(scope)) {}

    access::issued_service_token make(std::string name, std::int64_t hours) {
        auto const made =
            through
                .call(access::create_service_token(
                    where,
                    access::create_params(std::move(name)).duration(token_duration::hours(hours))))
                .get();
        return made.value();
    }
    auto renew(access::renewal_policy policy) {
        return access::renewal(through, where, sink, policy,
                               access::rotation_options().now_from([w = way] { return w.wall(); }));
    }

    access::any_scope where;
    sandbox_transport way;
    client<sandbox_transport> through{way, api_token::make("sample").value()};
    access::memory_sink sink;
};

access::any_scope const account = access::account_scope::parse(std::string(32, 'a')).value();
access::any_scope const zone = access::zone_scope::parse(std::string(32, 'b')).value();

TEST_CASE("a round refreshes what expires soon, if the sink holds it, in accounts and zones") {
    for (auto const& where : {account, zone}) {
        fixture f(where);
        auto const ours = f.make("ours", 10);
        f.sink.store(ours).value();
        auto const theirs = f.make("theirs", 10);
        auto const report =
            f.renew(access::renewal_policy().refresh_before(11h)).run_once().get().value();
        REQUIRE(report.refreshed.size() == 1);
        CHECK(report.refreshed[0] == ours.id);
        CHECK(report.failed.empty());
        CHECK(f.way.shared->box.find(theirs.id)->expires_at == theirs.expires_at);
        CHECK(f.way.shared->box.find(ours.id)->updated_at >= *ours.updated_at);
    }
}

TEST_CASE("a round rotates what is old, and the sink has the new secret") {
    for (auto const& where : {account, zone}) {
        fixture f(where);
        auto const old = f.make("old", 8760);
        f.sink.store(old).value();
        f.way.shared->now += 48h;
        auto const policy = access::renewal_policy().refresh_before(0s).rotate_after(24h).grace(1h);
        auto const report = f.renew(policy).run_once().get().value();
        REQUIRE(report.rotated.size() == 1);
        auto const now = f.way.wall();
        auto const fresh = f.sink.stored(old.id)->client_secret;
        CHECK_FALSE(fresh == old.client_secret);
        CHECK(f.way.shared->box.admits(old.client_id, fresh.reveal(), now));
        CHECK(f.way.shared->box.admits(old.client_id, old.client_secret.reveal(), now));
    }
}

TEST_CASE("the loop looks again when the plan says so, and ends when told") {
    fixture f(account);
    f.sink.store(f.make("ours", 100)).value();
    int rounds = 0, refreshed = 0;
    auto renewing = f.renew(access::renewal_policy().refresh_before(10h).poll_interval(24h));
    renewing
        .run([&](result<access::renewal_report> const& r) {
            refreshed += static_cast<int>(r.value().refreshed.size());
            return ++rounds < 6;
        })
        .get();
    CHECK(rounds == 6);
    CHECK(refreshed == 1); // after 90 h, for a year
}

TEST_CASE("a secret lost in a rotation is reported in every round, or replaced where the policy "
          "says so") {
    for (bool const replaces : {false, true}) {
        fixture f(account);
        auto const ours = f.make("ours", 8760);
        f.sink.store(ours).value();
        f.way.shared->now += 48h;
        bool full = true;
        access::callable_sink sink(
            [&](access::issued_service_token const& t) -> result<void> {
                if (full) return error(errc::sink_failed, "disk full");
                return f.sink.store(t);
            },
            [&](std::string_view id) { return f.sink.holds(id); });
        access::renewal renewing(
            f.through, f.where, sink,
            access::renewal_policy().refresh_before(0s).rotate_after(24h).grace(1h).replace_lost(
                replaces),
            access::rotation_options().now_from([w = f.way] { return w.wall(); }));
        CHECK(renewing.run_once().get().value().failed.size() == 1);
        full = false;
        auto const report = renewing.run_once().get().value();
        CHECK(report.failed.size() == (replaces ? 0 : 1));
        auto const held = f.sink.stored(ours.id)->client_secret;
        CHECK(f.way.shared->box.admits(ours.client_id, held.reveal(), f.way.wall()));
        CHECK((held == ours.client_secret) == !replaces);
    }
}

TEST_CASE("a token whose grace period is running is reported, not rotated") {
    fixture f(account);
    f.sink.store(f.make("ours", 8760)).value();
    f.way.shared->now += 48h;
    auto const policy = access::renewal_policy().refresh_before(0s).rotate_after(0s).grace(72h);
    CHECK(f.renew(policy).run_once().get().value().rotated.size() == 1);
    f.way.shared->now += 1h;
    auto const report = f.renew(policy).run_once().get().value();
    REQUIRE(report.failed.size() == 1);
    CHECK(report.failed[0].why == errc::grace_running);
}

} // namespace
} // namespace renewal_tests
