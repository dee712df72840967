// The steps of a rotation: each store that fails, each request that is refused, each wait; and the decisions by value.
#include <cloudflare/access/renewer.hpp>
#include <cloudflare/access/rotator.hpp>

#include "token_response.hpp"
#include "told_stores.hpp"

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rotation_flow_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace told_stores;
using namespace token_responses;
using access::intent_state;
using waits_of = std::vector<time_point::duration>;

std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
std::string const other_id = "9" + id.substr(1);
timestamp const now = timestamp::parse("2026-11-24T00:00:00Z").value();
access::any_scope const scope = access::account_scope::parse(std::string(32, 'a')).value();
std::string const over = "2026-11-23T00:00:00Z";
std::string const end_of_hour = "2026-11-24T01:10:00Z"; // and the ten minutes of the deadline

/// A script whose responses tell the server's time, and a sink that holds version 4 under "key".
struct world {
    world() { hold(4); }
    world& hold(std::int64_t version, std::string const& secret_text = "old") {
        if (version == 0) sink.inner.forget(id).value();
        access::issued_service_token token;
        token.id = id;
        token.client_id = "c.access";
        if (version != 0) token.client_secret_version = version;
        token.client_secret = secret(secret_text);
        access::intent i({}, scope, "ci");
        i.key = "key";
        i.token_id = id;
        sink.inner.store(i, token).value();
        return *this;
    }
    auto make(access::rotation_options options = access::rotation_options()) {
        return access::rotator(
            client(way, api_token::make("sample").value(),
                   client_options().seed(1).retry(retry_policy().max_attempts(1))),
            scope, sink, log, options.now_from([] { return now; }));
    }
    result<access::rotated> rotate(access::rotation_options options = access::rotation_options()) {
        return make(std::move(options)).rotate("key", 1h).get();
    }
    /// The token at a version (0: none shown), a grace's end and a secret, where given.
    world& shown(int version, std::string const& previous = "",
                 std::string const& secret_text = "") {
        way.respond(token_response(id, version, previous, secret_text));
        return *this;
    }
    /// The two looks before the lease and after it.
    world& looks(int version = 4, std::string const& previous = over) {
        return shown(version, previous).shown(version, previous);
    }
    world& fresh() { return shown(5, end_of_hour, "fresh"); }
    world& lost() {
        way.fail(errc::connection_lost, delivery::unknown);
        return *this;
    }
    world& refused(int status = 403) {
        way.respond(status, R"({"success":false,"errors":[{"code":1,"message":"no"}]})");
        return *this;
    }
    /// What a process has left: its lease, or the memory of it.
    access::intent leave(intent_state state, timestamp opened, timestamp until = {},
                         std::string const& token_id = id) {
        access::intent i(std::string(32, '1'), scope, "ci", opened);
        i.purpose = access::intent_purpose::rotate;
        i.key = i.token_id = token_id;
        i.version = 5;
        i.state = state;
        i.until = until;
        log.inner.insert(i).value();
        return i;
    }
    /// At the n-th update or erase, another process has written the first intent.
    world& written_by_another(std::string const& function, int n) {
        log.at[{function, n}] = [this] {
            auto i = all().at(0);
            i.writer = "another";
            return log.inner.update(i);
        };
        return *this;
    }
    [[nodiscard]] std::vector<access::intent> all() const { return log.inner.list().value(); }
    [[nodiscard]] std::string sent() const {
        std::string methods;
        for (auto const& r : way.requests())
            methods += (methods.empty() ? "" : " ") + std::string(to_string(r.method));
        return methods;
    }
    [[nodiscard]] std::string held_secret() const {
        return std::string(sink.inner.stored(id)->client_secret.reveal());
    }

    testing::scripted_transport way;
    told_sink sink;
    told_log log;
};

TEST_CASE(
    "whatever fails in a rotation: the error, what was sent, what the sink holds, what is left") {
    struct {
        std::string what;
        std::function<void(world&)> script;
        std::string sent;
        errc code; // none: a success
        cloudflare::delivery how;
        std::string held;
        std::optional<intent_state> left;
        waits_of waits;
    } const cases[] = {
        {"nothing",
         [](world& w) { w.looks().fresh(); },
         "GET GET PUT",
         errc{},
         {},
         "fresh",
         {},
         {}},
        {"the sink cannot be asked",
         [](world& w) { w.sink.fail("find", 1, errc::sink_failed); },
         "",
         errc::sink_failed,
         delivery::not_sent,
         "old",
         {},
         {100ms, 200ms, 400ms}},
        {"no lease can be logged",
         [](world& w) { w.shown(4).log.fail("insert", 1, errc::intent_log_failed); },
         "GET",
         errc::intent_log_failed,
         delivery::not_sent,
         "old",
         {},
         {100ms, 200ms, 400ms}},
        {"the sink cannot be asked again",
         [](world& w) { w.shown(4).sink.fail("find", 2, errc::sink_failed); },
         "GET",
         errc::sink_failed,
         {},
         "old",
         {},
         {100ms, 200ms, 400ms}},
        {"the sink cannot take a secret",
         [](world& w) { w.shown(4).sink.fail("prepare", 1, errc::sink_failed); },
         "GET",
         errc::sink_failed,
         delivery::not_sent,
         "old",
         {},
         {}},
        {"the token cannot be looked at",
         [](world& w) { w.shown(4).refused(); },
         "GET GET",
         errc::forbidden,
         delivery::not_sent,
         "old",
         {},
         {}},
        {"earlier graces cannot be recalled",
         [](world& w) { w.looks().log.fail("list", 1, errc::intent_log_failed); },
         "GET GET",
         errc::intent_log_failed,
         delivery::not_sent,
         "old",
         {},
         {100ms, 200ms, 400ms}},
        {"the plan cannot be logged",
         [](world& w) { w.looks().log.fail("update", 1, errc::intent_log_failed); },
         "GET GET",
         errc::intent_log_failed,
         delivery::not_sent,
         "old",
         {},
         {100ms, 200ms, 400ms}},
        {"another process has taken over the lease",
         [](world& w) { w.looks().written_by_another("update", 1); },
         "GET GET",
         errc::conflict,
         delivery::not_sent,
         "old",
         intent_state::open,
         {}},
        {"the update is refused",
         [](world& w) { w.looks().refused(); },
         "GET GET PUT",
         errc::forbidden,
         delivery::rejected,
         "old",
         {},
         {}},
        {"the update is lost twice",
         [](world& w) { w.looks().lost().lost().fresh(); },
         "GET GET PUT PUT PUT",
         errc{},
         {},
         "fresh",
         intent_state::settled,
         {1s, 2s}},
        {"the update is lost often",
         [](world& w) { w.looks().lost().lost().lost().lost().lost().fresh(); },
         "GET GET PUT PUT PUT PUT PUT PUT",
         errc{},
         {},
         "fresh",
         intent_state::settled,
         {1s, 2s, 4s, 8s, 8s}},
        {"the update is lost, then refused, and the token has been rotated",
         [](world& w) { w.looks().lost().refused().shown(5, end_of_hour).shown(5, end_of_hour); },
         "GET GET PUT PUT GET GET",
         errc::rotation_lost,
         delivery::accepted,
         "old",
         intent_state::lost,
         {1s}},
        {"no secret is shown",
         [](world& w) { w.looks().shown(5, end_of_hour).shown(5, end_of_hour); },
         "GET GET PUT GET",
         errc::rotation_lost,
         delivery::accepted,
         "old",
         intent_state::lost,
         {}},
        {"no secret is shown, and the sink cannot be asked",
         [](world& w) {
             w.looks().shown(5, end_of_hour).shown(5, end_of_hour);
             w.sink.fail("find", 3, errc::sink_failed);
         },
         "GET GET PUT GET",
         errc::sink_failed,
         delivery::accepted,
         "old",
         intent_state::lost,
         {100ms, 200ms, 400ms}},
        {"a store passes at the third time",
         [](world& w) { w.looks().fresh().sink.fail("store", 1, errc::sink_failed, 2); },
         "GET GET PUT",
         errc{},
         {},
         "fresh",
         {},
         {100ms, 200ms}},
        {"no store passes",
         [](world& w) { w.looks().fresh().sink.fail("store", 1, errc::sink_failed); },
         "GET GET PUT",
         errc::sink_failed,
         delivery::accepted,
         "old",
         intent_state::lost,
         {100ms, 200ms}},
        {"a store fails that kept",
         [](world& w) {
             w.looks().fresh().sink.fail("store", 1, errc::sink_failed, 1);
             w.sink.keeps = true;
         },
         "GET GET PUT",
         errc{},
         {},
         "fresh",
         {},
         {}},
        {"stores fail, and the sink cannot be asked",
         [](world& w) {
             w.looks().fresh().sink.fail("store", 1, errc::sink_failed, 2);
             w.sink.fail("find", 3, errc::sink_failed, 4);
         },
         "GET GET PUT",
         errc{},
         {},
         "fresh",
         {},
         {100ms, 200ms, 400ms, 100ms, 200ms}},
        {"the lease cannot be given back",
         [](world& w) { w.looks().fresh().log.fail("erase", 1, errc::intent_log_failed); },
         "GET GET PUT",
         errc{},
         {},
         "fresh",
         intent_state::open,
         {100ms, 200ms, 400ms}},
        {"the loss cannot be logged",
         [](world& w) {
             w.looks().fresh().sink.fail("store", 1, errc::sink_failed);
             w.log.fail("update", 2, errc::intent_log_failed);
         },
         "GET GET PUT",
         errc::sink_failed,
         delivery::accepted,
         "old",
         intent_state::open,
         {100ms, 200ms, 100ms, 200ms, 400ms}},
        {"the grace is not granted, nor at the second time",
         [](world& w) {
             w.looks().shown(5, over, "fresh").refused().shown(5, over).refused().refused();
         },
         "GET GET PUT PUT PUT PUT PUT",
         errc{},
         {},
         "fresh",
         intent_state::settled,
         {}},
        {"the grace is granted at the second time",
         [](world& w) { w.looks().shown(5, over, "fresh").refused().shown(5, end_of_hour); },
         "GET GET PUT PUT PUT",
         errc{},
         {},
         "fresh",
         {},
         {}}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        c.script(w);
        auto const done = w.rotate();
        CHECK(done.has_value() == (c.code == errc{}));
        if (!done) {
            CHECK(done.error() == c.code);
            if (c.what != "the sink cannot be asked again") CHECK(done.error().delivery() == c.how);
        }
        CHECK(w.sent() == c.sent);
        CHECK(w.held_secret() == c.held);
        CHECK(w.way.waits() == c.waits);
        REQUIRE(w.all().size() == (c.left ? 1 : 0));
        if (c.left) CHECK(w.all()[0].state == *c.left);
    }
}

