#include <cloudflare/access/rotator.hpp>

#include "token_response.hpp"

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rotator_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace token_responses;
using access::intent_state;
using testing::scripted_transport;

std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
timestamp const now = timestamp::parse("2026-11-24T00:00:00Z").value();
auto const scope = access::account_scope::parse(std::string(32, 'a')).value();

/// Fails as it is told to; whether it keeps what it fails to acknowledge is told, too.
struct frail_sink : access::memory_sink {
    frail_sink() : memory_sink([this] { return stored_at(); }) {}

    std::function<timestamp()> stored_at = [] { return timestamp(); };
    int failing_stores = 0;
    bool keeps = false;
    bool is_full = false;
    std::function<void()> at_store = [] {};
    std::function<void()> at_prepare = [] {};

    result<void> prepare(access::intent const& i) {
        at_prepare();
        if (is_full) return error(errc::sink_failed, "disk full");
        return memory_sink::prepare(i);
    }
    result<void> store(access::intent const& i, access::issued_service_token const& token) {
        at_store();
        if (failing_stores == 0 || keeps)
            if (auto const stored = memory_sink::store(i, token); !stored) return stored;
        if (failing_stores == 0) return {};
        --failing_stores;
        return error(errc::sink_failed, "disk full");
    }
};

/// Calls a test before it erases.
struct watched_log : access::memory_intent_log {
    std::function<void()> at_erase = [] {};

    result<void> erase(access::intent const& i) {
        at_erase();
        return memory_intent_log::erase(i);
    }
};

/// A script whose responses tell the server's time, and a sink that holds version 4 under "key".
struct fixture {
    fixture() { hold(4); }

    void hold(std::int64_t version, std::string secret_text = "old") {
        if (version == 0) sink.forget(id).value();
        access::issued_service_token token;
        token.id = id;
        token.client_id = "c.access";
        if (version != 0) token.client_secret_version = version;
        token.client_secret = secret(std::move(secret_text));
        access::intent i({}, scope, "ci");
        i.key = "key";
        i.token_id = id;
        sink.access::memory_sink::store(i, token).value();
    }
    /// @param traced called after each response
    auto rotator(access::rotation_options options = access::rotation_options(),
                 trace_hook traced = {}) {
        return access::rotator(client(transport, api_token::make("sample").value(),
                                      client_options().seed(1).trace(std::move(traced))),
                               scope, sink, log, options.now_from([this] { return wall; }));
    }
    result<access::rotated> rotate(std::chrono::seconds grace = 1h) {
        return rotator().rotate("key", grace).get();
    }
    /// Responds with the token at a version (0: none shown), a grace's end and a secret, where
    /// given.
    fixture& respond(int version, std::string const& previous = "",
                     std::string const& secret_text = "") {
        transport.respond(token_response(id, version, previous, secret_text));
        return *this;
    }
    fixture& lose() {
        transport.fail(errc::connection_lost, delivery::unknown);
        return *this;
    }
    /// The two looks before the lease and after it.
    fixture& look(int version, std::string const& previous = "") {
        return respond(version, previous).respond(version, previous);
    }
    /// The bodies of the updates that were sent.
    [[nodiscard]] std::vector<std::string> updates() const {
        std::vector<std::string> bodies;
        for (auto const& r : transport.requests())
            if (r.method == http::method::put) bodies.push_back(r.body);
        return bodies;
    }
    [[nodiscard]] std::string held_secret() const {
        return std::string(sink.stored(id)->client_secret.reveal());
    }
    /// What a process that died has left.
    access::intent leave_lease(intent_state state, timestamp opened, timestamp until = {}) {
        access::intent i(std::string(32, '1'), scope, "ci", opened);
        i.purpose = access::intent_purpose::rotate;
        i.key = i.token_id = id;
        i.version = 5;
        i.state = state;
        i.until = until;
        log.insert(i).value();
        return i;
    }
    /// What an ended rotation has left beside the lease.
    void remember(std::int64_t version, timestamp until) {
        access::intent i(std::string(32, '2'), scope, "ci", now);
        i.purpose = access::intent_purpose::rotate;
        i.key = "apart";
        i.token_id = id;
        i.version = version;
        i.state = intent_state::settled;
        i.until = until;
        log.insert(i).value();
    }

    scripted_transport transport;
    frail_sink sink;
    watched_log log;
    timestamp wall = now;
};

http::response refusal(int status) {
    http::response r{.status = status};
    r.body = R"({"success":false,"errors":[{"code":10000,"message":"no"}]})";
    return r;
}

std::string body_until(std::string const& end) {
    return R"({"client_secret_version":5,"previous_client_secret_expires_at":")" + end + "\"}";
}
/// The end of a grace that is over.
std::string const over = "2026-11-23T00:00:00Z";
/// A grace of one hour, and the ten minutes that a rotation may take.
std::string const end_of_hour = "2026-11-24T01:10:00Z";

TEST_CASE("a rotation sets the version after the one held, stores the secret, and leaves nothing "
          "in the log") {
    fixture f;
    f.look(4, over).respond(5, end_of_hour, "fresh");
    auto const done = f.rotate().value();
    CHECK(done.previous_valid_until == timestamp::parse(end_of_hour).value());
    CHECK(done.token.client_secret_version == 5);
    CHECK(f.held_secret() == "fresh");
    CHECK(f.sink.find("key").value()->version == 5);
    CHECK(f.updates() == std::vector<std::string>{body_until(end_of_hour)});
    CHECK(f.transport.requests().size() == 3);
    CHECK(f.log.list().value().empty());
}

TEST_CASE("the lease is in the log, with what is sent, before it is sent") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "fresh");
    std::vector<access::intent> seen;
    f.sink.at_store = [&] { seen = f.log.list().value(); };
    f.rotate().value();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].purpose == access::intent_purpose::rotate);
    CHECK(seen[0].key == id);
    CHECK(seen[0].token_id == id);
    CHECK(seen[0].version == 5);
    CHECK(seen[0].until == timestamp::parse(end_of_hour).value());
    CHECK(seen[0].state == intent_state::open);
}

TEST_CASE("a client that knows the server's time asks for the token once") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "fresh");
    auto rotator = f.rotator();
    rotator.rotate("key", 1h).get().value();
    auto const before = f.transport.requests().size();
    f.respond(5, end_of_hour).respond(6, "2026-11-25T00:00:00Z", "fresher");
    rotator.replace_now("key", id, 1h).get().value();
    CHECK(f.transport.requests().size() == before + 2);
}

TEST_CASE("times are the server's, however wrong this machine's clock is") {
    for (auto const offset : {-25h, 25h}) {
        fixture f;
        f.wall = now.plus(offset);
        f.look(4, "2026-11-23T23:59:59Z").respond(5, end_of_hour, "fresh");
        CHECK(f.rotate().has_value());
        CHECK(f.updates() == std::vector<std::string>{body_until(end_of_hour)});
    }
}

