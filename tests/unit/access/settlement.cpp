// Settling what a dead process left: each store that fails, each request that is refused.
#include <cloudflare/access/reconcile.hpp>

#include "told_stores.hpp"

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace settlement_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using namespace told_stores;
using access::intent_state;

std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
std::string const other_id = "9" + id.substr(1);
std::string const tag(32, '1');
std::string const tagged = "issue:" + tag + " ci";
timestamp const opened = timestamp::parse("2026-11-24T00:00:00Z").value();

/// A token as lists show it.
std::string listed(std::string const& name, std::string const& token_id = id,
                   std::string const& more = "") {
    return R"({"id":")" + token_id + R"(","client_id":"c.access","name":")" + name + '"' + more +
           "}";
}
std::string const stranger = listed("x", "7" + id.substr(1));

/// One intent, an hour less a second old, and a round.
struct world {
    world() {
        wanted.key = "k";
        log.inner.insert(wanted).value();
    }
    world& state(intent_state s, std::string token_id = {}, timestamp until = {}) {
        auto i = logged();
        i.state = s;
        i.token_id = std::move(token_id);
        i.until = until;
        log.inner.update(i).value();
        return *this;
    }
    /// A secret in the sink; `of` is the tag that it was stored with.
    world& held(std::string const& of = tag, std::string const& token_id = id) {
        auto i = wanted;
        i.tag = of;
        access::issued_service_token token;
        token.id = token_id;
        sink.inner.store(i, token).value();
        return *this;
    }
    world& list(std::string const& tokens) {
        way.respond(200, R"({"success":true,"result":[)" + tokens + "]}");
        return *this;
    }
    /// The response to a rename or a delete.
    world& done() {
        way.respond(200, R"({"success":true,"result":)" + listed("ci") + "}");
        return *this;
    }
    world& refused(int status, int code = 1) {
        way.respond(status, R"({"success":false,"errors":[{"code":)" + std::to_string(code) +
                                R"(,"message":"no"}]})");
        return *this;
    }
    /// At the n-th update or erase, another process has written the intent.
    world& written_by_another(std::string const& function, int n) {
        log.at[{function, n}] = [this] {
            auto i = logged();
            i.writer = "another";
            return log.inner.update(i);
        };
        return *this;
    }
    auto make(access::issue_options options = access::issue_options()) {
        return access::reconciler(
            client(way, api_token::make("sample").value(),
                   client_options().seed(1).retry(retry_policy().max_attempts(1))),
            where, sink, log, options.now_from([this] { return now; }));
    }
    result<access::reconciled> reconcile() { return make().run_once().get(); }
    [[nodiscard]] access::intent logged() const { return log.inner.list().value().at(0); }
    [[nodiscard]] std::string sent() const {
        std::string lines;
        for (auto const& r : way.requests())
            lines += (lines.empty() ? "" : " ") + std::string(to_string(r.method)) +
                     (r.target.ends_with(other_id) ? " other" : "");
        return lines;
    }

    access::any_scope where = access::account_scope::parse(std::string(32, 'a')).value();
    access::intent wanted{tag, where, "ci", opened};
    timestamp now = opened.plus(1h - 1s);
    testing::scripted_transport way;
    told_sink sink;
    told_log log;
};