TEST_CASE("a grace that the server gave short is set again after ever longer waits") {
    world w;
    w.looks().shown(5, "2026-11-24T00:20:00Z", "fresh");
    for (int n = 0; n != 9; ++n) // two before the secret is stored, which is not to wait
        w.refused(503);
    w.shown(5, end_of_hour);
    CHECK(w.rotate().value().previous_valid_until == timestamp::parse(end_of_hour).value());
    CHECK(w.way.waits() == waits_of{500ms, 1s, 2s, 4s, 8s, 8s, 8s});
}

TEST_CASE("an error of a store names the rotation, one of a request names the request") {
    world full;
    full.shown(4).sink.fail("prepare", 1, errc::sink_failed);
    CHECK(full.rotate().error().details().operation == "rotate");
    world refused;
    refused.shown(4).refused();
    CHECK(refused.rotate().error().details().operation == "get_service_token");
}

TEST_CASE("a request that would come behind the deadline is not sent; the effect of the last is "
          "looked for") {
    struct {
        std::chrono::milliseconds deadline;
        std::string sent;
        waits_of waits;
    } const cases[] = {{1000ms, "GET GET PUT GET GET GET GET", {1s, 1s, 1s}},
                       {1001ms, "GET GET PUT PUT GET GET GET GET", {1s, 1s, 1s, 1s}}};
    for (auto const& c : cases) {
        world w;
        w.looks().lost();
        if (c.deadline != 1000ms) w.lost();
        for (int i = 0; i != 4; ++i)
            w.shown(4, over);
        auto const options = access::rotation_options().deadline(c.deadline).settle_window(3s);
        auto const e = w.rotate(options).error();
        CHECK(e == errc::connection_lost);
        CHECK(e.delivery() == delivery::unknown);
        CHECK(w.sent() == c.sent);
        CHECK(w.way.waits() == c.waits);
        REQUIRE(w.all().size() == 1);
        CHECK(w.all()[0].state == intent_state::open);
        CHECK(w.all()[0].version == 5);
    }
}

TEST_CASE(
    "what is stopped until its deadline sends nothing, what is stopped until before it does") {
    for (auto const stopped : {10min - 1s, 10min + 0s}) {
        world w;
        w.looks();
        w.sink.at[{"prepare", 1}] = [&] { return w.way.advance(stopped), result<void>(); };
        if (stopped < 10min) w.shown(5, "2026-11-24T01:00:01Z", "fresh");
        auto const done = w.rotate();
        CHECK(done.has_value() == (stopped < 10min));
        CHECK(w.sent() == (stopped < 10min ? "GET GET PUT" : "GET GET"));
        if (done) continue;
        CHECK(done.error() == errc::deadline_exceeded);
        CHECK(done.error().delivery() == delivery::not_sent);
        CHECK(done.error().details().explanation == "the deadline of the rotation has passed");
        CHECK(w.all().empty());
    }
}

TEST_CASE("a look that fails does not end the search for the effect of a lost request") {
    world w;
    w.looks().lost().refused().shown(5, end_of_hour).shown(5, end_of_hour);
    auto const e = w.rotate(access::rotation_options().deadline(1s).settle_window(3s)).error();
    CHECK(e == errc::rotation_lost);
    CHECK(w.sent() == "GET GET PUT GET GET GET");
    CHECK(w.way.waits() == waits_of{1s});
}

TEST_CASE("a revocation of which neither request shows a secret is told as the server shows it") {
    world w;
    w.looks().shown(5, over).shown(5, over).shown(6, over).refused();
    auto const e = w.make().revoke_and_rotate("key").get().error();
    CHECK(e == errc::forbidden); // of the look
    CHECK(e.delivery() == delivery::unknown);
    CHECK(e.details().explanation.ends_with(
        id + " may have been rotated or may be yet: if it was, the secrets before are refused; the "
             "next rotation or renewal settles it"));
    CHECK(w.sent() == "GET GET PUT GET POST GET");
    CHECK(w.all().at(0).state == intent_state::open);
}