TEST_CASE("a lost response is asked for again with the same version and end, never others") {
    fixture f;
    f.look(4).lose().lose().respond(5, end_of_hour, "fresh");
    CHECK(f.rotate().has_value());
    CHECK(f.updates() == std::vector<std::string>(3, body_until(end_of_hour)));
    // The first may come late, and would shorten a grace that was prolonged: it is watched.
    REQUIRE(f.log.list().value().size() == 1);
    CHECK(f.log.list().value()[0].state == intent_state::settled);
}

TEST_CASE("a response without a secret says that it is lost, and until when the old one works") {
    fixture f;
    f.look(4).lose().respond(5, end_of_hour).respond(5, end_of_hour);
    auto const failed = f.rotate().error();
    CHECK(failed == errc::rotation_lost);
    CHECK(failed.delivery() == delivery::accepted);
    CHECK(failed.to_string().find(end_of_hour) != std::string::npos);
    CHECK(failed.to_string().find("replace_lost") != std::string::npos);
    CHECK(f.held_secret() == "old");
    REQUIRE(f.log.list().value().size() == 1);
    CHECK(f.log.list().value()[0].state == intent_state::lost);
}

TEST_CASE("a response without a secret is a success where the sink holds that version by now") {
    fixture f;
    f.look(4).lose().respond(5, end_of_hour).respond(5, end_of_hour);
    auto const store = [&](trace_event const&) {
        if (f.updates().size() == 2) f.hold(5, "of another"); // by a process taken for dead
    };
    auto rotator = f.rotator(access::rotation_options(), store);
    CHECK(rotator.rotate("key", 1h).get()->token.client_secret_version == 5);
    CHECK(f.held_secret() == "of another");
}

TEST_CASE(
    "who finds its secret stored by another holds a server that shows no end to both graces") {
    for (auto const promised : {1h, 5h}) {
        fixture f;
        f.look(4).lose().respond(5).respond(5).respond(5);
        auto const store = [&](trace_event const&) {
            if (f.updates().size() != 2 || f.held_secret() != "old") return;
            f.hold(5, "of another"); // by a process that has taken over the lease
            auto lease = f.log.list().value().at(0);
            lease.writer = "another";
            lease.until = now.plus(promised);
            f.log.update(lease).value();
        };
        auto rotator = f.rotator(access::rotation_options(), store);
        auto const until = (std::max)(now.plus(promised), timestamp::parse(end_of_hour).value());
        CHECK(rotator.rotate("key", 1h).get()->previous_valid_until == until);
        REQUIRE(f.updates().size() == 3);
        CHECK(f.updates().back() == body_until(until.to_string()));
    }
}

TEST_CASE("a revocation does not revive a grace of the past by a response that is out of date") {
    fixture f;
    f.remember(4, now.plus(100h));          // of the grace that is revoked
    f.look(4).respond(5).respond(4);        // raised, and looked for
    f.respond(6).respond(4).respond(4, ""); // rotated, and looked for; the end of the grace
    CHECK(f.rotator().revoke_and_rotate("key").get().error() == errc::rotation_lost);
    CHECK(f.updates().size() == 1);
    for (auto const& i : f.log.list().value())
        if (i.version != 4) CHECK(i.until < now);
}

TEST_CASE("the end of the grace is not mended by a response that is out of date") {
    fixture f;
    f.look(4).lose().respond(5).respond(4); // as it was before
    auto const lost = f.rotate().error();
    CHECK(lost == errc::rotation_lost);
    CHECK(lost.to_string().find(end_of_hour) != std::string::npos);
    CHECK(f.updates().size() == 2);
}

TEST_CASE("a version above the one held is a lost secret: nothing is sent, and it stays named") {
    fixture f;
    f.look(5, "2026-11-24T05:00:00Z");
    auto const failed = f.rotate().error();
    CHECK(failed == errc::rotation_lost);
    CHECK(failed.to_string().find("2026-11-24T05:00:00Z") != std::string::npos);
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
}

TEST_CASE("a version below the one held is an out-of-date response: nothing is done") {
    fixture f;
    f.look(3);
    CHECK(f.rotate().error() == errc::conflict);
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a running grace is respected") {
    fixture f;
    f.look(4, "2026-11-24T00:00:01Z");
    auto const refused = f.rotate().error();
    CHECK(refused == errc::grace_running);
    CHECK(refused.delivery() == delivery::not_sent);
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().empty());
    f.look(4, "2026-11-24T00:00:00Z").respond(5, end_of_hour, "fresh"); // has just ended
    CHECK(f.rotate().has_value());
}

TEST_CASE("where the end of a grace is not shown the age of the secret held tells of it") {
    timestamp stored = now.plus(-1h + 1s);
    fixture f;
    f.sink.forget(id).value();
    f.sink.stored_at = [&] { return stored; };
    f.hold(4);
    f.look(4);
    CHECK(f.rotate().error() == errc::grace_running);
    stored = now.plus(-1h);
    f.sink.forget(id).value();
    f.hold(4);
    f.look(4).respond(5, end_of_hour, "fresh");
    CHECK(f.rotate().has_value());
}

TEST_CASE("a grace below the least is refused, and options that contradict each other") {
    fixture f;
    auto const refused = f.rotate(299s).error();
    CHECK(refused == errc::invalid_argument);
    CHECK(refused.to_string().find("grace: must be at least 300 s") != std::string::npos);
    auto const with = [&](access::rotation_options options) {
        return f.rotator(std::move(options)).rotate("key", 1h).get();
    };
    CHECK(with(access::rotation_options().deadline(0ms)).error() == errc::invalid_argument);
    CHECK(with(access::rotation_options().min_age(600s)).error() == errc::invalid_argument);
    CHECK(with(access::rotation_options().min_grace(0s)).error() == errc::invalid_argument);
    CHECK(f.rotator().rotate("another", 1h).get().error() == errc::invalid_argument);
    CHECK(f.rotator().rotate("key", std::string(36, '0'), 1h).get().error() == errc::sink_failed);
    CHECK(f.transport.requests().empty());
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a token that the sink does not hold yet is rotated by its id") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "fresh");
    f.sink.forget(id).value();
    CHECK(f.rotator().rotate("new key", id, 1h).get().has_value());
    CHECK(f.sink.find("new key").value()->version == 5);
    CHECK(f.sink.find("new key").value()->tag.empty());
}

