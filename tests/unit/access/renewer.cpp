#include <cloudflare/access/renewer.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace renewer_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using access::intent_state;
using access::renewal_policy;
using access::renewal_state;

/// A transport that ends in a sandbox and keeps its own time.
struct sandbox_transport {
    template <class T>
    using task = blocking<T>;

    struct world {
        testing::sandbox box{1, testing::sandbox_options()};
        time_point now{1h};
        std::vector<http::request> requests{};
        std::optional<int> failing{}; ///< the status of every response to a PUT
        std::optional<int> refused_list{}, refused_get{};
        bool is_cancelled_by_put = false;
        bool is_cancelled_by_get = false; ///< of one token
        int early_waits = 0;              ///< so many end at once
        bool hides_duration = false;
        std::string failing_part{}; ///< that has this in its body
        bool is_cancelled = false;
    };
    std::shared_ptr<world> shared = std::make_shared<world>();

    [[nodiscard]] timestamp wall() const {
        auto const since = std::chrono::floor<std::chrono::seconds>(shared->now.time_since_epoch());
        return timestamp::parse("2026-11-24T00:00:00Z").value().plus(since);
    }
    task<result<http::response>> send(http::request const& r, time_point) {
        if (shared->is_cancelled)
            co_return error(errc::cancelled, error_details{.delivery = delivery::not_sent});
        shared->requests.push_back(r);
        if (r.method == http::method::put && shared->is_cancelled_by_put) {
            shared->is_cancelled = true;
            co_return error(errc::cancelled, error_details{.delivery = delivery::unknown});
        }
        bool const is_list = r.target.find("service_tokens?") != std::string::npos ||
                             r.target.ends_with("service_tokens");
        if (r.method == http::method::get && !is_list && shared->is_cancelled_by_get) {
            shared->is_cancelled = true;
            co_return error(errc::cancelled, error_details{.delivery = delivery::not_sent});
        }
        auto const refused = r.method != http::method::get ? std::nullopt
                             : is_list                     ? shared->refused_list
                                                           : shared->refused_get;
        if (refused) {
            http::response failed{.status = *refused};
            failed.body = R"({"success":false,"errors":[{"code":10000,"message":"no"}]})";
            co_return failed;
        }
        bool const is_meant = r.body.find(shared->failing_part) != r.body.npos;
        if (r.method == http::method::put && shared->failing && is_meant) {
            http::response failed{.status = *shared->failing};
            failed.body = R"({"success":false,"errors":[{"code":10000,"message":"no"}]})";
            co_return failed;
        }
        auto response = shared->box.handle(r, wall());
        std::string_view const member = "\"duration\"";
        auto at = shared->hides_duration ? response.body.find(member) : std::string::npos;
        for (; at != std::string::npos; at = response.body.find(member))
            response.body.replace(at, member.size(), "\"other\"");
        co_return response;
    }
    task<void> sleep_until(time_point t) {
        bool const is_early = shared->early_waits > 0 && shared->early_waits-- > 0;
        if (!shared->is_cancelled && !is_early) shared->now = std::max(shared->now, t);
        co_return;
    }
    [[nodiscard]] time_point now() const { return shared->now; }
};

/// Fails to be read, or is behind, where it is told to.
struct frail_sink : access::memory_sink {
    using memory_sink::memory_sink;

    errc list_code = errc::sink_failed;
    std::function<void()> at_find = [] {};
    bool fails_list = false, fails_find = false, fails_prepare = false;
    std::optional<std::vector<access::held_token>> old_list{};
    std::optional<access::held_token> found{};

    result<std::vector<access::held_token>> list() {
        if (fails_list) return error(list_code, "not readable");
        if (old_list) return *old_list;
        return memory_sink::list();
    }
    result<void> prepare(access::intent const& i) {
        if (fails_prepare) return error(errc::sink_failed, "disk full");
        return memory_sink::prepare(i);
    }
    result<std::optional<access::held_token>> find(std::string_view key) {
        at_find();
        if (fails_find) return error(errc::sink_failed, "not readable");
        if (found) return found;
        return memory_sink::find(key);
    }
};

struct frail_log : access::memory_intent_log {
    bool fails_list = false;

    result<std::vector<access::intent>> list() const {
        if (fails_list) return error(errc::intent_log_failed, "not readable");
        return memory_intent_log::list();
    }
};

access::any_scope const account = access::account_scope::parse(std::string(32, 'a')).value();
access::any_scope const zone = access::zone_scope::parse(std::string(32, 'b')).value();

struct fixture {
    explicit fixture(access::any_scope s = account) : scope(s) {}

    /// Has the server show the end of a grace only where that is set.
    void hide_grace_ends() {
        testing::sandbox_options hiding;
        hiding.shows_previous_expiry = false;
        way.shared->box = testing::sandbox(1, hiding);
    }
    /// A token of the sandbox, whose secret the sink holds.
    access::issued_service_token make(std::string const& name, std::int64_t hours = 8760) {
        auto token = make_unheld(name, hours);
        keep(name, token);
        return token;
    }
    access::issued_service_token make_unheld(std::string const& name, std::int64_t hours = 8760) {
        return through
            .call(access::create_service_token(
                scope, access::create_params(name).duration(token_duration::hours(hours))))
            .get()
            .value();
    }
    void keep(std::string const& key, access::issued_service_token const& token) {
        access::intent i({}, scope, token.name);
        i.key = key;
        i.token_id = token.id;
        sink.store(i, token).value();
    }
    auto renewer(renewal_policy policy) {
        return access::renewer(
            through, scope, sink, log, std::move(policy),
            access::rotation_options().now_from([w = way] { return w.wall(); }).random_from([this] {
                return random;
            }));
    }
    auto round(renewal_policy policy) { return renewer(std::move(policy)).run_once().get(); }
    [[nodiscard]] bool works(access::issued_service_token const& token) const {
        return way.shared->box.admits(token.client_id, token.client_secret.reveal(), way.wall());
    }
    [[nodiscard]] bool held_works(access::issued_service_token const& token) const {
        return works(sink.stored(token.id).value());
    }
    testing::sandbox_token& at_server(access::issued_service_token const& token) {
        return *way.shared->box.find(token.id);
    }
    /// Rotates a token's secret as a process that dies before it stores it.
    void lose(access::issued_service_token const& token, std::chrono::seconds grace) {
        auto& t = at_server(token);
        t.previous_secret = std::exchange(t.secret, "lost");
        t.previous_expires_at = way.wall().plus(grace);
        ++t.version;
    }