TEST_CASE("whatever fails while an intent is settled: what is done, and what the report says") {
    auto const both = listed(tagged) + "," + listed(tagged, other_id);
    auto const watched = opened.plus(24h);
    struct {
        std::string what;
        std::function<void(world&)> script;
        std::string sent;
        std::size_t kept, withdrawn, left_open, watched;
        errc failed; // none: no failure
        intent_state state;
    } const cases[] = {
        // open
        {"kept, but the log fails",
         [&](world& w) {
             w.held().list(listed(tagged)).log.fail("update", 1, errc::intent_log_failed);
         },
         "GET", 0, 0, 1, 0, errc::intent_log_failed, intent_state::open},
        {"kept, but somebody wrote",
         [&](world& w) { w.held().list(listed(tagged)).written_by_another("update", 1); }, "GET", 0,
         0, 1, 0, errc{}, intent_state::open},
        {"kept, but not named", [&](world& w) { w.held().list(listed(tagged)).refused(403); },
         "GET PUT", 1, 0, 1, 0, errc::forbidden, intent_state::settled},
        {"the sink cannot be asked",
         [&](world& w) { w.list(listed(tagged)).sink.fail("find", 1, errc::sink_failed); }, "GET",
         0, 0, 1, 0, errc::sink_failed, intent_state::open},
        {"given up, but the log fails",
         [&](world& w) { w.list(listed(tagged)).log.fail("update", 1, errc::intent_log_failed); },
         "GET", 0, 0, 1, 0, errc::intent_log_failed, intent_state::open},
        {"given up, but somebody wrote",
         [&](world& w) { w.list(listed(tagged)).written_by_another("update", 1); }, "GET", 0, 0, 1,
         0, errc{}, intent_state::open},
        {"given up, but the sink cannot be asked again",
         [&](world& w) { w.list(listed(tagged)).sink.fail("find", 2, errc::sink_failed); }, "GET",
         0, 0, 1, 0, errc::sink_failed, intent_state::withdrawing},
        {"given up, then held, but the log fails",
         [&](world& w) {
             w.list(listed(tagged)).log.fail("update", 2, errc::intent_log_failed);
             w.sink.at[{"find", 2}] = [&w] { return w.held(), result<void>(); };
         },
         "GET", 0, 0, 1, 0, errc::intent_log_failed, intent_state::withdrawing},
        {"given up, then another token is held",
         [&](world& w) {
             w.list(listed(tagged) + "," + stranger).done();
             w.sink.at[{"find", 2}] = [&w] {
                 return w.held("", "7" + id.substr(1)), result<void>();
             };
         },
         "GET DELETE", 0, 1, 0, 1, errc{}, intent_state::settled},
        {"one of two withdrawn, then the log fails",
         [&](world& w) { w.list(both).done().log.fail("update", 2, errc::intent_log_failed); },
         "GET DELETE", 0, 1, 1, 0, errc::intent_log_failed, intent_state::withdrawing},
        {"one of two withdrawn, then somebody writes",
         [&](world& w) { w.list(both).done().written_by_another("update", 2); }, "GET DELETE", 0, 1,
         1, 0, errc{}, intent_state::withdrawing},
        {"two withdrawn", [&](world& w) { w.list(both).done().done(); }, "GET DELETE DELETE other",
         0, 2, 0, 1, errc{}, intent_state::settled},
        {"withdrawn, then the log fails",
         [&](world& w) {
             w.list(listed(tagged)).done().log.fail("update", 2, errc::intent_log_failed);
         },
         "GET DELETE", 0, 1, 1, 0, errc::intent_log_failed, intent_state::withdrawing},
        {"deleted, but not forgotten",
         [&](world& w) { w.list(listed(tagged)).done().sink.fail("forget", 1, errc::sink_failed); },
         "GET DELETE", 0, 0, 1, 0, errc::sink_failed, intent_state::withdrawing},
        {"none marked, and the intent is not old", [&](world& w) { w.list(stranger); }, "GET", 0, 0,
         1, 0, errc{}, intent_state::open},
        {"none marked, the intent is old, but the log fails",
         [&](world& w) {
             w.now = opened.plus(1h);
             w.list(stranger).log.fail("update", 1, errc::intent_log_failed);
         },
         "GET", 0, 0, 1, 0, errc::intent_log_failed, intent_state::open},
        // withdrawing
        {"taken over",
         [&](world& w) { w.state(intent_state::withdrawing, id).list(stranger).done(); },
         "GET DELETE", 0, 1, 0, 1, errc{}, intent_state::settled},
        {"not taken over, for somebody wrote",
         [&](world& w) {
             w.state(intent_state::withdrawing, id).list(listed(tagged));
             w.written_by_another("update", 1);
         },
         "GET", 0, 0, 1, 0, errc{}, intent_state::withdrawing},
        {"not taken over, for the log fails",
         [&](world& w) {
             w.state(intent_state::withdrawing, id).list(listed(tagged));
             w.log.fail("update", 1, errc::intent_log_failed);
         },
         "GET", 0, 0, 1, 0, errc::intent_log_failed, intent_state::withdrawing},
        {"no token is known", [&](world& w) { w.state(intent_state::withdrawing).list(stranger); },
         "GET", 0, 0, 0, 1, errc{}, intent_state::settled},
        {"the named token first, then the listed one",
         [&](world& w) { w.state(intent_state::withdrawing, other_id).list(both).done().done(); },
         "GET DELETE other DELETE", 0, 2, 0, 1, errc{}, intent_state::settled},
        // settled
        {"watched without a token, and the sink cannot be asked",
         [&](world& w) {
             w.state(intent_state::settled, "", watched).list(stranger);
             w.sink.fail("find", 1, errc::sink_failed);
         },
         "GET", 0, 0, 1, 0, errc::sink_failed, intent_state::settled},
        {"watched without a token, held, and not deleted",
         [&](world& w) {
             w.state(intent_state::settled, "", watched).held().list(stranger).refused(403);
         },
         "GET DELETE", 0, 0, 1, 0, errc::forbidden, intent_state::settled},
        {"watched without a token, another one is held",
         [&](world& w) { w.state(intent_state::settled, "", watched).held("").list(stranger); },
         "GET", 0, 0, 0, 1, errc{}, intent_state::settled},
        {"a late token is not deleted",
         [&](world& w) {
             w.state(intent_state::settled, id, watched);
             w.list(listed("ci") + "," + listed(tagged, other_id)).refused(403);
         },
         "GET DELETE other", 0, 0, 1, 0, errc::forbidden, intent_state::settled},
        {"the owned token's name stays tagged",
         [&](world& w) {
             w.state(intent_state::settled, id, watched).list(listed(tagged)).refused(403);
         },
         "GET PUT", 0, 0, 1, 0, errc::forbidden, intent_state::settled},
        {"watched: nothing to do",
         [&](world& w) { w.state(intent_state::settled, id, watched).list(listed("ci")); }, "GET",
         0, 0, 0, 1, errc{}, intent_state::settled},
        {"over, but the log fails",
         [&](world& w) {
             w.state(intent_state::settled, id, opened).list(listed("ci"));
             w.log.fail("erase", 1, errc::intent_log_failed);
         },
         "GET", 0, 0, 1, 0, errc::intent_log_failed, intent_state::settled},
        {"over, but somebody wrote",
         [&](world& w) {
             w.state(intent_state::settled, id, opened).list(listed("ci"));
             w.written_by_another("erase", 1);
         },
         "GET", 0, 0, 0, 0, errc{}, intent_state::settled},
    };
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        c.script(w);
        auto const before = w.logged();
        auto const held = w.sink.inner.list().value();
        auto const done = w.reconcile().value();
        CHECK(w.sent() == c.sent);
        CHECK(done.kept.size() == c.kept);
        CHECK(done.withdrawn.size() == c.withdrawn);
        CHECK(done.left_open.size() == c.left_open);
        CHECK(done.watched.size() == c.watched);
        REQUIRE(done.failed.size() == (c.failed == errc{} ? 0 : 1));
        if (!done.failed.empty()) CHECK(done.failed[0].why == c.failed);
        auto const after = w.logged();
        CHECK(after.state == c.state);
        if (c.sent == "GET" && c.failed == errc{} && c.watched != 0 &&
            before.state == intent_state::settled)
            CHECK(after == before); // a round that has nothing to do writes nothing
        bool const is_deleted = c.sent.find("DELETE") != std::string::npos;
        if (!is_deleted && !held.empty()) CHECK(w.sink.inner.list().value().size() == held.size());
        if (after.state == intent_state::settled && before.state != intent_state::settled)
            CHECK(after.until == w.now.plus(30 * 24h));
    }
}