TEST_CASE("an end of the grace before the promise is mended before anything else") {
    fixture f;
    f.look(4).respond(5, "2026-11-24T00:00:00Z", "fresh").respond(5, end_of_hour);
    std::size_t sent_at_store = 0;
    f.sink.at_store = [&] { sent_at_store = f.transport.requests().size(); };
    CHECK(f.rotate()->previous_valid_until == timestamp::parse(end_of_hour).value());
    CHECK(sent_at_store == 4);
    CHECK(f.updates()[1] == body_until(end_of_hour));
}

TEST_CASE("a server that does not grant the grace is told of truly") {
    fixture f;
    f.look(4).respond(5, "2026-11-24T00:20:00Z", "fresh");
    for (int i = 0; i != 4; ++i)
        f.respond(5, "2026-11-24T00:20:00Z");
    auto const done = f.rotate().value();
    CHECK(done.previous_valid_until == timestamp::parse("2026-11-24T00:20:00Z").value());
    CHECK(f.held_secret() == "fresh");
    CHECK(f.log.list().value().at(0).state == intent_state::settled); // renewal mends it
}

TEST_CASE("a store that takes long does not use up the grace") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "fresh").respond(5, "2026-11-24T01:20:00Z");
    f.sink.at_store = [&] { f.transport.advance(20min); };
    auto const done = f.rotate().value();
    CHECK(f.updates()[1] == body_until("2026-11-24T01:20:00Z"));
    CHECK(done.previous_valid_until == timestamp::parse("2026-11-24T01:20:00Z").value());
}

TEST_CASE("a process that was stopped past its deadline sends nothing") {
    fixture f;
    f.look(4);
    f.sink.at_prepare = [&] { f.transport.advance(20min); };
    auto const done = f.rotate();
    REQUIRE(done.has_error());
    CHECK(done.error() == errc::deadline_exceeded);
    CHECK(done.error().delivery() == delivery::not_sent);
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().empty());
}

TEST_CASE("where no version is shown a loss stays one though its grace was prolonged") {
    fixture f;
    f.hold(0);
    f.leave_lease(intent_state::lost, now, timestamp::parse(end_of_hour).value());
    f.look(0, "2026-11-25T00:00:00Z").respond(0, end_of_hour, "fresh");
    CHECK(f.rotator().replace_lost("key", 1h).get().has_value());
    CHECK(f.held_secret() == "fresh");
}

TEST_CASE("a sink that cannot take a secret is found before anything is sent") {
    fixture f;
    f.look(4);
    f.sink.is_full = true;
    auto const failed = f.rotate().error();
    CHECK(failed == errc::sink_failed);
    CHECK_FALSE(failed.may_have_acted());
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a store that fails is tried again; what it kept is found") {
    for (bool const keeps : {false, true}) {
        fixture f;
        f.look(4, over).respond(5, end_of_hour, "fresh");
        f.sink.failing_stores = keeps ? 9 : 2;
        f.sink.keeps = keeps;
        CHECK(f.rotate().has_value());
        CHECK(f.held_secret() == "fresh");
        CHECK(f.log.list().value().empty());
    }
}

TEST_CASE("a secret that the sink does not take is lost, and the old one works on") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "fresh");
    f.sink.failing_stores = 9;
    auto const failed = f.rotate().error();
    CHECK(failed == errc::sink_failed);
    CHECK(failed.delivery() == delivery::accepted);
    CHECK(failed.to_string().find("disk full") != std::string::npos);
    CHECK(failed.to_string().find("fresh") == std::string::npos);
    CHECK(failed.to_string().find(end_of_hour) != std::string::npos);
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
}

TEST_CASE("an older secret never replaces a newer one") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "late");
    f.sink.at_store = [&] { f.hold(6, "newer"); };
    CHECK(f.rotate().has_value()); // the key has a secret that works
    CHECK(f.held_secret() == "newer");
}

TEST_CASE("a secret is verified once it is stored") {
    for (bool const works : {true, false}) {
        fixture f;
        f.look(4, over).respond(5, end_of_hour, "fresh");
        std::string tried;
        auto const verify = [&](access::issued_service_token const& token) -> result<void> {
            tried = token.client_secret.reveal();
            CHECK(f.held_secret() == tried);
            if (works) return {};
            return error(errc::unauthorized, "login refused");
        };
        auto const done =
            f.rotator(access::rotation_options().verify(verify)).rotate("key", 1h).get();
        CHECK(tried == "fresh");
        CHECK(done.has_value() == works);
        CHECK(f.log.list().value().empty());
        if (works) continue;
        CHECK(done.error() == errc::unauthorized);
        CHECK(done.error().delivery() == delivery::accepted);
        CHECK(done.error().to_string().find("the one before works until " + end_of_hour) !=
              std::string::npos);
    }
}

TEST_CASE("one rotation of a token at a time: the other's end is awaited") {
    fixture f;
    f.leave_lease(intent_state::open, now);
    f.respond(4);
    auto const refused = f.rotate().error();
    CHECK(refused == errc::conflict);
    CHECK(refused.delivery() == delivery::not_sent);
    CHECK(refused.to_string().find(std::string(32, '1')) != std::string::npos);
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().size() == 1);
    auto waited = 0s;
    for (auto const span : f.transport.waits())
        waited += std::chrono::duration_cast<std::chrono::seconds>(span);
    CHECK(waited > 500s);
}

TEST_CASE("the lease of a process that died is taken over") {
    fixture f;
    f.leave_lease(intent_state::open, now.plus(-16min), now.plus(44min));
    f.look(4).respond(5, end_of_hour, "fresh");
    CHECK(f.rotate().has_value());
    CHECK(f.held_secret() == "fresh");
    // What the dead one has sent may come late and shorten the grace: that is watched.
    REQUIRE(f.log.list().value().size() == 1);
    CHECK(f.log.list().value()[0].state == intent_state::settled);
    CHECK(f.log.list().value()[0].until == timestamp::parse(end_of_hour).value());
}

TEST_CASE("a grace that a dead process has shortened before the store is mended at once") {
    fixture f;
    f.leave_lease(intent_state::open, now.plus(-16min), now.plus(44min));
    f.look(4).respond(5, end_of_hour, "fresh");
    f.respond(5, "2026-11-24T00:44:00Z").respond(5, end_of_hour);
    CHECK(f.rotate()->previous_valid_until == timestamp::parse(end_of_hour).value());
    REQUIRE(f.updates().size() == 2);
    CHECK(f.updates()[1].find(end_of_hour) != std::string::npos);
}