    /// The lease of a rotation that began now.
    [[nodiscard]] access::intent lease_of(access::issued_service_token const& token) const {
        access::intent lease(std::string(32, '1'), scope, token.name, way.wall());
        lease.purpose = access::intent_purpose::rotate;
        lease.key = lease.token_id = token.id;
        return lease;
    }
    /// How many rounds the loop makes, which is told to end with the third.
    template <class AtRound>
    int rounds(AtRound at_round) {
        int made = 0;
        renewer(renewal_policy())
            .run([&](result<access::renewal_report> const& r) {
                at_round(r);
                return ++made != 3;
            })
            .get();
        return made;
    }
    /// What a rotation has left in the log: a promise that the secret before works for `span`.
    access::intent remember(access::issued_service_token const& token, int version,
                            std::chrono::seconds span) {
        auto memory = lease_of(token);
        memory.state = intent_state::settled;
        memory.version = version;
        memory.until = way.wall().plus(span);
        log.insert(memory).value();
        return memory;
    }

    access::any_scope scope;
    sandbox_transport way;
    client<sandbox_transport> through{way, api_token::make("sample").value()};
    std::uint64_t random = 0;
    frail_sink sink{[w = way] { return w.wall(); }};
    frail_log log;
};

auto const rotating = renewal_policy().refresh_before(0s).rotate_after(24h).grace(1h);

TEST_CASE("a round refreshes what expires soon, if the sink holds it, in accounts and zones") {
    for (auto const& scope : {account, zone}) {
        fixture f(scope);
        auto const ours = f.make("ours", 30);
        auto const theirs = f.make_unheld("theirs", 30);
        f.way.shared->now += 20h;
        auto const report = f.round(renewal_policy()).value();
        REQUIRE(report.tokens.size() == 1);
        auto const& e = report.tokens[0];
        CHECK(e.key == "ours");
        CHECK(e.token_id == ours.id);
        CHECK(e.name == "ours");
        CHECK(e.state == renewal_state::due_for_refresh);
        CHECK(e.refreshed);
        CHECK_FALSE(e.rotated);
        CHECK_FALSE(e.failure.has_value());
        CHECK(e.expires_at == f.way.wall().plus(30h)); // its own duration, not a year
        CHECK(f.at_server(ours).expires_at == f.way.wall().plus(30h));
        CHECK(f.at_server(theirs).expires_at == theirs.expires_at);
        CHECK(report.is_well());
    }
}

TEST_CASE("a round rotates what is old; the new secret is in the sink, and both work") {
    for (auto const& scope : {account, zone}) {
        fixture f(scope);
        auto const old = f.make("old");
        f.way.shared->now += 48h;
        auto const report = f.round(rotating).value();
        CHECK(report.tokens.at(0).rotated);
        CHECK(report.tokens[0].state == renewal_state::due_for_rotation);
        CHECK(f.works(old));
        CHECK(f.held_works(old));
        CHECK_FALSE(f.sink.stored(old.id)->client_secret == old.client_secret);
        CHECK(report.tokens[0].previous_valid_until == f.at_server(old).previous_expires_at);
        CHECK(f.round(rotating).value().tokens.at(0).state == renewal_state::fresh);
    }
}

TEST_CASE("a short-lived token is refreshed and rotated, each at its time") {
    fixture f;
    auto const ours = f.make("ours", 24);
    auto const policy = renewal_policy().rotate_after(100h).grace(1h);
    int refreshed = 0, rotated = 0;
    for (int hour = 0; hour != 240; ++hour) {
        f.way.shared->now += 1h;
        auto const e = f.round(policy).value().tokens.at(0);
        refreshed += e.refreshed;
        rotated += e.rotated;
        CHECK(f.held_works(ours));
    }
    CHECK(refreshed == 15); // every 16 h
    CHECK(rotated == 2);
}

TEST_CASE("a report tells what is held of each token, and what falls due next") {
    fixture f;
    auto const ours = f.make("ours");
    f.way.shared->now += 12h;
    auto const before = f.round(rotating).value().tokens.at(0);
    CHECK(before.client_id == ours.client_id);
    CHECK(before.version == 1);
    CHECK(before.next == access::renewal_action::rotate);
    CHECK(before.next_at == f.way.wall().plus(12h));
    f.way.shared->now += 12h;
    auto const after = f.round(rotating).value().tokens.at(0);
    CHECK(after.rotated);
    CHECK(after.version == 2);
    CHECK(after.next == access::renewal_action::rotate);
    CHECK(after.next_at == f.way.wall().plus(24h));
}