TEST_CASE("the error of a revocation, or of a grace that is over, says that no secret works") {
    auto const refused = "the new secret of " + id +
                         " is lost; those before are refused: replace_lost makes another secret";
    world full;
    full.looks().shown(5, "2026-11-23T23:59:59Z", "fresh");
    for (int n = 1; n != 4; ++n)
        full.sink.fail("store", n, errc::sink_failed);
    auto const not_stored = full.make().revoke_and_rotate("key").get().error();
    CHECK(not_stored == errc::sink_failed);
    CHECK(not_stored.details().explanation.ends_with(refused));

    world in_grace;
    in_grace.looks().fresh().sink.fail("store", 1, errc::sink_failed);
    CHECK(in_grace.rotate().error().details().explanation.find(
              "the one in use works until " + end_of_hour + ": extend_grace") != std::string::npos);

    world hidden; // neither response shows the secret
    hidden.looks().shown(5, over).shown(6, over).shown(6, over).shown(6, over);
    auto const not_shown = hidden.make().revoke_and_rotate("key").get().error();
    CHECK(not_shown == errc::rotation_lost);
    CHECK(not_shown.details().explanation == refused);

    auto const too_late = [](std::string const& end) {
        world w;
        w.looks(5, end);
        return w.rotate().error().details().explanation;
    };
    CHECK(too_late("2026-11-24T00:00:00Z") ==
          "the new secret of " + id +
              " is lost; the one in use worked until 2026-11-24T00:00:00Z: replace_lost makes "
              "another secret");
    CHECK(
        too_late("2026-11-24T00:00:01Z").find(" works until 2026-11-24T00:00:01Z: extend_grace") !=
        std::string::npos);
}

TEST_CASE("what went wrong comes first in an error, and then what is left behind") {
    world unknown;
    unknown.looks().way.fail(errc::cancelled, delivery::unknown);
    unknown.way.fail(errc::cancelled, delivery::not_sent);
    CHECK(unknown.rotate().error().details().explanation ==
          id + " may have been rotated or may be yet: the secret in use works, within its grace; "
               "the next rotation or renewal settles it");
    world refused; // by a server that explains itself
    refused.looks().shown(5, end_of_hour, "fresh").refused().refused();
    refused.way.respond(400, R"({"success":false,"errors":[]})");
    auto const e = refused.make().revoke_and_rotate("key").get().error();
    CHECK(e.delivery() == delivery::accepted);
    CHECK(e.details().operation == "rotate");
    auto const end = "the new secret of " + id +
                     " is stored; whether the one before is still accepted is not known: end_grace "
                     "ends it";
    auto const& said = e.details().explanation;
    CHECK(said.ends_with(end));
    if (said != end) CHECK(said.substr(0, said.size() - end.size()).ends_with("; "));
}

TEST_CASE("a revocation is whole where the server ends the grace this very second") {
    world w;
    w.looks().shown(5, "2026-11-24T00:00:00Z", "fresh");
    CHECK(w.make().revoke_and_rotate("key").get().has_value());
    CHECK(w.sent() == "GET GET PUT");
}

TEST_CASE("a revocation whose lease cannot be given back is not certain") {
    world w; // it may have been taken over while the process was stopped
    w.looks().shown(5, "2026-11-23T23:59:59Z", "fresh");
    w.log.fail("erase", 1, errc::intent_log_failed);
    auto const done = w.make().revoke_and_rotate("key").get();
    REQUIRE(done.has_error());
    CHECK(done.error() == errc::intent_log_failed);
    CHECK(done.error().delivery() == delivery::accepted);
    CHECK(done.error().details().explanation.ends_with(": end_grace ends it"));
    CHECK(w.all().size() == 1);
}

TEST_CASE("a /rotate that is refused has done nothing") {
    world w;
    w.hold(0).shown(0, over).shown(0, over).refused();
    auto const e = w.rotate().error();
    CHECK(e == errc::forbidden);
    CHECK(e.delivery() == delivery::rejected);
    CHECK(w.sent() == "GET GET POST");
    CHECK(w.all().empty());
}

TEST_CASE("of a secret that nobody was shown the latest version counts that the server shows") {
    for (int const latest : {0, 6, 7}) {
        CAPTURE(latest);
        for (int const held : {6, 7}) {
            CAPTURE(held);
            world w;
            w.looks().shown(5, over).shown(5, over).shown(6, over).shown(latest, over);
            w.shown(7, over); // the end of the grace
            w.sink.at[{"find", 3}] = [&w, held] {
                return w.hold(held, "another's"), result<void>();
            };
            auto const done = w.make().revoke_and_rotate("key").get();
            CHECK(done.has_value() == (held >= latest));
            CHECK(w.sent().starts_with("GET GET PUT GET POST GET GET"));
        }
    }
}

TEST_CASE("a secret of /rotate without a version is the one after the latest that was shown") {
    world w;
    w.looks().shown(5, over).shown(5, over).shown(0, over, "fresh");
    CHECK(w.make().revoke_and_rotate("key").get().value().token.client_secret_version == 6);
    CHECK(w.sent() == "GET GET PUT GET POST");
    CHECK(w.sink.inner.find("key").value()->version == 6);
}

TEST_CASE("the promise stays in the log after a /rotate that was lost and may act late") {
    for (bool const is_lost : {false, true}) {
        world w; // version 5 is lost, and neither response shows the secret after it
        w.looks(5, over).shown(6, end_of_hour).shown(6, end_of_hour);
        is_lost ? w.lost().shown(7, end_of_hour) : w.shown(7, end_of_hour);
        w.shown(7, end_of_hour).shown(7, end_of_hour);
        w.sink.at[{"find", 3}] = [&w] { return w.hold(7, "another's"), result<void>(); };
        CHECK(w.make().replace_lost("key", 1h).get().value().token.client_secret_version == 7);
        CHECK(w.sent() == std::string("GET GET PUT GET POST GET GET") + (is_lost ? " GET" : ""));
        REQUIRE(w.all().size() == (is_lost ? 1 : 0));
        if (!is_lost) continue;
        CHECK(w.all()[0].state == intent_state::settled);
        CHECK(w.all()[0].until == timestamp::parse(end_of_hour).value());
    }
}

TEST_CASE("where no version is shown none is set with the end of a grace") {
    struct {
        std::string what;
        std::function<void(world&)> script;
        std::string sent;
    } const cases[] = {
        {"the secret is shown", [](world& w) { w.shown(0, over, "fresh"); }, "GET GET POST PUT"},
        {"none is shown", [](world& w) { w.shown(0, over).shown(0, over); },
         "GET GET POST GET PUT"},
        {"nor can the token be looked at", [](world& w) { w.shown(0, over).refused(); },
         "GET GET POST GET PUT"}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        w.hold(0).looks(0);
        c.script(w);
        w.shown(0, end_of_hour);
        CHECK(w.rotate().has_value() == (c.what == "the secret is shown"));
        REQUIRE(w.sent() == c.sent);
        CHECK(w.way.requests().back().body ==
              R"({"previous_client_secret_expires_at":")" + end_of_hour + "\"}");
    }
}

TEST_CASE("where no version is shown, who has taken over a lease promises nothing by it") {
    world w;
    w.hold(0).looks(0).shown(0, end_of_hour).shown(0, end_of_hour);
    w.log.at[{"list", 2}] = [&w] {
        auto taken = w.all().at(0);
        taken.writer = "another";
        taken.until = now.plus(5h);
        return w.log.inner.update(taken);
    };
    CHECK(w.rotate().error() == errc::rotation_lost);
    CHECK(w.sent() == "GET GET POST GET");
}