TEST_CASE("an intent that is taken over is written before its tokens are deleted") {
    world w;
    w.state(intent_state::withdrawing, id).list(listed(tagged)).done();
    auto const before = w.logged();
    CHECK(w.reconcile().value().withdrawn.size() == 1);
    CHECK(w.logged().revision == before.revision + 2);
    CHECK(w.log.made["update"] == 2);
}

TEST_CASE(
    "of a settled intent that is not watched, copies of its name are left wherever they stand") {
    world w;
    w.state(intent_state::settled, id);
    w.list(listed(tagged, other_id) + "," + listed(tagged)).done();
    CHECK(w.reconcile().value().withdrawn.empty());
    CHECK(w.sent() == "GET PUT");
    CHECK(w.way.requests()[1].target.ends_with(id));
    CHECK(w.log.inner.list().value().empty());
}

TEST_CASE("an intent that is dated anew has not failed, and is settled at once if it may be") {
    for (bool const at_once : {false, true}) {
        world w;
        auto i = w.logged();
        i.opened_at = timestamp();
        w.log.inner.update(i).value();
        w.list(listed(tagged));
        if (at_once) w.done();
        auto const done =
            w.make(access::issue_options().min_age(at_once ? 0s : 15min)).run_once().get().value();
        CHECK(done.failed.empty());
        CHECK(done.left_open.size() == (at_once ? 0 : 1));
        CHECK(done.withdrawn.size() == (at_once ? 1 : 0));
        CHECK(w.logged().opened_at == w.now);
    }
}