TEST_CASE("look changes nothing") {
    fixture f;
    f.make("ours");
    f.way.shared->now += 48h;
    auto const report = f.renewer(rotating).look().get().value();
    CHECK(report.tokens.at(0).state == renewal_state::due_for_rotation);
    for (auto const& r : f.way.shared->requests)
        CHECK(r.method != http::method::put);
}

TEST_CASE("a look tells of a loss, and of nothing where a store cannot be read") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 1h);
    auto const report = f.renewer(rotating).look().get().value();
    CHECK(report.tokens.at(0).failure == errc::rotation_lost);
    CHECK(report.tokens[0].previous_valid_until == f.at_server(ours).previous_expires_at);
    CHECK_FALSE(report.is_well());
    f.sink.fails_list = true;
    CHECK(f.renewer(rotating).look().get().error() == errc::sink_failed);
}

TEST_CASE("a rotation of another token that is under way hides no loss of this one") {
    fixture f;
    auto const ours = f.make("ours");
    auto const busy = f.make("busy");
    f.log.insert(f.lease_of(busy)).value();
    f.lose(ours, 1h);
    auto const report = f.renewer(rotating).look().get().value();
    REQUIRE(report.tokens.size() == 2);
    for (auto const& e : report.tokens)
        CHECK(e.state == (e.key == "ours" ? renewal_state::lost : renewal_state::fresh));
}

TEST_CASE("a lost secret is found by any process, reported in every round, and the one in use "
          "works on") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 1h);
    for (int round = 0; round != 20; ++round) {
        auto const report = f.round(rotating).value();
        auto const& e = report.tokens.at(0);
        CHECK(e.state == renewal_state::lost);
        CHECK(e.failure.value() == errc::rotation_lost);
        CHECK(e.previous_valid_until == f.at_server(ours).previous_expires_at);
        CHECK(e.failure->to_string().find(e.previous_valid_until->to_string()) !=
              std::string::npos);
        CHECK_FALSE(report.is_well());
        CHECK(f.works(ours));
        f.way.shared->now += 50min;
        CHECK(f.works(ours));
    }
    CHECK(f.at_server(ours).version == 2);
}

TEST_CASE("a secret whose grace is over is not accepted again: it may have been revoked") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 0s);
    auto const e = f.round(rotating).value().tokens.at(0);
    CHECK(e.state == renewal_state::lost);
    CHECK(e.failure.value() == errc::rotation_lost);
    CHECK_FALSE(f.works(ours));
    auto rotator = access::rotator(f.through, f.scope, f.sink, f.log);
    CHECK(rotator.keep_alive("ours", 1h).get().error() == errc::conflict);
    CHECK_FALSE(f.works(ours));
}

TEST_CASE("a lost secret is replaced where the policy says so") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 1h);
    auto const report = f.round(renewal_policy().replace_lost(true)).value();
    CHECK(report.tokens.at(0).state == renewal_state::lost);
    CHECK(report.tokens[0].rotated);
    CHECK_FALSE(report.tokens[0].failure.has_value());
    CHECK(f.held_works(ours));
    CHECK(f.round(renewal_policy()).value().tokens.at(0).state == renewal_state::fresh);
}

TEST_CASE("a refresh that failed is told though a lost secret was replaced") {
    fixture f;
    auto const ours = f.make("ours", 48);
    f.way.shared->now += 40h;
    f.lose(ours, 1h);
    f.way.shared->failing = 400;
    f.way.shared->failing_part = "duration";
    auto const report = f.round(renewal_policy().replace_lost(true)).value();
    auto const& e = report.tokens.at(0);
    CHECK(e.rotated);
    CHECK_FALSE(e.refreshed);
    REQUIRE(e.failure.has_value());
    CHECK(*e.failure != errc::rotation_lost);
    CHECK(e.failure->details().operation == "update_service_token");
}

TEST_CASE(
    "where no version is shown the first round after a loss tells of it and prolongs the grace") {
    fixture f;
    testing::sandbox_options old_api;
    old_api.shows_version_and_enabled = false;
    f.way.shared->box = testing::sandbox(1, old_api);
    auto const ours = f.make("ours");
    f.lose(ours, 30min);
    auto lease = f.lease_of(ours);
    lease.until = *f.at_server(ours).previous_expires_at;
    f.log.insert(lease).value();
    f.way.shared->now += 16min;
    auto const e = f.round(rotating).value().tokens.at(0);
    CHECK(e.state == renewal_state::lost);
    CHECK(e.failure.value() == errc::rotation_lost);
    f.way.shared->now += 30min;
    CHECK(f.works(ours));
}

TEST_CASE("a lost secret that could not be replaced is no end of the one in use") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 30min);
    f.sink.fails_prepare = true;
    auto const policy = renewal_policy().replace_lost(true).grace(1h);
    auto const e = f.round(policy).value().tokens.at(0);
    CHECK(e.state == renewal_state::lost);
    CHECK(e.failure.value() == errc::sink_failed);
    CHECK(e.previous_valid_until == f.at_server(ours).previous_expires_at);
    CHECK(e.failure->to_string().find("works until " + e.previous_valid_until->to_string()) !=
          std::string::npos);
    f.way.shared->now += 1h;
    CHECK(f.works(ours));
    f.sink.fails_prepare = false;
    CHECK(f.round(policy).value().tokens.at(0).rotated);
    CHECK(f.held_works(ours));
}

TEST_CASE("a replacement of a lost secret that the server refuses is no end of the one in use") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 30min);
    f.way.shared->failing = 400;
    f.way.shared->failing_part = "\"client_secret_version\":3";
    auto const policy = renewal_policy().replace_lost(true).grace(1h);
    auto const e = f.round(policy).value().tokens.at(0);
    CHECK(e.failure.value() == errc::rotation_lost);
    CHECK(e.failure->details().http_status == 400);
    f.way.shared->now += 1h;
    CHECK(f.works(ours));
}