TEST_CASE("what has ended when a lease is given back is not remembered") {
    world w;
    w.looks(4, "").shown(5, "2026-11-23T23:59:59Z", "fresh").shown(5, "2026-11-23T23:59:59Z");
    CHECK(w.make().revoke_and_rotate("key").get().has_value());
    CHECK(w.all().empty());
}

TEST_CASE("the version that a response shows is stored, else the one that was set") {
    for (int const shown : {0, 5, 6}) {
        world w;
        w.looks().shown(shown, end_of_hour, "fresh");
        CHECK(w.rotate().value().token.client_secret_version == (shown == 0 ? 5 : shown));
        CHECK(w.sink.inner.find("key").value()->version == (shown == 0 ? 5 : shown));
    }
    world none; // a server that shows none at all
    none.hold(0).shown(0, over).shown(0, over).shown(0, over, "fresh");
    CHECK_FALSE(none.make().revoke_and_rotate("key").get().value().token.client_secret_version);
    CHECK(none.sent() == "GET GET POST");
}

TEST_CASE("what the verifier said comes first in the error of a secret that does not verify") {
    world w;
    w.looks().fresh();
    auto const verify = [](access::issued_service_token const&) -> result<void> {
        return error(errc::unauthorized, "login refused");
    };
    auto const e = w.rotate(access::rotation_options().verify(verify)).error();
    CHECK(e.details().operation == "rotate");
    CHECK(e.details().explanation ==
          "login refused; the new secret is stored and does not verify; the one before works "
          "until " +
              end_of_hour);
}

// The lease.

/// A transport whose waits all end early, as those of a caller that is cancelled do.
struct impatient_transport : testing::scripted_transport {
    explicit impatient_transport(testing::scripted_transport const& same)
        : testing::scripted_transport(same) {}
    task<void> sleep_until(time_point) {
        ++waits_asked;
        return nothing();
    }
    static task<void> nothing() { co_return; }
    static inline int waits_asked = 0;
};

TEST_CASE("ten waits for a lease in a row that end early mean that the caller was cancelled") {
    world w;
    w.leave(intent_state::open, now);
    w.shown(4);
    impatient_transport::waits_asked = 0;
    access::rotator rotator(client(impatient_transport(w.way), api_token::make("sample").value()),
                            scope, w.sink, w.log,
                            access::rotation_options().now_from([] { return now; }));
    auto const e = rotator.rotate("key", 1h).get().error();
    CHECK(e == errc::cancelled);
    CHECK(e.delivery() == delivery::not_sent);
    CHECK(impatient_transport::waits_asked == 10);
    CHECK(w.sent() == "GET");
    CHECK(w.all().size() == 1);
}

TEST_CASE("of several promises the latest counts, whichever stands first and whether a version is "
          "shown") {
    for (int const shown : {5, 0}) {
        for (bool const is_later_first : {false, true}) {
            world w;
            w.hold(shown).looks(shown, "");
            auto i = w.leave(intent_state::settled, now, now.plus(is_later_first ? 5h : 1h));
            i.tag = std::string(32, '2');
            i.until = now.plus(is_later_first ? 1h : 5h);
            w.log.inner.insert(i).value();
            auto const e = w.rotate().error();
            CHECK(e == errc::grace_running);
            CHECK(e.details().explanation.find(" works until 2026-11-24T05:00:00Z") !=
                  std::string::npos);
        }
    }
}

TEST_CASE("a promise is remembered apart only if it is needed and somebody else has the lease") {
    struct {
        std::string what, end; // of the grace, as the look shows it
        std::function<void(world&)> script;
        std::size_t left;
    } const cases[] = {
        {"not shown, and taken", "", [](world& w) { w.written_by_another("update", 2); }, 2},
        {"not shown, and the log fails", "",
         [](world& w) { w.log.fail("update", 2, errc::intent_log_failed); }, 1},
        {"not shown, and written", "", [](world&) {}, 1},
        {"shown, and taken", over, [](world& w) { w.written_by_another("erase", 1); }, 1},
        {"shown, and erased", over, [](world&) {}, 0}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        w.looks(4, c.end).shown(5, c.end.empty() ? "" : end_of_hour, "fresh");
        c.script(w);
        CHECK(w.rotate().has_value());
        CHECK(w.all().size() == c.left);
    }
}

TEST_CASE("a lease that was taken over tells of a loss only where it did before") {
    struct {
        intent_state state;
        std::int64_t version, meanwhile;
    } const cases[] = {{intent_state::open, 0, 0},
                       {intent_state::open, 5, 5},
                       {intent_state::lost, 0, access::detail::lost_before},
                       {intent_state::lost, 5, 5}};
    for (auto const& c : cases) {
        world w;
        auto left = w.leave(c.state, now.plus(-1h), now.plus(1h));
        left.version = c.version;
        w.log.inner.update(left).value();
        w.shown(4).sink.at[{"prepare", 1}] = [&] {
            CHECK(w.all().at(0).state == intent_state::open);
            CHECK(w.all()[0].version == c.meanwhile);
            return error(errc::conflict);
        };
        CHECK(w.rotate().error() == errc::conflict);
        CHECK(w.all().at(0).version == c.version); // as it was found
    }
}

TEST_CASE("where no version is shown the promise of what replaced a loss tells of none") {
    world w;
    w.leave(intent_state::lost, now.plus(-1h), now.plus(1h));
    w.hold(0).looks(0, "").shown(0, "", "fresh");
    CHECK(w.make().replace_lost("key", 1h).get().has_value());
    CHECK(w.sent() == "GET GET POST");
    REQUIRE(w.all().size() == 1);
    CHECK(w.all()[0].state == intent_state::settled);
    CHECK(w.all()[0].version == 0);
}

TEST_CASE("a rotation goes above the version shown, whatever a dead process has planned of it") {
    world w;
    auto left = w.leave(intent_state::open, now.plus(-1h), now.plus(5h));
    left.version = 4; // which the server shows by now
    w.log.inner.update(left).value();
    w.looks().fresh();
    CHECK(w.make().replace_now("key", id, 1h).get().has_value());
    CHECK(w.way.requests().at(2).body.find(R"("client_secret_version":5,)") != std::string::npos);
}

TEST_CASE("of several memories each one is looked at, whichever stands first") {
    for (bool const ends : {false, true}) {
        world w;
        w.leave(intent_state::settled, now, now.plus(5h), other_id);
        auto i = w.all().at(0);
        i.tag = std::string(32, '2');
        i.key = i.token_id = id;
        i.version = ends ? 5 : 4;
        w.log.inner.insert(i).value(); // for five hours
        i.tag = std::string(32, '3');
        i.until = now; // over
        w.log.inner.insert(i).value();
        if (ends) {
            w.shown(5).shown(5).shown(5);
            CHECK(w.make().end_grace(id, 5).get().has_value());
            CHECK(w.sent() == "GET GET PUT");
        } else {
            w.looks(4, "");
            CHECK(w.rotate().error() == errc::grace_running);
        }
        auto const all = w.all();
        REQUIRE(all.size() == (ends ? 1 : 2));
        CHECK(all[0].token_id == other_id);
        if (!ends) CHECK(all[1].until == now.plus(5h));
    }
}

TEST_CASE("a lease that is held is waited for as long as the deadline allows") {
    world w;
    auto const left = w.leave(intent_state::open, now);
    w.shown(4);
    auto const e = w.rotate(access::rotation_options().deadline(1s)).error();
    CHECK(e == errc::conflict);
    CHECK(e.delivery() == delivery::not_sent);
    CHECK(e.details().explanation == "intent " + left.tag + ", another rotation of " + id +
                                         ", has not ended: ask again later");
    CHECK(w.way.waits() == waits_of{50ms, 100ms, 200ms, 400ms});
    REQUIRE(w.all().size() == 1);
    CHECK(w.all()[0] == left);
}