TEST_CASE("the version goes above what a dead process may have sent, where that would revoke") {
    struct {
        bool revokes;
        timestamp until;
        int version;
    } const cases[] = {{true, now.plus(44min), 6}, // which would have it accepted again
                       {true, timestamp(), 5},     // nothing was planned
                       {false, now.plus(44min), 5},
                       {false, now.plus(1s), 5},
                       {false, now, 6}}; // a revocation, or a grace that is over
    for (auto const& c : cases) {
        CAPTURE(c.revokes);
        fixture f;
        f.leave_lease(intent_state::open, now.plus(-16min), c.until);
        f.look(4).respond(c.version, c.revokes ? "2026-11-23T23:59:59Z" : end_of_hour, "fresh");
        f.respond(c.version, c.revokes ? "2026-11-23T23:59:59Z" : end_of_hour);
        auto rotator = f.rotator();
        auto done = c.revokes ? rotator.revoke_and_rotate("key") : rotator.rotate("key", 1h);
        CHECK(done.get().has_value());
        REQUIRE(f.updates().size() == 1);
        auto const version = "\"client_secret_version\":" + std::to_string(c.version);
        CHECK(f.updates()[0].find(version) != std::string::npos);
    }
}

TEST_CASE("a request that is certain to have done nothing leaves nothing") {
    fixture f;
    f.look(4);
    f.transport.respond(403, R"({"success":false,"errors":[{"code":10000,"message":"no"}]})");
    auto const failed = f.rotate().error();
    CHECK(failed == errc::forbidden);
    CHECK_FALSE(failed.may_have_acted());
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a refusal after a lost response does not say that nothing was done") {
    fixture f;
    f.look(4).lose();
    f.transport.respond(400, R"({"success":false,"errors":[{"code":12130,"message":"no"}]})");
    for (int i = 0; i != 40; ++i)
        f.respond(4);
    auto const failed = f.rotate().error();
    CHECK(failed.may_have_acted());
    CHECK(failed.to_string().find("may have been rotated") != std::string::npos);
    CHECK(f.log.list().value().at(0).state == intent_state::open);
}

TEST_CASE("a cancelled rotation ends at once, and says that it may have acted") {
    fixture f;
    f.look(4);
    f.transport.fail(errc::cancelled, delivery::unknown);
    for (int i = 0; i != 40; ++i)
        f.transport.fail(errc::cancelled, delivery::not_sent);
    auto const failed = f.rotate().error();
    CHECK(failed == errc::cancelled);
    CHECK(failed.may_have_acted());
    CHECK(f.updates().size() == 1);
    CHECK(f.transport.waits().empty());
}

TEST_CASE("revoke_and_rotate ends all secrets before, also one in its grace, and holds the server "
          "to it") {
    fixture f;
    f.look(4, "2026-11-24T05:00:00Z")
        .respond(5, "2026-11-24T05:00:00Z", "fresh")
        .respond(5, "2026-11-23T23:59:59Z");
    auto const done = f.rotator().revoke_and_rotate("key").get().value();
    CHECK(done.previous_valid_until <= now);
    CHECK(f.held_secret() == "fresh");
    CHECK(f.updates()[0] == body_until("2026-11-23T23:59:59Z"));
    CHECK(f.updates()[1] == body_until("2026-11-23T23:59:59Z"));
}

TEST_CASE("a revocation tells where it is not certain that the secrets before are refused") {
    fixture f;
    f.look(4).respond(5, "2026-11-24T05:00:00Z", "fresh");
    for (int n = 0; n != 3; ++n)
        f.transport.respond(refusal(400));
    auto const failed = f.rotator().revoke_and_rotate("key").get().error();
    CHECK(failed == errc::bad_request);
    CHECK(f.updates().size() == 4);
    CHECK(failed.delivery() == delivery::accepted);
    CHECK(failed.details().explanation.find("end_grace") != std::string::npos);
    CHECK(f.held_secret() == "fresh");
    CHECK(f.log.list().value().empty());
}

TEST_CASE("replace_lost makes another secret, where one is lost") {
    fixture f;
    f.look(4);
    CHECK(f.rotator().replace_lost("key", 1h).get().error() == errc::conflict);
    CHECK(f.updates().empty());
    f.look(5, "2026-11-24T05:00:00Z").respond(6, end_of_hour, "fresh");
    CHECK(f.rotator().replace_lost("key", 1h).get().has_value());
    CHECK(f.held_secret() == "fresh");
    CHECK(f.log.list().value().empty());
}

TEST_CASE("where an update shows no secret, what is lost is replaced by /rotate") {
    fixture f;
    f.look(5).respond(6, end_of_hour).respond(6).respond(7, end_of_hour, "fresh");
    CHECK(f.rotator().replace_lost("key", 1h).get().has_value());
    CHECK(f.held_secret() == "fresh");
    CHECK(f.transport.requests().back().target.ends_with("/rotate"));
}

TEST_CASE("what is promised is of the version that the server shows, where /rotate keeps it") {
    fixture f;
    f.look(5).respond(6).respond(6).respond(6, "", "fresh");
    CHECK(f.rotator().replace_lost("key", 1h).get().has_value());
    CHECK(f.sink.find("key").value()->version == 6);
    REQUIRE(f.log.list().value().size() == 1);
    CHECK(f.log.list().value()[0].version == 6);
}

TEST_CASE(
    "a second rotation whose secret is not shown is no success because of the one before it") {
    fixture f;
    f.look(4).respond(5, "2026-11-23T23:59:59Z").respond(5); // somebody else was first
    f.lose().respond(6).respond(6);                          // /rotate, and the looks after it
    f.respond(6, "2026-11-23T23:59:59Z");
    auto const store = [&](trace_event const&) {
        if (f.updates().size() == 1) f.hold(5, "somebody else's");
    };
    auto rotator = f.rotator(access::rotation_options(), store);
    auto const failed = rotator.revoke_and_rotate("key").get();
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error() == errc::rotation_lost);
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
}

TEST_CASE("a /rotate that may act late is no success because others have raised the version") {
    fixture f;
    f.look(4).respond(5).respond(6).lose(); // others have made the sixth; then /rotate
    for (int n = 0; n != 100; ++n)
        f.respond(6);
    auto const store = [&](trace_event const&) {
        if (f.updates().size() == 1) f.hold(6, "somebody else's");
    };
    auto rotator = f.rotator(access::rotation_options(), store);
    auto const unknown = rotator.revoke_and_rotate("key").get();
    REQUIRE(unknown.has_error());
    CHECK(unknown.error().delivery() == delivery::unknown);
    CHECK(f.log.list().value().at(0).state == intent_state::open);
}

TEST_CASE("the end of a grace that cannot be read is not taken for the one that was wanted") {
    fixture f;
    f.look(4).respond(5); // the version was there already, and no secret is shown
    f.transport.respond(http::response{.status = 400});
    f.respond(5, "2026-11-24T00:30:00Z").respond(5, end_of_hour); // where it is mended
    auto const failed = f.rotate().error();
    CHECK(failed == errc::rotation_lost);
    CHECK(failed.to_string().find(end_of_hour) != std::string::npos);
    REQUIRE(f.updates().size() == 3);
    CHECK(f.updates()[1] == f.updates()[2]);
}