TEST_CASE("a replacement that may have been made is told as such, and not as the loss before") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 30min);
    f.way.shared->failing = 500;
    f.way.shared->failing_part = "\"client_secret_version\":3";
    auto const end = f.at_server(ours).previous_expires_at;
    auto const e = f.round(renewal_policy().replace_lost(true).grace(1h)).value().tokens.at(0);
    REQUIRE(e.failure.has_value());
    CHECK(*e.failure != errc::rotation_lost);
    CHECK(e.failure->delivery() == delivery::unknown);
    CHECK(e.failure->to_string().find("may have been rotated") != std::string::npos);
    CHECK(f.at_server(ours).previous_expires_at == end); // not extended: which secret is it of?
}

TEST_CASE("a lost secret that was stored just before its replacement is neither replaced nor told "
          "as lost") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 30min);
    auto const end = f.at_server(ours).previous_expires_at;
    auto later = ours;
    later.client_secret_version = 2;
    int finds = 0;
    f.sink.at_find = [&] {
        if (++finds == 2) f.keep("ours", later);
    };
    auto const e = f.round(renewal_policy().replace_lost(true).grace(1h)).value().tokens.at(0);
    CHECK(e.failure == errc::conflict);
    CHECK(f.at_server(ours).version == 2);
    CHECK(f.at_server(ours).previous_expires_at == end);
}

TEST_CASE("a replacement that is cancelled ends the round") {
    fixture f;
    f.lose(f.make("one"), 1h);
    f.lose(f.make("two"), 1h);
    f.way.shared->is_cancelled_by_get = true;
    auto const report = f.round(renewal_policy().replace_lost(true).grace(1h)).value();
    REQUIRE(report.tokens.size() == 1);
    CHECK(report.tokens[0].failure == errc::cancelled);
}

TEST_CASE("an expired token whose secret is lost is told as both") {
    fixture f;
    auto const ours = f.make("ours", 1);
    f.way.shared->now += 2h;
    f.lose(ours, 30h);
    f.sink.fails_prepare = true;
    auto const e = f.round(renewal_policy().replace_lost(true)).value().tokens.at(0);
    CHECK(e.state == renewal_state::expired);
    CHECK(e.failure.value() == errc::sink_failed);
    CHECK(e.failure->to_string().find(" is lost; ") != std::string::npos);
}

TEST_CASE("a secret that is about to be stored is not lost") {
    fixture f;
    auto const ours = f.make("ours");
    f.lose(ours, 1h);
    auto lease = f.lease_of(ours);
    f.log.insert(lease).value();
    auto const policy = renewal_policy().replace_lost(true);
    CHECK(f.round(policy).value().tokens.at(0).state == renewal_state::fresh);
    CHECK(f.log.list().value().size() == 1);
    f.way.shared->now += 16min; // its process is dead
    CHECK(f.round(policy).value().tokens.at(0).rotated);
    CHECK(f.held_works(ours));
}

TEST_CASE("what rotations of dead processes left in the log is settled") {
    fixture f;
    auto const ours = f.make("ours");
    auto lease = f.lease_of(ours);
    auto other = lease;
    other.tag = std::string(32, '2');
    other.key = other.token_id = "of-another-sink";
    f.log.insert(lease).value();
    f.log.insert(other).value();
    f.way.shared->now += 16min;
    SUBCASE("one that did nothing is erased") {
        f.round(renewal_policy()).value();
        CHECK(f.log.list().value().size() == 1);
        CHECK(f.log.list().value()[0].tag == other.tag);
    }
    SUBCASE("one whose request may come late stays for a day") {
        lease.until = f.way.wall().plus(1h);
        f.log.update(lease).value();
        f.round(renewal_policy()).value();
        CHECK(f.log.list().value().at(0).state == intent_state::open);
        f.way.shared->now += 23h + 45min;
        f.round(renewal_policy()).value();
        CHECK(f.log.list().value().size() == 1);
    }
    SUBCASE("one whose secret is lost stays, as lost") {
        f.lose(ours, 1h);
        f.round(renewal_policy()).value();
        CHECK(f.log.list().value().at(0).state == intent_state::lost);
        CHECK(f.log.list().value().at(1).state == intent_state::open);
    }
}

TEST_CASE("no grace is mended while the token is being rotated, perhaps to end it") {
    fixture f;
    testing::sandbox_options lenient; // ignores a version that is too low, not the rest
    lenient.lower_version_is_refused = false;
    f.way.shared->box = testing::sandbox(1, lenient);
    auto const ours = f.make("ours");
    f.remember(ours, 1, 5h);
    auto lease = f.lease_of(ours);
    lease.tag = std::string(32, '2');
    f.log.insert(lease).value();
    f.lose(ours, -1h); // revoked, and about to be stored
    f.round(renewal_policy()).value();
    CHECK_FALSE(f.works(ours));
    CHECK(f.log.list().value().size() == 2);
}

TEST_CASE("a promise stays in the log if the server does not show it, though its process died") {
    fixture f;
    f.hide_grace_ends();
    auto const ours = f.make("ours");
    auto lease = f.lease_of(ours);
    lease.version = 1;
    lease.until = f.way.wall().plus(100h);
    f.log.insert(lease).value();
    f.way.shared->now += 25h;
    f.round(renewal_policy()).value();
    CHECK(f.log.list().value().at(0).state == intent_state::settled);
    CHECK(f.log.list().value().at(0).until == lease.until);
}