TEST_CASE("a lease is taken over from min_age on, whoever else tries to") {
    struct {
        std::string what;
        std::function<void(world&)> script;
        errc code; // none: a success
        std::string sent;
        waits_of waits;
    } const cases[] = {
        {"old",
         [](world& w) { w.leave(intent_state::open, now.plus(-15min)), w.looks().fresh(); },
         errc{},
         "GET GET PUT",
         {}},
        {"lost, and young, of a secret that was stored since",
         [](world& w) {
             auto lost = w.leave(intent_state::lost, now);
             lost.version = 4;
             w.log.inner.update(lost).value();
             w.looks().fresh();
         },
         errc{},
         "GET GET PUT",
         {}},
        {"from a wrong clock",
         [](world& w) {
             w.leave(intent_state::open, now.plus(5min + 1s)), w.shown(4).looks().fresh();
         },
         errc{},
         "GET GET GET PUT",
         {}},
        {"from a wrong clock, and the time cannot be asked",
         [](world& w) { w.leave(intent_state::open, now.plus(5min + 1s)), w.shown(4).refused(); },
         errc::forbidden,
         "GET GET",
         {}},
        {"somebody else wrote, and is dead, too",
         [](world& w) {
             w.leave(intent_state::open, now.plus(-15min));
             w.looks().fresh().written_by_another("update", 1);
         },
         errc{},
         "GET GET PUT",
         {50ms}},
        {"the log fails",
         [](world& w) {
             w.leave(intent_state::open, now.plus(-15min));
             w.shown(4).log.fail("update", 1, errc::intent_log_failed);
         },
         errc::intent_log_failed,
         "GET",
         {100ms, 200ms, 400ms}}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        c.script(w);
        auto const done = w.rotate();
        CHECK(done.has_value() == (c.code == errc{}));
        CHECK(w.sent() == c.sent);
        CHECK(w.way.waits() == c.waits);
        if (done) {
            CHECK(w.held_secret() == "fresh");
            CHECK(w.all().empty()); // the dead process had planned nothing
            continue;
        }
        CHECK(done.error() == c.code);
        CHECK(done.error().delivery() == delivery::not_sent);
        CHECK(w.all().at(0).writer.empty()); // as it was left
    }
}

TEST_CASE("a lease counts from when something may have been sent, not from when it was taken") {
    world w;
    w.shown(4);
    auto later = token_response(id, 4, over, ""); // the process was stopped for three days
    later.fields.set("Date", "Fri, 27 Nov 2026 00:00:00 GMT").value();
    w.way.respond(std::move(later));
    w.way.fail(errc::cancelled, delivery::unknown);
    w.way.fail(errc::cancelled, delivery::not_sent);
    CHECK(w.rotate().has_error());
    CHECK(w.all().at(0).state == intent_state::open);
    CHECK(w.all().at(0).opened_at == now.plus(std::chrono::days(3)));
}

TEST_CASE("a process that was stopped asks for the time before it takes a lease of the future") {
    world w;
    auto const left = w.leave(intent_state::open, now.plus(20min));
    w.shown(4);
    auto later = token_response(id, 4, over, "");
    later.fields.set("Date", "Tue, 24 Nov 2026 00:21:00 GMT").value();
    w.way.respond(std::move(later));
    auto const e = w.rotate(access::rotation_options().deadline(1s)).error();
    CHECK(e == errc::conflict);
    CHECK(e.delivery() == delivery::not_sent);
    CHECK(w.sent() == "GET GET");
    CHECK(w.all().at(0) == left);
}

TEST_CASE("what the log remembers of other tokens, scopes and issues is no promise for this one") {
    world w;
    w.leave(intent_state::settled, now, now.plus(5h), other_id);
    auto i = w.all().at(0);
    i.tag = std::string(32, '2');
    i.key = i.token_id = id;
    i.scope = access::zone_scope::parse(std::string(32, 'b')).value();
    w.log.inner.insert(i).value();
    i.tag = std::string(32, '3');
    i.scope = scope;
    i.purpose = access::intent_purpose::issue;
    w.log.inner.insert(i).value();
    w.looks(4, "").fresh();
    CHECK(w.rotate().has_value());
    CHECK(w.sent() == "GET GET PUT");
    REQUIRE(w.all().size() == 4); // and what this one promised, which the server did not show
    CHECK(w.all()[3].until == timestamp::parse(end_of_hour).value());
}

TEST_CASE("a memory whose time is over is erased, and one that cannot be is no hindrance") {
    for (bool const fails : {false, true}) {
        world w;
        w.leave(intent_state::settled, now.plus(-48h), now);
        if (fails) w.log.fail("erase", 1, errc::intent_log_failed);
        w.looks().shown(5, "2026-11-24T02:00:00Z", "fresh");
        CHECK(w.rotate().has_value());
        CHECK(w.all().size() == (fails ? 1 : 0));
    }
}

// The end of a grace.

TEST_CASE("whatever fails while a grace is ended: the error, what was sent, and no lease is left") {
    struct {
        std::string what;
        std::function<void(world&)> script;
        std::string sent;
        errc code; // none: a success
        std::size_t left;
    } const cases[] = {
        {"nothing", [](world& w) { w.shown(5).shown(5).shown(5); }, "GET GET PUT", errc{}, 0},
        {"no lease can be logged",
         [](world& w) { w.shown(5).log.fail("insert", 1, errc::intent_log_failed); }, "GET",
         errc::intent_log_failed, 0},
        {"the token cannot be looked at", [](world& w) { w.shown(5).refused(); }, "GET GET",
         errc::forbidden, 0},
        {"the log cannot be read",
         [](world& w) { w.shown(5).shown(5).log.fail("list", 1, errc::intent_log_failed); },
         "GET GET", errc::intent_log_failed, 0},
        {"the log cannot be read again",
         [](world& w) { w.shown(5).shown(5).log.fail("list", 2, errc::intent_log_failed); },
         "GET GET", errc::intent_log_failed, 0},
        {"the promise cannot be logged in the lease",
         [](world& w) {
             w.leave(intent_state::settled, now, now.plus(1h));
             w.shown(5).shown(5).log.fail("update", 1, errc::intent_log_failed);
         },
         "GET GET", errc::intent_log_failed, 2}, // which is done when the lease is given back
        {"a memory cannot be erased",
         [](world& w) {
             w.leave(intent_state::settled, now, now.plus(1h));
             w.shown(5).shown(5).log.fail("erase", 1, errc::intent_log_failed);
         },
         "GET GET", errc::intent_log_failed, 2}, // the lease has become one, too
        {"somebody else wrote the memory",
         [](world& w) {
             w.leave(intent_state::settled, now, now.plus(1h));
             w.shown(5).shown(5).shown(5).written_by_another("erase", 1);
         },
         "GET GET PUT", errc{}, 1},
        {"another token's memory",
         [](world& w) {
             w.leave(intent_state::settled, now, now.plus(1h), other_id);
             w.shown(5).shown(5).shown(5);
         },
         "GET GET PUT", errc{}, 1},
        {"the update is refused", [](world& w) { w.shown(5).shown(5).refused(); }, "GET GET PUT",
         errc::forbidden, 0}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        c.script(w);
        auto const ended = w.make().end_grace(id, 5).get();
        CHECK(ended.has_value() == (c.code == errc{}));
        if (!ended) CHECK(ended.error() == c.code);
        CHECK(w.sent() == c.sent);
        CHECK(w.all().size() == c.left);
        CHECK(w.sink.made["find"] == 0); // it was not asked about any key
        if (w.sent() == "GET GET PUT")
            CHECK(
                w.way.requests()[2].body ==
                R"({"client_secret_version":5,"previous_client_secret_expires_at":"2026-11-23T23:59:59Z"})");
    }
}