TEST_CASE("where no version is shown /rotate is sent once, and looked after") {
    fixture f;
    f.hold(0);
    f.look(0).lose().respond(0).respond(0, end_of_hour).respond(0, end_of_hour);
    auto const failed = f.rotate().error();
    CHECK(failed == errc::rotation_lost);
    CHECK(f.transport.requests()[2].target.ends_with("/rotate"));
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
    // Another process finds it by what was written down.
    f.look(0, end_of_hour);
    CHECK(f.rotate().error() == errc::rotation_lost);
    f.look(0, end_of_hour).respond(0, "2026-11-24T01:10:00Z", "fresh");
    CHECK(f.rotator().replace_lost("key", 1h).get().has_value());
    CHECK(f.held_secret() == "fresh");
}

TEST_CASE("where no version is shown a rotation whose outcome nobody knows is not followed by "
          "another for a day") {
    fixture f;
    f.hold(0);
    f.leave_lease(intent_state::open, now.plus(-23h), now.plus(1h));
    f.look(0);
    auto const refused = f.rotate().error();
    CHECK(refused == errc::conflict);
    CHECK(refused.to_string().find("may still act") != std::string::npos);
    CHECK(f.transport.requests().size() == 2);
}

TEST_CASE("a lease that was taken over for nothing is given back as it was") {
    SUBCASE("one whose request may still act blocks the next rotation, too") {
        fixture f;
        f.hold(0);
        auto const left = f.leave_lease(intent_state::open, now.plus(-23h), now.plus(1h));
        for (int i = 0; i != 2; ++i) {
            f.look(0);
            CHECK(f.rotate().error() == errc::conflict);
            CHECK(f.log.list().value().at(0).opened_at == left.opened_at);
            CHECK(f.log.list().value().at(0).until == left.until);
            CHECK(f.log.list().value().at(0).state == intent_state::open);
        }
    }
    SUBCASE("one of a lost secret stays one") {
        fixture f;
        f.hold(0);
        f.leave_lease(intent_state::lost, now.plus(-1h), now.plus(1h));
        f.respond(0);
        f.transport.respond(400, R"({"success":false,"errors":[{"code":12130,"message":"no"}]})");
        CHECK(f.rotate().error() == errc::bad_request);
        CHECK(f.log.list().value().at(0).state == intent_state::lost);
    }
}

TEST_CASE("a grace is moved or ended by an update of its end alone, by the server's clock") {
    fixture f;
    f.wall = now.plus(25h);
    f.respond(5).respond(5).respond(5).respond(5).respond(5);
    auto rotator = f.rotator();
    CHECK(rotator.extend_grace(id, 48h).get().value() == now.plus(48h));
    CHECK(rotator.end_grace(id).get().has_value());
    // With the version as it is, which is refused once there is a later secret.
    CHECK(f.updates() == std::vector<std::string>{body_until("2026-11-26T00:00:00Z"),
                                                  body_until("2026-11-23T23:59:59Z")});
}

TEST_CASE("a change of a grace's end is sent again after a fault, because it rotates nothing") {
    fixture f;
    f.look(5).lose().respond(5);
    CHECK(f.rotator().end_grace(id, 5).get().has_value());
    REQUIRE(f.updates().size() == 2);
    CHECK(f.updates()[0] == f.updates()[1]);
}

TEST_CASE("no grace is extended while the token is being rotated") {
    fixture f;
    f.respond(5);
    f.leave_lease(intent_state::open, now);
    CHECK(f.rotator().extend_grace(id, 1h).get().error() == errc::conflict);
    CHECK(f.updates().empty());
}

TEST_CASE("an extended grace that the server does not show is remembered, and no earlier end") {
    fixture f;
    f.leave_lease(intent_state::settled, now, now.plus(100h));
    f.look(5).respond(5);
    CHECK(f.rotator().extend_grace(id, 5h).get().value() == now.plus(5h));
    auto const kept = f.log.list().value();
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].state == intent_state::settled);
    CHECK(kept[0].version == 5);
    CHECK(kept[0].until == now.plus(5h));
    f.hold(5);
    f.look(5);
    CHECK(f.rotate().error() == errc::grace_running);
}

TEST_CASE("an extended grace is remembered where a late request of the rotation may shorten it") {
    fixture f;
    f.leave_lease(intent_state::settled, now, now.plus(4h));
    f.look(5, "2026-11-24T04:00:00Z").respond(5, "2026-11-24T05:00:00Z");
    CHECK(f.rotator().extend_grace(id, 5h).get().has_value());
    auto const kept = f.log.list().value();
    REQUIRE(kept.size() == 2);
    CHECK(kept[1].state == intent_state::settled);
    CHECK(kept[1].version == 5);
    CHECK(kept[1].until == now.plus(5h));
}

TEST_CASE("a longer grace leaves the earlier promise in the log, for this process may die") {
    fixture f;
    auto const memory = f.leave_lease(intent_state::settled, now, now.plus(4h));
    f.look(5).respond(5);
    CHECK(f.rotator().extend_grace(id, 5h).get().has_value());
    auto const kept = f.log.list().value();
    REQUIRE(kept.size() == 2);
    CHECK(kept[0] == memory);
}

TEST_CASE("a shorter grace is in the lease before the longer promise is erased") {
    fixture f;
    f.leave_lease(intent_state::settled, now, now.plus(100h));
    f.look(5).respond(5);
    std::vector<access::intent> meanwhile;
    f.log.at_erase = [&] { meanwhile = f.log.list().value(); };
    CHECK(f.rotator().extend_grace(id, 5h).get().has_value());
    REQUIRE(meanwhile.size() == 2);
    CHECK(meanwhile[1].until == now.plus(5h));
    CHECK(meanwhile[1].version == 5);
}

TEST_CASE("the end of a grace that failed leaves what was promised") {
    fixture f;
    f.hold(5);
    f.leave_lease(intent_state::settled, now, now.plus(100h));
    f.look(5);
    f.transport.respond(refusal(400));
    CHECK(f.rotator().end_grace(id).get().error() == errc::bad_request);
    auto const kept = f.log.list().value();
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].state == intent_state::settled);
    CHECK(kept[0].until == now.plus(100h));
    CHECK(kept[0].version == 5);
}