TEST_CASE("where no end of a grace is shown a rotation waits for the one that the log remembers") {
    for (bool const shows_version : {true, false}) {
        fixture f;
        testing::sandbox_options hiding;
        hiding.shows_previous_expiry = false;
        hiding.shows_version_and_enabled = shows_version;
        f.way.shared->box = testing::sandbox(1, hiding);
        auto const ours = f.make("ours");
        // Of whichever secret, if no version is shown.
        auto const memory = f.remember(ours, shows_version ? 1 : 2, 50h);
        f.way.shared->now += 25h;
        for (int round = 0; round != 2; ++round) {
            auto const report =
                round == 0 ? f.renewer(rotating).look().get().value() : f.round(rotating).value();
            auto const& e = report.tokens.at(0);
            CHECK(e.state == renewal_state::fresh);
            CHECK(e.previous_valid_until == memory.until);
            CHECK(e.next_at == memory.until);
            CHECK(report.is_well());
        }
        f.way.shared->now += 25h;
        CHECK(f.round(rotating).value().tokens.at(0).rotated);
    }
}

TEST_CASE("of a missing token no consumer is asked, and it hides no grace of the next") {
    fixture f;
    f.hide_grace_ends();
    auto const first = f.make("first");
    auto const second = f.make("second");
    for (auto const* token : {&first, &second}) {
        auto memory = f.lease_of(*token);
        memory.tag = std::string(32, token == &first ? '1' : '2');
        memory.state = intent_state::settled;
        memory.until = f.way.wall().plus(5h);
        f.log.insert(memory).value();
    }
    f.through.call(access::delete_service_token(f.scope, first.id)).get().value();
    std::vector<std::string> asked;
    auto const policy = renewal_policy().consumers_have([&](access::held_token const& held) {
        asked.push_back(held.key);
        return false;
    });
    auto const report = f.round(policy).value();
    CHECK(report.tokens.at(0).state == renewal_state::missing);
    CHECK(report.tokens[0].name.empty());
    CHECK_FALSE(report.tokens[0].expires_at);
    CHECK_FALSE(report.tokens[0].previous_valid_until);
    CHECK(report.tokens.at(1).previous_valid_until == f.way.wall().plus(5h));
    CHECK(asked == std::vector<std::string>{"second"});
}

TEST_CASE("where no end of a grace is shown a loss names the one that the log remembers") {
    fixture f;
    f.hide_grace_ends();
    auto const ours = f.make("ours");
    f.lose(ours, 5h);
    auto lease = f.lease_of(ours);
    lease.version = 2;
    lease.until = f.way.wall().plus(5h);
    f.log.insert(lease).value();
    f.way.shared->now += 1h;
    for (int round = 0; round != 2; ++round) {
        auto const e = f.round(rotating).value().tokens.at(0);
        CHECK(e.failure.value() == errc::rotation_lost);
        CHECK(e.previous_valid_until == lease.until);
    }
    // The end is not shown, and a late request may have shortened it: set in every round.
    f.at_server(ours).previous_expires_at = f.way.wall().plus(1h);
    CHECK(f.round(rotating).value().tokens.at(0).previous_valid_until == lease.until);
    CHECK(f.at_server(ours).previous_expires_at == lease.until);
    f.way.shared->now += 3h;
    CHECK(f.round(rotating).value().tokens.at(0).previous_valid_until == f.way.wall().plus(2h));
    f.way.shared->now += 3h; // it is over
    auto const over = f.round(rotating).value().tokens.at(0);
    CHECK(over.failure->to_string().find("worked until") != std::string::npos);
    CHECK_FALSE(f.works(ours));
}

TEST_CASE("where no version is shown a loss is kept through a replacement that did nothing") {
    fixture f;
    testing::sandbox_options old;
    old.shows_version_and_enabled = false;
    f.way.shared->box = testing::sandbox(1, old);
    auto const ours = f.make("ours");
    auto lease = f.lease_of(ours);
    lease.version = access::detail::lost_before;
    lease.until = f.way.wall().plus(100h);
    f.log.insert(lease).value();
    f.way.shared->now += 25h;
    CHECK(f.round(renewal_policy()).value().tokens.at(0).state == renewal_state::lost);
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
}

TEST_CASE("a grace that a late request has shortened is mended until it is over") {
    fixture f;
    auto const ours = f.make("ours");
    f.way.shared->now += 48h;
    f.round(rotating).value();
    auto const promised = f.way.wall().plus(2h);
    f.remember(ours, 2, 2h);
    f.at_server(ours).previous_expires_at = f.way.wall();
    f.round(rotating).value();
    CHECK(f.at_server(ours).previous_expires_at == promised);
    CHECK(f.works(ours));
    // Refused if it arrives after the next rotation.
    CHECK(f.way.shared->requests.back().body.find(R"("client_secret_version":2)") !=
          std::string::npos);
    f.way.shared->now += 3h;
    f.round(rotating).value();
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a token that was deleted is missing, one that was switched off is disabled") {
    fixture f;
    auto const first = f.make("first");
    auto const second = f.make("second");
    f.make("third");
    f.at_server(second).enabled = false;
    f.through.call(access::delete_service_token(f.scope, first.id)).get().value();
    f.way.shared->now += 48h;
    auto const report = f.round(rotating).value();
    REQUIRE(report.tokens.size() == 3);
    CHECK(report.tokens[0].state == renewal_state::missing);
    CHECK(report.tokens[1].state == renewal_state::disabled);
    CHECK(report.tokens[2].rotated);
    CHECK_FALSE(report.tokens[0].refreshed);
    CHECK_FALSE(report.tokens[1].rotated);
    CHECK_FALSE(report.is_well());
}