TEST_CASE("a rotation's plan stays as it was while the grace before it is ended") {
    world w;
    w.leave(intent_state::settled, now, now.plus(100h));
    auto plan = w.all().at(0); // of a process that is dead
    plan.tag = std::string(32, '2');
    plan.state = intent_state::open;
    plan.opened_at = now.plus(-1h);
    plan.until = now.plus(1h);
    plan.version = 6;
    w.log.inner.insert(plan).value();
    w.shown(5).shown(5).shown(5).log.at[{"erase", 1}] = [&] {
        CHECK(w.all().at(1).version == 6);
        CHECK(w.all()[1].until == plan.until);
        return result<void>();
    };
    CHECK(w.make().end_grace(id, 5).get().has_value());
    CHECK(w.log.made["erase"] == 1);
    REQUIRE(w.all().size() == 1);
    CHECK(w.all()[0].version == 6);
    CHECK(w.all()[0].until == plan.until);
}

TEST_CASE("what an extension makes of the lease of a dead process: by version, state and end") {
    std::string const planned = "2026-11-28T04:00:00Z";
    struct {
        int shown;
        std::string end;
        intent_state state;
        std::int64_t version;
        intent_state state_after;
        std::chrono::seconds until_after;
    } const cases[] = {
        {5, "", intent_state::open, 5, intent_state::open, 200h},
        {5, planned, intent_state::open, 5, intent_state::open, 200h},
        {0, over, intent_state::open, 0, intent_state::open, 100h},    // remembered beside it
        {0, planned, intent_state::open, 0, intent_state::lost, 200h}, // it has acted
        {0, over, intent_state::lost, 0, intent_state::lost, 200h}};
    for (auto const& c : cases) {
        CAPTURE(c.shown);
        CAPTURE(c.end);
        world w;
        auto left = w.leave(c.state, now.plus(-1h), now.plus(100h));
        left.version = c.version;
        w.log.inner.update(left).value();
        w.looks(c.shown, c.end).shown(c.shown, "2026-12-02T08:00:00Z");
        CHECK(w.make().extend_grace(id, 200h).get().value() == now.plus(200h));
        CHECK(w.sent() == "GET GET PUT");
        REQUIRE(w.all().size() == (c.until_after == 200h ? 1 : 2));
        CHECK(w.all().back().until == now.plus(200h));
        CHECK(w.all()[0].state == c.state_after);
        CHECK(w.all()[0].until == now.plus(c.until_after));
        CHECK(w.all()[0].version == c.version);
    }
}

TEST_CASE("whatever fails while a grace is extended: the error, what was sent, and what is left") {
    struct {
        std::string what;
        std::function<void(world&)> script;
        bool by_key;
        std::string sent;
        errc code;
        std::size_t left;
    } const cases[] = {
        {"the sink cannot be asked",
         [](world& w) { w.looks(5).sink.fail("find", 1, errc::sink_failed); }, true, "",
         errc::sink_failed, 0},
        {"the sink cannot be asked again",
         [](world& w) { w.looks(5, end_of_hour).sink.fail("find", 2, errc::sink_failed); }, true,
         "GET GET", errc::sink_failed, 0},
        {"the update is refused", [](world& w) { w.looks(5, "").refused(); }, false, "GET GET PUT",
         errc::forbidden, 0},
        {"the loss that the end tells of cannot be logged",
         [](world& w) {
             w.leave(intent_state::open, now.plus(-1h), timestamp::parse(end_of_hour).value());
             w.looks(0, end_of_hour).log.fail("update", 2, errc::intent_log_failed);
         },
         false, "GET GET", errc::intent_log_failed, 1},
        {"the promise cannot be logged beside a plan",
         [](world& w) {
             w.leave(intent_state::open, now.plus(-1h), now.plus(1h));
             w.looks(4, "").shown(4).log.fail("insert", 2, errc::intent_log_failed);
         },
         false, "GET GET PUT", errc::intent_log_failed, 1}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        c.script(w);
        auto rotator = w.make();
        auto const done =
            c.by_key ? rotator.keep_alive("key", 5h).get() : rotator.extend_grace(id, 5h).get();
        REQUIRE(done.has_error());
        CHECK(done.error() == c.code);
        CHECK(w.sent() == c.sent);
        CHECK(w.all().size() == c.left);
    }
}

TEST_CASE("a grace that is set to end now leaves nothing in the log") {
    world w;
    w.looks(5, "").shown(5);
    CHECK(w.make().extend_grace(id, 0s).get().value() == now);
    CHECK(w.all().empty());
}

TEST_CASE("an extension that neither the server shows nor the log remembers is no success") {
    for (bool const is_shown : {true, false}) {
        world w;
        w.looks(5, is_shown ? end_of_hour : "").shown(5, "2026-11-26T00:00:00Z");
        w.log.fail("update", 1, errc::intent_log_failed);
        auto const done = w.make().extend_grace(id, 48h).get();
        CHECK(done.has_value() == is_shown);
        if (done) continue;
        CHECK(done.error() == errc::intent_log_failed);
        CHECK(done.error().delivery() == delivery::accepted);
        CHECK(done.error().details().operation == "rotate");
        CHECK(done.error().details().explanation.find("2026-11-26T00:00:00Z, which") !=
              std::string::npos);
    }
}

TEST_CASE("an extension is remembered beside a lease of which nobody knows whether it has acted") {
    world w; // a server that shows neither versions nor ends
    w.hold(0);
    auto left = w.leave(intent_state::open, now.plus(-25h), now.plus(1h));
    left.version = 0;
    w.log.inner.update(left).value();
    w.looks(0, "").shown(0, "");
    CHECK(w.make().extend_grace(id, 48h).get().value() == now.plus(48h));
    auto const ends_last = [](auto const& a, auto const& b) { return a.until < b.until; };
    auto const all = w.all();
    auto const last = std::max_element(all.begin(), all.end(), ends_last);
    CHECK(last->until == now.plus(48h));
    CHECK(last->state == intent_state::settled);
}

TEST_CASE("replace_now grants the grace that was asked for, not one of an earlier secret") {
    world w;
    auto memory = w.leave(intent_state::settled, now, now.plus(5h));
    memory.version = 4;
    w.log.inner.update(memory).value();
    w.looks(4, "2026-11-24T05:00:00Z").lost().shown(5, end_of_hour).shown(5, end_of_hour);
    w.sink.at[{"find", 3}] = [&w] { return w.hold(5, "another's"), result<void>(); };
    auto const done = w.make().replace_now("key", id, 1h).get();
    CHECK(w.sent() == "GET GET PUT PUT GET");
    CHECK(done.value().previous_valid_until == timestamp::parse(end_of_hour).value());
}

TEST_CASE("a grace is as long as the server says, where it says so") {
    struct {
        std::string shown;
        timestamp until;
    } const cases[] = {{"", now.plus(48h)}, {"2026-11-25T00:00:00Z", now.plus(24h)}};
    for (auto const& c : cases) {
        world w;
        w.shown(5).shown(5).shown(5, c.shown);
        CHECK(w.make().extend_grace(id, 48h).get().value() == c.until);
        CHECK(
            w.way.requests()[2].body ==
            R"({"client_secret_version":5,"previous_client_secret_expires_at":"2026-11-26T00:00:00Z"})");
    }
    world refused;
    refused.shown(5).refused();
    CHECK(refused.make().extend_grace(id, 48h).get().error() == errc::forbidden);
}