TEST_CASE("the end of a grace that failed leaves what was promised beside another's plan") {
    fixture f;
    f.hold(5);
    f.remember(5, now.plus(100h));
    auto plan = f.leave_lease(intent_state::open, now.plus(-1h), now.plus(-1h));
    plan.version = 6; // of a revocation that may act yet
    f.log.update(plan).value();
    f.look(5);
    f.transport.respond(refusal(400));
    CHECK(f.rotator().end_grace(id).get().error() == errc::bad_request);
    auto const kept = f.log.list().value();
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].version == 6);
    CHECK(kept[1].state == intent_state::settled);
    CHECK(kept[1].until == now.plus(100h));
    CHECK(kept[1].version == 5);
}

TEST_CASE("the end of a grace that failed makes no promise of what another has planned") {
    fixture f; // a server that shows no version
    auto const plan = f.leave_lease(intent_state::open, now.plus(-1h), now.plus(100h));
    f.look(0);
    f.transport.respond(refusal(400));
    CHECK(f.rotator().end_grace(id).get().error() == errc::bad_request);
    REQUIRE(f.log.list().value().size() == 1);
    CHECK(f.log.list().value()[0].until == plan.until);
    CHECK(f.log.list().value()[0].state == intent_state::open);
}

TEST_CASE("until a grace is ended the lease keeps what was promised, for whoever takes it over") {
    fixture f;
    f.hold(5);
    f.leave_lease(intent_state::settled, now, now.plus(100h));
    f.look(5).respond(5);
    std::vector<access::intent> meanwhile;
    auto const note = [&](trace_event const&) {
        if (f.updates().size() == 1) meanwhile = f.log.list().value();
    };
    CHECK(f.rotator(access::rotation_options(), note).end_grace(id).get().has_value());
    REQUIRE(meanwhile.size() == 1);
    CHECK(meanwhile[0].state == intent_state::open);
    CHECK(meanwhile[0].until == now.plus(100h));
    CHECK(meanwhile[0].version == 5);
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a lease that was taken over before anything was planned by it is as good as a new one") {
    fixture f;
    f.hold(5);
    auto memory = f.leave_lease(intent_state::settled, now, now.plus(100h));
    auto left = memory;
    left.tag = std::string(32, '2');
    left.state = intent_state::open;
    left.opened_at = now.plus(-1h);
    left.until = timestamp();
    left.version = 0;
    f.log.insert(left).value();
    f.look(5).respond(5);
    timestamp promised;
    auto const note = [&](trace_event const&) {
        if (f.updates().size() == 1) promised = f.log.list().value().at(0).until;
    };
    CHECK(f.rotator(access::rotation_options(), note).end_grace(id).get().has_value());
    CHECK(promised == now.plus(100h));
    CHECK(f.log.list().value().empty());
}

TEST_CASE("a process that was stopped past its deadline changes no grace") {
    fixture f;
    f.look(5, end_of_hour);
    auto const stop = [&](trace_event const&) { f.transport.advance(20min); };
    auto rotator = f.rotator(access::rotation_options(), stop);
    CHECK(rotator.extend_grace(id, 5h).get().error() == errc::deadline_exceeded);
    CHECK(f.updates().empty());
}

TEST_CASE("a change of a grace's end forgets no promise of a later rotation") {
    fixture f;
    auto later = f.leave_lease(intent_state::settled, now, now.plus(100h));
    later.version = 6; // made while this process was stopped
    f.log.update(later).value();
    f.look(5, end_of_hour).respond(5).look(5, end_of_hour).respond(5);
    CHECK(f.rotator().extend_grace(id, 5h).get().has_value());
    CHECK(f.rotator().end_grace(id).get().has_value());
    CHECK(f.log.list().value().at(0).version == 6);
}

TEST_CASE("who takes over a lease again goes by the grace that was extended since") {
    fixture f;
    f.leave_lease(intent_state::open, now.plus(-1h), now.plus(100h));
    f.look(5).respond(5);
    CHECK(f.rotator().extend_grace(id, 200h).get().has_value());
    CHECK(f.log.list().value().at(0).state == intent_state::open);
    CHECK(f.log.list().value().at(0).until == now.plus(200h));
}

TEST_CASE("while a lost token's lease is held, the log still tells of the loss") {
    fixture f;
    f.hold(0);
    auto lost = f.leave_lease(intent_state::lost, now.plus(-1h), now.plus(1h));
    lost.version = 0; // as a server without versions leaves it
    f.log.update(lost).value();
    f.look(0, "2026-11-24T01:00:00Z").respond(0, "2026-11-24T02:00:00Z");
    access::intent meanwhile = lost;
    auto const note = [&](trace_event const&) {
        if (f.updates().size() == 1) meanwhile = f.log.list().value().at(0);
    };
    CHECK(f.rotator(access::rotation_options(), note).keep_alive("key", 2h).get().has_value());
    CHECK(meanwhile.state == intent_state::open);
    CHECK(access::detail::tells_of_loss(meanwhile));
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
}

TEST_CASE("a change of a grace leaves what a rotation may still send as it was planned") {
    fixture f;
    f.leave_lease(intent_state::open, now.plus(-16min), now.plus(44min)); // of version 5
    f.respond(4, end_of_hour).respond(4, end_of_hour).respond(4, "2026-11-23T23:59:59Z");
    CHECK(f.rotator().end_grace(id).get().has_value());
    auto const left = f.log.list().value().at(0);
    CHECK(left.version == 5);
    CHECK(left.until == now.plus(44min));
}

TEST_CASE("an extension beside a rotation that may yet act is remembered apart from its plan") {
    fixture f;
    f.leave_lease(intent_state::open, now.plus(-16min), now.plus(44min)); // of version 5
    f.respond(4).respond(4).respond(4, "2026-11-24T05:00:00Z");
    CHECK(f.rotator().extend_grace(id, 5h).get().value() == now.plus(5h));
    auto const all = f.log.list().value();
    REQUIRE(all.size() == 2);
    for (auto const& i : all) {
        bool const is_plan = i.state == intent_state::open;
        CHECK(i.version == (is_plan ? 5 : 4));
        CHECK(i.until == (is_plan ? now.plus(44min) : now.plus(5h)));
    }
}

TEST_CASE("keep_alive extends the grace of a lost token, and of no other") {
    fixture lost;
    lost.look(5, "2026-11-24T00:30:00Z").respond(5, "2026-11-24T02:00:00Z");
    CHECK(lost.rotator().keep_alive("key", 2h).get().value() == now.plus(2h));
    CHECK(lost.updates() == std::vector<std::string>{body_until("2026-11-24T02:00:00Z")});
    CHECK(lost.log.list().value().empty());

    fixture stored; // meanwhile, by a process that was slow, perhaps to revoke the one before
    stored.look(5, "2026-11-24T00:30:00Z");
    auto const store = [&](trace_event const&) { stored.hold(5); };
    auto rotator = stored.rotator(access::rotation_options(), store);
    CHECK(rotator.keep_alive("key", 2h).get().error() == errc::conflict);
    CHECK(stored.updates().empty());
    CHECK(stored.log.list().value().empty());
}