TEST_CASE("a server that shows none of the tokens held is an error, not a success") {
    fixture f;
    f.make("ours");
    CHECK(f.round(renewal_policy()).has_value());
    f.way.shared->box = testing::sandbox();
    auto const failed = f.round(renewal_policy()).error();
    CHECK(failed == errc::not_found);
    CHECK(failed.to_string().find("none of the 1 tokens held") != std::string::npos);
    f.sink.forget(f.sink.list().value()[0].token_id).value();
    CHECK(f.round(renewal_policy()).value().tokens.empty());
}

TEST_CASE("a failure of one token does not stop the others, and the next look comes early") {
    fixture f;
    f.make("first", 30);
    f.make("second", 30);
    f.way.shared->now += 25h;
    f.way.shared->failing = 403;
    auto renewer = f.renewer(renewal_policy());
    auto last = 0s;
    for (int round = 0; round != 6; ++round) {
        auto const report = renewer.run_once().get().value();
        CHECK(report.tokens.at(0).failure.value() == errc::forbidden);
        CHECK(report.tokens.at(1).failure.value() == errc::forbidden);
        auto const wait = report.next_look.seconds() - f.way.wall().seconds();
        CHECK(wait > std::chrono::seconds(30) * (1 << round));
        CHECK(wait <= std::chrono::seconds(60) * (1 << round));
        CHECK(wait >= last);
        last = wait;
    }
    f.way.shared->failing.reset();
    auto const report = renewer.run_once().get().value();
    CHECK(report.is_well());
    CHECK(report.next_look == f.way.wall().plus(20h));
    f.way.shared->now += 25h; // the first failure again
    f.way.shared->failing = 403;
    CHECK(renewer.run_once().get().value().next_look == f.way.wall().plus(60s));
}

TEST_CASE("a grace is ended early when all consumers have the new secret") {
    fixture f;
    auto const ours = f.make("ours");
    f.way.shared->now += 48h;
    bool have = false;
    std::string asked;
    auto policy = rotating;
    policy.consumers_have([&](access::held_token const& held) {
        asked = held.key;
        return have;
    });
    f.round(policy).value();
    f.round(policy).value();
    CHECK(asked == "ours");
    CHECK(f.works(ours));
    have = true;
    ++f.random; // the tag is another one
    f.round(policy).value();
    CHECK_FALSE(f.works(ours));
    CHECK(f.held_works(ours));
}

TEST_CASE("the loop looks again when the plan says so, and ends when told or cancelled") {
    fixture f;
    f.make("ours", 90);
    int rounds = 0, refreshed = 0;
    auto renewing = f.renewer(renewal_policy().poll_interval(24h));
    renewing
        .run([&](result<access::renewal_report> const& r) {
            refreshed += r.value().tokens.at(0).refreshed;
            return ++rounds < 8;
        })
        .get();
    CHECK(rounds == 8);
    CHECK(refreshed == 2); // after 60 h and 120 h
    rounds = 0;
    renewing
        .run([&](result<access::renewal_report> const&) {
            ++rounds;
            f.way.shared->is_cancelled = true;
            return true;
        })
        .get();
    CHECK(rounds == 1);
}

TEST_CASE("a list shows all, and what it does not show is asked for by itself") {
    fixture f;
    f.make("one");
    f.make("two");
    auto const before = f.way.shared->requests.size();
    CHECK(f.round(renewal_policy()).value().tokens.size() == 2);
    CHECK(f.way.shared->requests.size() == before + 1);

    f.way.shared->refused_list = 403; // the credentials may read tokens, and not list them
    auto const seen = f.round(renewal_policy()).value();
    CHECK(f.way.shared->requests.size() == before + 4);
    for (auto const& e : seen.tokens)
        CHECK(e.state == renewal_state::fresh);

    f.way.shared->refused_get = 400; // no proof that it is missing
    CHECK(f.round(renewal_policy()).error() == errc::bad_request);
}

TEST_CASE("stores that cannot be read end a round, and nothing is changed") {
    fixture f;
    auto const token = f.make("one", 30);
    f.way.shared->now += 20h;
    f.sink.fails_list = true;
    CHECK(f.round(renewal_policy()).error() == errc::sink_failed);
    f.sink.fails_list = false;
    f.log.fails_list = true;
    CHECK(f.round(renewal_policy()).error() == errc::intent_log_failed);
    f.log.fails_list = false;
    f.lose(token, 1h);
    f.sink.fails_find = true;
    CHECK(f.round(renewal_policy()).error() == errc::sink_failed);
    for (auto const& r : f.way.shared->requests)
        CHECK(r.method != http::method::put);
}

TEST_CASE("a secret that was stored since the sink was listed is not lost; another token's is no "
          "proof") {
    fixture f;
    auto const token = f.make("one");
    f.sink.old_list = f.sink.list().value();
    auto later = token;
    later.client_secret_version = 2;
    f.at_server(token).version = 2;
    f.keep("one", later);
    CHECK(f.renewer(renewal_policy()).look().get().value().tokens.at(0).state ==
          renewal_state::fresh);

    fixture g;
    auto const lost = g.make("one");
    g.lose(lost, 1h);
    access::held_token another;
    another.key = "one";
    another.token_id = "another";
    another.version = 2;
    g.sink.found = another;
    CHECK(g.renewer(renewal_policy()).look().get().value().tokens.at(0).state ==
          renewal_state::lost);
}