TEST_CASE(
    "an intent's tokens are those with its tag, or its version as raised by a few rotations") {
    struct {
        std::int64_t marked_by, version;
        bool is_marked;
    } const cases[] = {{32, 32, true}, {32, 47, true}, {32, 48, false}, {32, 31, false},
                       {0, 0, false},  {0, 15, false}, {32, 0, false},  {16, 16, true}};
    for (auto const& c : cases) {
        for (bool const has_tag : {false, true}) {
            CAPTURE(c.marked_by);
            CAPTURE(c.version);
            world w;
            auto i = w.logged();
            i.version = c.marked_by;
            w.log.inner.update(i).value();
            auto const more = R"(,"client_secret_version":)" + std::to_string(c.version);
            w.list(stranger + "," + listed(has_tag ? tagged : "ci", id, more)).done();
            auto const done = w.reconcile().value();
            CHECK(done.withdrawn.size() == (c.is_marked || has_tag ? 1 : 0));
        }
    }
}

TEST_CASE("a token that was made outside its intent's time is a copy, and is not touched") {
    struct {
        std::string created;
        timestamp until;
        bool is_ours;
    } const cases[] = {{"2026-11-22T23:59:59Z", opened.plus(1h), false},
                       {"2026-11-23T00:00:00Z", opened.plus(1h), true},
                       {"2026-12-25T00:00:00Z", opened.plus(1h), true}, // 30 days and one
                       {"2026-12-25T00:00:01Z", opened.plus(1h), false},
                       {"2026-12-31T00:00:00Z", opened.plus(36 * 24h), true},
                       {"2026-12-31T00:00:01Z", opened.plus(36 * 24h), false}};
    for (auto const& c : cases) {
        CAPTURE(c.created);
        world w;
        w.state(intent_state::settled, other_id, c.until);
        w.list(listed("ci", other_id) + "," +
               listed(tagged, id, R"(,"created_at":")" + c.created + '"'));
        w.done();
        w.now = opened.plus(38 * 24h);
        auto const done = w.reconcile().value();
        CHECK(done.withdrawn.size() == (c.is_ours ? 1 : 0));
        CHECK(done.strays.size() == (c.is_ours ? 0 : 1));
    }
}

TEST_CASE("an intent is dated wrongly if it is from more than five minutes ahead") {
    for (std::chrono::seconds const ahead : {300s, 301s}) {
        world w;
        auto i = w.logged();
        i.opened_at = w.now.plus(ahead);
        w.log.inner.update(i).value();
        if (ahead != 300s) w.list(stranger);
        auto const done = w.reconcile().value();
        CHECK(done.left_open.size() == 1);
        CHECK(w.sent() == (ahead == 300s ? "" : "GET"));
        CHECK(w.logged().opened_at == (ahead == 300s ? w.now.plus(ahead) : w.now));
    }
}

// The round.

TEST_CASE("what cannot be read ends a round with an error, and nothing is changed") {
    world log;
    log.log.fail("list", 1, errc::intent_log_failed);
    CHECK(log.reconcile().error() == errc::intent_log_failed);
    CHECK(log.sent().empty());
    CHECK(log.way.waits().size() == 3);

    world again; // the second look at the log, for strays
    again.list(stranger + "," + listed("issue:" + std::string(32, '5'), other_id));
    again.log.fail("list", 2, errc::intent_log_failed);
    auto const done = again.reconcile().value();
    CHECK(done.strays.empty());
    CHECK(done.left_open.size() == 1);
}

TEST_CASE("rotations in the log are no business of the reconciler's, wherever they stand") {
    world w;
    auto rotating = w.wanted;
    rotating.tag = std::string(32, '3');
    rotating.purpose = access::intent_purpose::rotate;
    w.log.inner.erase(w.logged()).value();
    w.log.inner.insert(rotating).value();
    w.log.inner.insert(w.wanted).value();
    w.list(listed(tagged)).done();
    auto const done = w.reconcile().value();
    CHECK(done.withdrawn.size() == 1);
    CHECK(done.elsewhere.empty());
    CHECK(w.logged() == rotating);
}

TEST_CASE("strays: what cannot be read is an error, and nothing is deleted") {
    auto const stray = "issue:" + std::string(32, '5');
    world list;
    list.refused(403);
    CHECK(list.make().find_strays().get().error() == errc::forbidden);

    world token;
    token.refused(403);
    CHECK(token.make().remove_stray(id).get().error() == errc::forbidden);
    CHECK(token.sent() == "GET");

    world log;
    log.way.respond(200, R"({"success":true,"result":)" + listed(stray) + "}");
    log.log.fail("list", 1, errc::intent_log_failed);
    CHECK(log.make().remove_stray(id).get().error() == errc::intent_log_failed);
    CHECK(log.sent() == "GET");

    world named;
    named.way.respond(200, R"({"success":true,"result":)" + listed("ci") + "}");
    auto const e = named.make().remove_stray(id).get().error();
    CHECK(e == errc::conflict);
    CHECK(e.details().explanation == "token " + id + ": is no stray any more");
}

TEST_CASE("a token that an intent names by its id is no stray, whatever its name") {
    world w;
    auto const stray = "issue:" + std::string(32, '5');
    w.state(intent_state::settled, other_id, opened.plus(24h)).list(listed(stray, other_id)).done();
    CHECK(w.reconcile().value().strays.empty());
}

// The loop.

/// A transport some of whose waits end early, as those of a caller that is cancelled do.
struct impatient_transport : testing::scripted_transport {
    impatient_transport(testing::scripted_transport const& same, bool early)
        : testing::scripted_transport(same), ends_early(early) {}
    task<void> sleep_until(time_point t) {
        if (ends_early) return nothing();
        return testing::scripted_transport::sleep_until(t);
    }
    static task<void> nothing() { co_return; }

    bool ends_early;
};

TEST_CASE("the loop ends when it is cancelled, in a round or in a wait, and only then") {
    struct {
        std::string what;
        bool early;
        std::function<void(world&)> script;
        int rounds;
        std::string sent;
    } const cases[] = {
        {"in a round", false, [](world& w) { w.way.fail(errc::cancelled, delivery::not_sent); }, 1,
         "GET"},
        {"in a wait", true,
         [](world& w) { w.list(stranger).way.fail(errc::cancelled, delivery::not_sent); }, 1,
         "GET GET"},
        {"a wait that ends early for no reason", true,
         [](world& w) { w.list(stranger).list(stranger).list(stranger); }, 2, "GET GET GET"},
        {"a wait that ends early, and a list that is refused", true,
         [](world& w) { w.list(stranger).refused(403).list(stranger); }, 2, "GET GET GET"},
        {"a list that is refused", false, [](world& w) { w.refused(403).list(stranger); }, 2,
         "GET GET"},
        {"no reason", false, [](world& w) { w.list(stranger).list(stranger); }, 2, "GET GET"}};
    for (auto const& c : cases) {
        CAPTURE(c.what);
        world w;
        c.script(w);
        access::reconciler reconciler(
            client(impatient_transport(w.way, c.early), api_token::make("sample").value(),
                   client_options().seed(1).retry(retry_policy().max_attempts(1))),
            w.where, w.sink, w.log, access::issue_options().now_from([&] { return w.now; }));
        int rounds = 0;
        reconciler.run([&](result<access::reconciled> const&) { return ++rounds != 2; }).get();
        CHECK(rounds == c.rounds);
        CHECK(w.sent() == c.sent);
    }
}

} // namespace
} // namespace settlement_tests