TEST_CASE(
    "where no version is shown the end of a grace tells of a loss: it is noted before the end "
    "is moved") {
    fixture f;
    f.hold(0);
    f.leave_lease(intent_state::open, now.plus(-1h), timestamp::parse(end_of_hour).value());
    f.look(0, end_of_hour).respond(0, "2026-11-24T02:00:00Z");
    std::int64_t noted = 0;
    auto const note = [&](trace_event const&) {
        if (f.updates().size() == 1) noted = f.log.list().value().at(0).version;
    };
    CHECK(f.rotator(access::rotation_options(), note).keep_alive("key", 2h).get().has_value());
    CHECK(noted == access::detail::lost_before);
    CHECK(f.log.list().value().at(0).state == intent_state::lost);
    f.look(0, "2026-11-24T02:00:00Z");
    CHECK(f.rotate().error() == errc::rotation_lost);
}

TEST_CASE("where no version is shown a replacement whose outcome nobody knows hides no loss") {
    fixture f;
    f.hold(0);
    f.leave_lease(intent_state::lost, now.plus(-1h), now.plus(1h));
    f.look(0, "2026-11-24T01:00:00Z").lose();
    for (int n = 0; n != 70; ++n)
        f.respond(0, "2026-11-24T01:00:00Z");
    CHECK(f.rotator().replace_lost("key", 1h).get().error().delivery() == delivery::unknown);
    auto left = f.log.list().value().at(0);
    CHECK(left.state == intent_state::open);
    CHECK(left.version == access::detail::lost_before);
    left.opened_at = now.plus(-25h); // it will not act any more
    CHECK(f.log.update(left).has_value());
    fixture later;
    later.hold(0);
    CHECK(later.log.insert(left).has_value());
    later.look(0, "2026-11-24T01:00:00Z");
    CHECK(later.rotate().error() == errc::rotation_lost);
}

TEST_CASE("a promise that only the lease of a stopped process tells is kept") {
    fixture f;
    f.hold(5);
    f.leave_lease(intent_state::open, now.plus(-1h), now.plus(100h));
    f.look(5);
    auto const refused = f.rotate().error();
    CHECK(refused == errc::grace_running);
    CHECK(refused.to_string().find(now.plus(100h).to_string()) != std::string::npos);
}

TEST_CASE("a revocation's plan does not hide what only the lease before it promises") {
    for (std::string const shown : {"", "2026-11-28T04:00:00Z"}) {
        fixture f;
        f.hold(5);
        auto const promise = f.leave_lease(intent_state::open, now.plus(-1h), now.plus(100h));
        f.look(5, shown).respond(6, "2026-11-23T23:59:59Z", "fresh");
        std::vector<access::intent> planned;
        f.sink.at_store = [&] { planned = f.log.list().value(); };
        CHECK(f.rotator().revoke_and_rotate("key").get().has_value());
        REQUIRE(planned.size() == (shown.empty() ? 2U : 1U));
        CHECK(planned[0].version == 6);
        if (!shown.empty()) continue;
        CHECK(planned[1].state == intent_state::settled);
        CHECK(planned[1].version == 5);
        CHECK(planned[1].until == promise.until);
    }
}

TEST_CASE("what the log remembers of another secret's grace does not hold up a rotation") {
    fixture above; // e.g. of a server that was set up anew
    auto memory = above.leave_lease(intent_state::settled, now, now.plus(100h)); // of version 5
    above.look(4).respond(5, end_of_hour, "fresh");
    CHECK(above.rotate().has_value());
    CHECK(above.log.list().value().size() == 2);

    fixture below; // a revocation has ended what it promised
    memory.version = 3;
    below.log.insert(memory).value();
    below.look(4, over).respond(5, end_of_hour, "fresh");
    CHECK(below.rotate().has_value());
    CHECK(below.log.list().value().empty());
}

TEST_CASE("a promise outlives the lease that was taken away meanwhile") {
    fixture f;
    f.look(4).respond(5, end_of_hour, "fresh");
    f.sink.at_store = [&] { f.log.erase(f.log.list().value().at(0)).value(); };
    CHECK(f.rotate().has_value());
    auto const kept = f.log.list().value();
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].state == intent_state::settled);
    CHECK(kept[0].until == timestamp::parse(end_of_hour).value());
}

TEST_CASE("a revocation whose lease was taken over is not certain") {
    fixture f;
    f.look(4).respond(5, "2026-11-23T23:59:59Z", "fresh");
    f.sink.at_store = [&] {
        auto taken = f.log.list().value().at(0);
        taken.writer = "another";
        f.log.update(taken).value();
    };
    auto const done = f.rotator().revoke_and_rotate("key").get();
    REQUIRE(done.has_error());
    CHECK(done.error().delivery() == delivery::accepted);
    CHECK(f.held_secret() == "fresh");
}

TEST_CASE("a grace that the server gave short is mended even if faults last for minutes") {
    fixture f;
    f.look(4).respond(5, "2026-11-24T00:20:00Z", "fresh");
    for (int n = 0; n != 60; ++n)
        f.transport.respond(refusal(503));
    f.respond(5, end_of_hour);
    CHECK(f.rotate()->previous_valid_until == timestamp::parse(end_of_hour).value());
    CHECK(f.held_secret() == "fresh");
}

TEST_CASE("an ended grace is not mended again: its memory goes out of the log") {
    fixture f;
    f.leave_lease(intent_state::settled, now, now.plus(1h));
    f.respond(5).respond(5).respond(5);
    CHECK(f.rotator().end_grace(id).get().has_value());
    CHECK(f.log.list().value().empty());
}

TEST_CASE("no grace is ended while the token is being rotated, nor that of a later secret") {
    fixture f;
    f.respond(5);
    f.leave_lease(intent_state::open, now);
    auto const busy = f.rotator().end_grace(id, 5).get();
    CHECK(busy.error() == errc::conflict);
    CHECK(f.updates().empty());
    CHECK(f.log.list().value().at(0).state == intent_state::open);

    fixture later;
    later.respond(6).respond(6);
    CHECK(later.rotator().end_grace(id, 5).get().error() == errc::conflict);
    CHECK(later.updates().empty());
    CHECK(later.log.list().value().empty());

    fixture unknown; // a server that shows no version
    unknown.respond(0).respond(0).respond(0);
    CHECK(unknown.rotator().end_grace(id, 5).get().has_value());
    CHECK(unknown.updates() ==
          std::vector<std::string>{
              R"({"previous_client_secret_expires_at":"2026-11-23T23:59:59Z"})"});
}