TEST_CASE("options of a rotation are what the comments say, and the rule that is broken is named") {
    access::rotation_options const o;
    CHECK(o.common().deadline() == 10min);
    CHECK(o.common().min_age() == 15min);
    CHECK(o.min_grace() == 5min);
    CHECK(o.settle_window() == 30s);
    CHECK(o.max_lateness() == 24h);
    CHECK(o.check().has_value());
    auto const refused = [](access::rotation_options const& options, std::string const& rule) {
        world w;
        auto const e = w.rotate(options).error();
        CHECK(e == errc::invalid_argument);
        CHECK(e.details().explanation == "rotation options: " + rule);
        CHECK(w.sent().empty());
    };
    refused(access::rotation_options().deadline(0ms), "deadline must be positive");
    refused(access::rotation_options().min_age(600s),
            "min_age must exceed the deadline, or a rotation under way is taken for dead");
    refused(access::rotation_options().min_grace(999s).min_grace(0s),
            "min_grace must be at least 1 s");
    CHECK(access::rotation_options().deadline(1ms).min_age(1s).min_grace(1s).check());
    world least;
    least.looks().shown(5, "2026-11-24T00:15:00Z", "fresh");
    CHECK(least.make().rotate("key", 300s).get().has_value());
    world w;
    CHECK(w.make().rotate("key", 299s).get().error().details().explanation ==
          "grace: must be at least 300 s; revoke_and_rotate ends the secret in use at once");
    CHECK(w.make().rotate("none", 1h).get().error().details().explanation ==
          "key: the sink holds no token under it");
    CHECK(w.make().rotate("key", other_id, 1h).get().error().details().explanation ==
          "the key holds the token " + id);
}

// Decisions by value.

using access::detail::rotation_aim;
using aims = std::vector<rotation_aim>;

/// A rotation's state: what the sink holds, and what the server shows.
access::detail::rotation_flow flow_of(world& w, rotation_aim aim, int held, int shown) {
    using tools =
        access::detail::recovery<client<testing::scripted_transport>, told_sink, told_log>;
    tools t(client(w.way, api_token::make("sample").value()), scope, w.sink, w.log,
            access::issue_options().now_from([] { return now; }));
    access::detail::rotation_flow f(t, access::rotation_options(), aim, "key", id, 1h);
    access::held_token h{id, "c.access", held};
    f.held = h;
    f.before.id = id;
    if (shown != 0) f.before.client_secret_version = shown;
    return f;
}

TEST_CASE("whether a token may be rotated: by both versions, the end of a grace, and the aim") {
    constexpr auto none = errc{};
    struct {
        int held, shown;
        std::optional<std::chrono::seconds> end; // of the grace, from now
        std::chrono::seconds promised, since;
        errc rotate, replace;
    } const cases[] = {{4, 4, -1s, 0s, 0s, none, errc::conflict},
                       {4, 4, 0s, 0s, 0s, none, errc::conflict},
                       {4, 4, 1s, 0s, 0s, errc::grace_running, errc::conflict},
                       // an earlier end is shown than was promised: it is out of date, or was cut
                       {4, 4, -1s, 1s, 0s, errc::grace_running, errc::conflict},
                       {4, 4, 1s, -1s, 0s, errc::grace_running, errc::conflict},
                       {4, 0, -1s, 1s, 0s, none, errc::conflict}, // promised of which secret?
                       {4, 5, 1s, 0s, 0s, errc::rotation_lost, none},
                       {5, 4, -1s, 0s, 0s, errc::conflict, errc::conflict},
                       {0, 4, -1s, 0s, 0s, none, errc::conflict},
                       {4, 0, -1s, 0s, 0s, none, errc::conflict},
                       // the end is not shown
                       {4, 4, {}, 0s, 0s, none, errc::conflict},
                       {4, 4, {}, 1s, 0s, errc::grace_running, errc::conflict},
                       {4, 4, {}, 0s, -1h, none, errc::conflict},
                       {4, 4, {}, 0s, -1h + 1s, errc::grace_running, errc::conflict},
                       {2, 2, {}, 0s, -1h + 1s, errc::grace_running, errc::conflict},
                       {1, 1, {}, 0s, -1h + 1s, none, errc::conflict}, // never rotated
                       {4, 0, {}, 0s, -1h + 1s, none, errc::conflict}};
    for (auto const& c : cases) {
        CAPTURE(c.held);
        CAPTURE(c.shown);
        for (auto const aim : {rotation_aim::rotate, rotation_aim::replace, rotation_aim::force,
                               rotation_aim::revoke}) {
            world w;
            auto f = flow_of(w, aim, c.held, c.shown);
            if (c.end) f.before.previous_client_secret_expires_at = now.plus(*c.end);
            if (c.promised != 0s) f.promised_until = now.plus(c.promised);
            if (c.since != 0s) f.held->since = now.plus(c.since);
            auto const judged = access::detail::judge_token(f, access::rotation_options(), now);
            auto const code = aim == rotation_aim::rotate    ? c.rotate
                              : aim == rotation_aim::replace ? c.replace
                                                             : none;
            CHECK(judged.has_value() == (code == none));
            if (!judged) CHECK(judged.error() == code);
        }
    }
}

TEST_CASE("a lease's grace is that before the latest secret, if its version is that or not known") {
    struct {
        std::int64_t latest, version; // 0: not shown, not known
        bool is_of_latest;
    } const cases[] = {{0, 5, true}, {0, 0, true},  {4, 0, true},  {4, -1, true}, {4, 4, true},
                       {1, 1, true}, {4, 1, false}, {4, 3, false}, {4, 5, false}, {1, 2, false}};
    for (auto const& c : cases) {
        CAPTURE(c.latest);
        CAPTURE(c.version);
        access::intent i({}, scope, "ci");
        i.version = c.version;
        CHECK(access::detail::is_of_latest(i, c.latest) == c.is_of_latest);
    }
}

TEST_CASE("nothing is rotated while the server shows a token as it was before a secret was lost") {
    struct {
        intent_state state;
        std::chrono::seconds opened;
        int version;
        bool is_refused;
    } const cases[] = {{intent_state::lost, -24h + 1s, 5, true},
                       {intent_state::lost, -24h, 5, false},
                       {intent_state::lost, -1h, 4, false},
                       {intent_state::open, -1h, 5, false}};
    for (auto const& c : cases) {
        CAPTURE(c.version);
        for (auto const aim : {rotation_aim::rotate, rotation_aim::replace, rotation_aim::force,
                               rotation_aim::revoke}) {
            world w;
            auto f = flow_of(w, aim, 4, 4);
            f.inherited = f.lease;
            f.inherited->state = c.state;
            f.inherited->opened_at = now.plus(c.opened);
            f.inherited->version = c.version;
            auto const judged = access::detail::judge_token(f, access::rotation_options(), now);
            bool const is_on_purpose = aim == rotation_aim::force || aim == rotation_aim::revoke;
            bool const none_lost = aim == rotation_aim::replace;
            CHECK(judged.has_error() == (!is_on_purpose && (c.is_refused || none_lost)));
            if (!judged) CHECK(judged.error() == errc::conflict);
            bool const is_said = judged.has_error() && judged.error().details().explanation.find(
                                                           "out of date") != std::string::npos;
            CHECK(is_said == (c.is_refused && !is_on_purpose));
        }
    }
}