TEST_CASE("after each failed round the next look comes later, by half as much at random") {
    fixture f;
    f.make("one", 30);
    f.way.shared->now += 20h;
    f.way.shared->failing = 400;
    auto const policy = renewal_policy().poll_interval(std::chrono::days(10));
    f.random = 29;
    auto renewer = f.renewer(policy);
    auto const wait = [&] {
        auto const report = renewer.run_once().get().value();
        CHECK(report.tokens.at(0).failure);
        return report.next_look.seconds() - f.way.wall().seconds();
    };
    CHECK(wait() == 31s); // 60 s, less 29 of the 30 that chance may take
    f.random = 0;
    CHECK(wait() == 120s);
    for (int n = 3; n != 12; ++n)
        wait();
    CHECK(wait() == 122'880s);
    CHECK(wait() == 122'880s);
}

TEST_CASE("a round that is cancelled stops before its next token") {
    fixture f;
    f.make("one", 30);
    f.make("two", 30);
    f.way.shared->now += 20h;
    f.way.shared->is_cancelled_by_put = true;
    auto const report = f.round(renewal_policy()).value();
    REQUIRE(report.tokens.size() == 1);
    CHECK(report.tokens[0].failure == errc::cancelled);
}

TEST_CASE(
    "a lost token's grace is prolonged by two graces; where that fails the loss is reported") {
    fixture f;
    auto const token = f.make("one");
    f.lose(token, 30min);
    CHECK(f.round(rotating).value().tokens.at(0).failure == errc::rotation_lost);
    CHECK(f.at_server(token).previous_expires_at == f.way.wall().plus(2h));

    fixture g;
    auto const other = g.make("one");
    g.lose(other, 30min);
    auto const end = g.at_server(other).previous_expires_at;
    g.way.shared->failing = 400;
    auto const e = g.round(rotating).value().tokens.at(0);
    CHECK(e.failure == errc::rotation_lost);
    CHECK(e.previous_valid_until == end);
}

TEST_CASE("a rotation, or the end of a grace, that fails is reported") {
    fixture f;
    f.make("one");
    f.way.shared->now += 25h;
    f.way.shared->failing = 400;
    CHECK(f.round(rotating).value().tokens.at(0).failure == errc::bad_request);
    f.way.shared->failing.reset();
    CHECK(f.round(rotating).value().tokens.at(0).rotated);
    auto const have = renewal_policy(rotating).consumers_have([](auto const&) { return true; });
    f.way.shared->failing = 400;
    ++f.random; // the tag is another one
    CHECK(f.round(have).value().tokens.at(0).failure == errc::bad_request);
    f.way.shared->failing.reset();
    ++f.random;
    auto const ended = f.round(have).value().tokens.at(0);
    CHECK(!ended.failure);
}

TEST_CASE("no grace is ended while the token is being rotated") {
    fixture f;
    auto const token = f.make("one");
    f.lose(token, 1h); // by a rotation that is about to store
    auto const lease = f.lease_of(token);
    f.log.insert(lease).value();
    bool is_asked = false;
    auto const have = renewal_policy().consumers_have([&](auto const&) { return is_asked = true; });
    auto const e = f.round(have).value().tokens.at(0);
    CHECK(!is_asked);
    CHECK(!e.failure);
    CHECK(f.works(token));
}

/// What becomes of the loop, and how many of three rounds it makes.
struct loop_case {
    std::optional<int> refused_list;
    bool is_cancelled;
    int rounds;
};
loop_case const loop_cases[] = {{{}, false, 3}, {400, false, 3}, {{}, true, 1}};

TEST_CASE("the loop goes on after a round that failed, and ends where one was cancelled") {
    for (auto const& c : loop_cases) {
        fixture f;
        f.make("one");
        auto const before = f.way.shared->requests.size();
        f.way.shared->refused_list = c.refused_list;
        f.way.shared->is_cancelled = c.is_cancelled;
        auto const rounds = f.rounds([&](result<access::renewal_report> const& r) {
            CHECK(r.has_value() == (!c.refused_list && !c.is_cancelled));
            if (c.refused_list) CHECK(r.error() == errc::bad_request);
        });
        CHECK(rounds == c.rounds);
        // One list a round: a wait that was whole needs none.
        CHECK(f.way.shared->requests.size() - before == (c.is_cancelled ? 0U : 3U));
    }
}

TEST_CASE("the loop ends where a store was cancelled, and goes on after its other errors") {
    for (auto const code : {errc::cancelled, errc::conflict, errc::sink_failed}) {
        fixture f;
        f.make("one");
        f.sink.fails_list = true;
        f.sink.list_code = code;
        auto const rounds =
            f.rounds([&](result<access::renewal_report> const& r) { CHECK(r.error() == code); });
        CHECK(rounds == (code == errc::cancelled ? 1 : 3));
    }
}

TEST_CASE("the loop goes on after a wait that ended early, unless it was cancelled") {
    for (auto const& c : loop_cases) {
        fixture f;
        f.make("one");
        f.way.shared->refused_list = c.refused_list;
        f.way.shared->early_waits = 1;
        CHECK(f.rounds([&](auto const&) { f.way.shared->is_cancelled = c.is_cancelled; }) ==
              c.rounds);
    }
}

TEST_CASE("leases of others hide none: a short grace is mended, and what is over is erased") {
    fixture f;
    auto const alive = f.make("alive"), mended = f.make("mended"), kept = f.make("kept"),
               over = f.make("over");
    int tags = 0;
    auto const left = [&](access::issued_service_token const& token, intent_state state,
                          std::chrono::seconds opened, std::chrono::seconds until) {
        auto i = f.lease_of(token);
        i.tag = std::string(31, '1') + static_cast<char>('1' + tags++);
        i.state = state;
        i.version = 1;
        i.opened_at = f.way.wall().plus(opened);
        i.until = until == 0s ? timestamp() : f.way.wall().plus(until);
        f.log.insert(i).value();
        return i;
    };
    access::intent issue(std::string(32, '0'), f.scope, "x", f.way.wall().plus(-2h));
    issue.token_id = over.id;
    f.log.insert(issue).value();
    auto const live = left(alive, intent_state::open, 0s, 0s);
    auto const unheld = left(f.make_unheld("unheld"), intent_state::open, -2h, 0s);
    f.at_server(mended).previous_expires_at = f.way.wall().plus(1h);
    f.at_server(kept).previous_expires_at = f.way.wall().plus(3h);
    left(mended, intent_state::settled, -2h, 2h);
    auto const stays = left(kept, intent_state::settled, -2h, 2h);
    left(over, intent_state::open, -2h, 0s);
    f.round(renewal_policy()).value();
    CHECK(f.at_server(mended).previous_expires_at == f.way.wall().plus(2h));
    CHECK(f.at_server(kept).previous_expires_at == f.way.wall().plus(3h));
    auto const puts = std::count_if(f.way.shared->requests.begin(), f.way.shared->requests.end(),
                                    [](auto const& r) { return r.method == http::method::put; });
    CHECK(puts == 1);
    auto const all = f.log.list().value();
    REQUIRE(all.size() == 5);
    CHECK(all[0] == issue);
    CHECK(all[1] == live);
    CHECK(all[2] == unheld);
    CHECK(all[3].token_id == mended.id);
    CHECK(all[4] == stays);
}

TEST_CASE("a lost lease is no loss where the sink holds the version that the server shows") {
    fixture f;
    auto const token = f.make("one");
    auto lease = f.lease_of(token);
    lease.state = intent_state::lost;
    f.log.insert(lease).value();
    auto const e = f.renewer(renewal_policy()).look().get().value().tokens.at(0);
    CHECK(e.state == renewal_state::fresh);
    CHECK_FALSE(e.failure);
}

TEST_CASE("consumers are asked as long as a grace runs, and not at its end") {
    for (auto const left : {0s, 1s}) {
        fixture f;
        auto const token = f.make("one");
        f.at_server(token).previous_expires_at = f.way.wall().plus(left);
        int asked = 0;
        auto const have = renewal_policy().consumers_have([&](auto const&) { return ++asked < 0; });
        CHECK(f.round(have).value().is_well());
        CHECK(asked == (left == 0s ? 0 : 1));
    }
}

TEST_CASE(
    "the wait after a failure is shortened by less than a half, and is no less than a second") {
    struct {
        std::uint64_t random;
        std::chrono::seconds poll, wait;
    } const cases[] = {{0, 24h, 60s}, {29, 24h, 31s}, {30, 24h, 60s}, {31, 24h, 59s},
                       {1, 1s, 1s},   {1, 2s, 2s},    {1, 4s, 3s},    {2, 4s, 4s}};
    for (auto const& c : cases) {
        fixture f;
        f.make("one", 30);
        f.way.shared->now += 20h;
        f.way.shared->failing = 400;
        f.random = c.random;
        auto const report = f.round(renewal_policy().poll_interval(c.poll)).value();
        CHECK(report.next_look.seconds() - f.way.wall().seconds() == c.wait);
    }
}

TEST_CASE("a refresh makes no secret younger, and a token without a duration gets a year") {
    fixture f;
    auto const token = f.make("ours", 30);
    f.way.shared->now += 20h;
    auto const policy = renewal_policy().rotate_after(24h);
    auto const e = f.round(policy).value().tokens.at(0);
    CHECK(e.refreshed);
    CHECK_FALSE(e.rotated);
    CHECK(e.next == access::renewal_action::rotate);
    CHECK(e.next_at == f.way.wall().plus(4h));
    CHECK(f.at_server(token).expires_at == f.way.wall().plus(30h));

    fixture g;
    auto const hidden = g.make("hidden", 30);
    g.way.shared->hides_duration = true;
    g.way.shared->now += 20h;
    CHECK(g.round(renewal_policy()).value().tokens.at(0).refreshed);
    CHECK(g.at_server(hidden).expires_at == g.way.wall().plus(8760h));
}

TEST_CASE("the next look comes when the first token falls due") {
    fixture f;
    f.make("one", 24); // refreshed 8 hours before its end
    auto const report = f.renewer(renewal_policy()).look().get().value();
    CHECK(report.next_look == f.way.wall().plus(16h));
}

TEST_CASE("a round revives no secret that was revoked while an earlier grace ran") {
    fixture f(zone);
    testing::sandbox_options hiding;
    hiding.shows_previous_expiry = false;
    hiding.update_shows_secret = false;
    f.way.shared->box = testing::sandbox(1, hiding);
    auto const ours = f.make("ours");
    f.remember(ours, 1, 5h);
    auto rotator =
        access::rotator(f.through, f.scope, f.sink, f.log,
                        access::rotation_options().now_from([w = f.way] { return w.wall(); }));
    CHECK(rotator.revoke_and_rotate("ours").get().error() == errc::rotation_lost);
    CHECK_FALSE(f.works(ours));
    f.way.shared->now += 20min;
    f.round(rotating).value();
    CHECK_FALSE(f.works(ours));
}

} // namespace
} // namespace renewer_tests