TEST_CASE("the end of a grace that the server does not show is remembered in the log") {
    fixture f;
    f.look(4).respond(5, "2026-11-24T10:10:00Z", "fresh");
    CHECK(f.rotate(10h).has_value());
    auto const kept = f.log.list().value().at(0);
    CHECK(kept.state == intent_state::settled);
    CHECK(kept.until == timestamp::parse("2026-11-24T10:10:00Z").value());
    f.look(5);
    auto const early = f.rotate(1h).error();
    CHECK(early == errc::grace_running);
    CHECK(early.details().explanation.find("2026-11-24T10:10:00Z") != std::string::npos);
    CHECK(f.updates().size() == 1);
}

TEST_CASE("what the log remembers of a grace that is over goes with the next rotation") {
    fixture f;
    f.leave_lease(intent_state::settled, now.plus(-48h), now);
    f.look(4, over).respond(5, end_of_hour, "fresh");
    CHECK(f.rotate().has_value());
    CHECK(f.log.list().value().empty());
}

TEST_CASE(
    "a token that cannot be looked at is not rotated, and the error says that nothing was sent") {
    for (int const looks : {0, 1}) {
        fixture f;
        for (int n = 0; n != looks; ++n)
            f.respond(4, over);
        f.transport.respond(refusal(403));
        auto const failed = f.rotate().error();
        CHECK(failed == errc::forbidden);
        CHECK(failed.delivery() == delivery::not_sent);
        CHECK(failed.to_string().starts_with("get_service_token: "));
        CHECK(f.transport.requests().size() == static_cast<std::size_t>(looks + 1));
        CHECK(f.log.list().value().empty());

        fixture ending;
        ending.transport.respond(refusal(403));
        CHECK(ending.rotator().end_grace(id).get().error() == errc::forbidden);
        CHECK(ending.transport.requests().size() == 1);
    }
}

TEST_CASE("what a response to a rotation leaves out is taken from the look before it") {
    fixture f;
    f.look(4, over);
    http::response r{.status = 200};
    r.body = R"({"success":true,"errors":[],"messages":[],"result":{"id":")" + id +
             R"(","client_secret":"fresh","previous_client_secret_expires_at":")" + end_of_hour +
             R"("}})";
    static_cast<void>(r.fields.add("Content-Type", "application/json"));
    static_cast<void>(r.fields.add("Date", "Tue, 24 Nov 2026 00:00:00 GMT"));
    f.transport.respond(std::move(r));
    auto const done = f.rotate().value();
    CHECK(done.token.client_id == "c.access");
    CHECK(done.token.name == "ci");
    CHECK(done.token.client_secret_version == 5);
    CHECK(f.sink.find("key").value()->version == 5);
    CHECK(f.sink.find("key").value()->client_id == "c.access");

    fixture other; // and what it has is kept
    other.look(4, over);
    http::response named{.status = 200};
    named.body = R"({"success":true,"errors":[],"messages":[],"result":{"id":")" + id +
                 R"(","client_id":"d.access","name":"renamed","client_secret":"fresh",)"
                 R"("previous_client_secret_expires_at":")" +
                 end_of_hour + R"("}})";
    static_cast<void>(named.fields.add("Content-Type", "application/json"));
    static_cast<void>(named.fields.add("Date", "Tue, 24 Nov 2026 00:00:00 GMT"));
    other.transport.respond(std::move(named));
    auto const kept = other.rotate().value();
    CHECK(kept.token.client_id == "d.access");
    CHECK(kept.token.name == "renamed");
}

TEST_CASE("the first secret of a token is rotated however young it is") {
    fixture f;
    f.sink.forget(id).value();
    f.sink.stored_at = [] { return now; };
    f.hold(1);
    f.look(1).respond(2, end_of_hour, "fresh");
    CHECK(f.rotate().has_value());
    CHECK(f.updates().size() == 1);
}

TEST_CASE("an end that another rotation promised is given back after a late request of this one") {
    fixture f;
    f.leave_lease(intent_state::settled, now, now.plus(5h));
    f.look(4, over).lose().respond(5, end_of_hour).respond(5, end_of_hour).respond(5, over);
    CHECK(f.rotate().error() == errc::rotation_lost);
    REQUIRE(!f.updates().empty());
    CHECK(f.updates().back() == body_until("2026-11-24T05:00:00Z"));
}

TEST_CASE("errors of a rotation say what has happened, in whole sentences") {
    fixture lost;
    lost.look(5, "2026-11-24T05:00:00Z");
    auto const loss = lost.rotate().error();
    CHECK(loss.details().operation == "rotate");
    CHECK(loss.details().explanation ==
          "the new secret of " + id +
              " is lost; the one in use works until 2026-11-24T05:00:00Z: extend_grace prolongs "
              "that; replace_lost makes another secret, and the one in use dies at once");

    fixture full;
    full.look(4, over).respond(5, end_of_hour, "fresh");
    full.sink.failing_stores = 9;
    CHECK(full.rotate().error().details().explanation.starts_with("disk full; the new secret of "));

    fixture revoked;
    revoked.look(4).respond(5, "2026-11-24T05:00:00Z", "fresh");
    for (int n = 0; n != 3; ++n)
        revoked.transport.respond(refusal(400));
    auto const failed = revoked.rotator().revoke_and_rotate("key").get().error();
    CHECK(failed.details().operation == "rotate");
    CHECK(failed.details().explanation.find("the new secret of " + id + " is stored; ") !=
          std::string::npos);
}

TEST_CASE("a grace is not moved by a token that cannot be looked at, nor ended of a later secret") {
    fixture f;
    f.transport.respond(refusal(403));
    CHECK(f.rotator().extend_grace(id, 1h).get().error() == errc::forbidden);
    CHECK(f.transport.requests().size() == 1);

    fixture later;
    later.respond(6).respond(6);
    CHECK(later.rotator().end_grace(id, 5).get().error().details().explanation ==
          id + " has another secret than that which is said to be used");
}

TEST_CASE("an unknown outcome is told as one, and the lease stays with what was sent") {
    fixture f;
    f.look(4, over).lose();
    f.transport.respond(refusal(400));
    for (int n = 0; n != 40; ++n)
        f.respond(4, over);
    auto const failed = f.rotate().error();
    CHECK(failed.details().operation == "rotate");
    CHECK(failed.delivery() == delivery::unknown);
    CHECK(failed.details().explanation.find(
              id + " may have been rotated or may be yet: the secret in use works, within its "
                   "grace; the next rotation or renewal settles it") != std::string::npos);
    auto const lease = f.log.list().value().at(0);
    CHECK(lease.state == intent_state::open);
    CHECK(lease.until == timestamp::parse(end_of_hour).value());
}

} // namespace
} // namespace rotator_tests