TEST_CASE("why a token may not be rotated is said in one sentence") {
    world w;
    auto const why = [](access::detail::rotation_flow const& f) {
        auto const judged = access::detail::judge_token(f, access::rotation_options(), now);
        REQUIRE(judged.has_error());
        CHECK(judged.error().details().operation == "rotate");
        return judged.error().details().explanation;
    };
    CHECK(why(flow_of(w, rotation_aim::rotate, 5, 4)) ==
          "the server shows an older secret of " + id +
              " than the sink holds: its response is out of date; ask again later");
    auto before = flow_of(w, rotation_aim::rotate, 4, 4);
    before.inherited = before.lease;
    before.inherited->state = intent_state::lost;
    before.inherited->version = 5;
    CHECK(why(before) == "the server shows an older secret of " + id +
                             " than the last, which is lost: its response is out of date; ask "
                             "again later");
    CHECK(why(flow_of(w, rotation_aim::replace, 4, 4)) == "no secret of " + id + " is lost");
    auto running = flow_of(w, rotation_aim::rotate, 4, 4);
    running.before.previous_client_secret_expires_at = now.plus(1h);
    CHECK(why(running) == "the secret before the one of " + id +
                              " works until 2026-11-24T01:00:00Z: wait, or revoke_and_rotate, "
                              "which ends it");
    auto unknown = flow_of(w, rotation_aim::rotate, 4, 0);
    unknown.inherited = unknown.lease;
    unknown.inherited->opened_at = now.plus(-1h);
    unknown.inherited->until = now.plus(1h);
    CHECK(why(unknown) == "an earlier rotation of " + id +
                              " has no known outcome and may still act until "
                              "2026-11-24T23:00:00Z");
    auto lost = flow_of(w, rotation_aim::rotate, 4, 5);
    CHECK(why(lost) == "the new secret of " + id +
                           " is lost; the one in use works for its grace: extend_grace prolongs "
                           "that; replace_lost makes another secret, and the one in use dies at "
                           "once");
}

TEST_CASE("where no version is shown, a lease that was taken over tells what may have happened") {
    struct {
        intent_state state;
        std::chrono::seconds opened;
        bool has_end, is_same_end;
        errc code; // none: may be rotated
    } const cases[] = {{intent_state::open, -1h, false, false, errc{}},
                       {intent_state::open, -1h, true, false, errc::conflict},
                       {intent_state::open, -24h, true, false, errc{}},
                       {intent_state::open, -24h + 1s, true, false, errc::conflict},
                       {intent_state::open, -1h, true, true, errc::rotation_lost},
                       {intent_state::lost, -48h, true, false, errc::rotation_lost},
                       {intent_state::lost, -48h, false, false, errc::rotation_lost}};
    for (auto const& c : cases) {
        for (int const shown : {0, 4}) {
            world w;
            auto f = flow_of(w, rotation_aim::rotate, 4, shown);
            auto left = f.lease;
            left.state = c.state;
            left.opened_at = now.plus(c.opened);
            left.until = c.has_end ? now.plus(-1s) : timestamp();
            f.before.previous_client_secret_expires_at = now.plus(c.is_same_end ? -1s : -2s);
            f.inherited = left;
            auto const judged = access::detail::judge_token(f, access::rotation_options(), now);
            auto const code = shown == 0 ? c.code : errc{};
            CHECK(judged.has_value() == (code == errc{}));
            if (!judged) CHECK(judged.error() == code);
            f.aim = rotation_aim::replace;
            auto const replaced = access::detail::judge_token(f, access::rotation_options(), now);
            CHECK(replaced.has_value() == (code == errc::rotation_lost));
        }
    }
}

TEST_CASE("what becomes of a lease: by its state, both versions, and the end of the grace") {
    using access::detail::lease_end;
    struct {
        std::string what;
        intent_state state;
        std::chrono::seconds opened, until;
        int held, shown;
        std::optional<std::chrono::seconds> end;
        lease_end becomes;
    } const cases[] = {
        {"memory, over", intent_state::settled, -2h, 0s, 5, 5, {}, lease_end::is_over},
        {"memory, kept", intent_state::settled, -2h, 1s, 5, 5, 1s, lease_end::stays},
        {"memory, kept longer", intent_state::settled, -2h, 1s, 5, 5, 2s, lease_end::stays},
        {"memory, short", intent_state::settled, -2h, 1s, 5, 5, 0s, lease_end::is_short},
        {"memory, not shown", intent_state::settled, -2h, 1s, 5, 5, {}, lease_end::stays},
        {"memory, of an earlier version", intent_state::settled, -2h, 1s, 6, 6, 0s,
         lease_end::stays},
        {"open, stored", intent_state::open, -24h, 1h, 5, 5, 2h, lease_end::is_over},
        {"open, stored, not shown", intent_state::open, -24h, 1h, 5, 5, {}, lease_end::is_kept},
        {"open, stored, not shown, over",
         intent_state::open,
         -24h,
         0s,
         5,
         5,
         {},
         lease_end::is_over},
        {"open, stored, may act", intent_state::open, -24h + 1s, 1h, 5, 5, {}, lease_end::stays},
        {"open, above what is shown", intent_state::open, -25h, 1s, 4, 4, {}, lease_end::stays},
        {"open, above, over", intent_state::open, -25h, 0s, 4, 4, {}, lease_end::is_over},
        {"open, nothing sent", intent_state::open, -1h, 0s, 5, 5, {}, lease_end::is_over},
        {"open, newer held", intent_state::open, -24h + 1s, 1h, 6, 5, {}, lease_end::stays},
        {"open, older held", intent_state::open, -1h, 1h, 4, 5, {}, lease_end::is_lost},
        {"lost, older held", intent_state::lost, -1h, 1h, 4, 5, {}, lease_end::stays},
        {"lost, stored", intent_state::lost, -1h, 1h, 5, 5, 2h, lease_end::is_over},
        {"lost, not shown yet", intent_state::lost, -24h + 1s, 1h, 4, 4, 2h, lease_end::stays},
        {"lost, of another server", intent_state::lost, -24h, 1h, 4, 4, 2h, lease_end::is_over},
        {"lost, no version", intent_state::lost, -1h, 1h, 5, 0, {}, lease_end::stays},
        {"open, no version, same end", intent_state::open, -48h, 1h, 5, 0, 1h, lease_end::is_lost},
        {"open, no version, another end", intent_state::open, -48h, 1h, 5, 0, 2h,
         lease_end::is_over},
        {"open, no version, may act", intent_state::open, -23h, 1h, 5, 0, 2h, lease_end::stays}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        access::intent i(std::string(32, '1'), scope, "ci", now.plus(c.opened));
        i.state = c.state;
        i.version = 5;
        bool const nothing_sent = c.what == "open, nothing sent";
        i.until = nothing_sent ? timestamp() : now.plus(c.until);
        access::held_and_shown one{access::held_token{id, "c.access", c.held},
                                   access::service_token()};
        if (c.shown != 0) one.shown->client_secret_version = c.shown;
        if (c.end) one.shown->previous_client_secret_expires_at = now.plus(*c.end);
        CHECK(access::detail::judge_lease(i, one, access::rotation_options(), now) == c.becomes);
        one.shown.reset(); // the token does not exist any more
        CHECK(access::detail::judge_lease(i, one, access::rotation_options(), now) ==
              lease_end::is_over);
    }
}

} // namespace
} // namespace rotation_flow_tests
