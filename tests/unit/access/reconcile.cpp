#include <cloudflare/access/reconcile.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reconcile_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;

std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
std::string const tag(32, '1');
timestamp const opened = timestamp::parse("2026-11-24T00:00:00Z").value();

struct fixture {
    fixture() {
        wanted.key = "k";
        intents.insert(wanted).value();
    }

    result<access::reconciled> reconcile(std::chrono::seconds age) {
        access::reconciler reconciler(
            client(way, api_token::make("sample").value(), client_options().seed(1)), where, sink,
            intents, access::issue_options().now_from([=] { return opened.plus(age); }));
        return reconciler.run_once().get();
    }
    fixture& respond_with_list(std::string const& names) {
        way.respond(200, R"({"success":true,"result":[)" + names + "]}");
        return *this;
    }
    static std::string token(std::string const& name, std::string const& token_id = id) {
        return R"({"id":")" + token_id + R"(","client_id":"c.access","name":")" + name + R"("})";
    }
    fixture& refused(int status, int code = 1) {
        way.respond(status, R"({"success":false,"errors":[{"code":)" + std::to_string(code) +
                                R"(,"message":"no"}]})");
        return *this;
    }
    fixture& respond_with_token() {
        way.respond(200, R"({"success":true,"result":)" + token("ci") + "}");
        return *this;
    }
    /// Whether an intent is in the log that is not settled.
    [[nodiscard]] bool is_open() const {
        auto const all = intents.list().value();
        return std::any_of(all.begin(), all.end(), [](access::intent const& i) {
            return i.state != access::intent_state::settled;
        });
    }

    access::any_scope where = access::account_scope::parse(std::string(32, 'a')).value();
    access::intent wanted{tag, where, "ci", opened};
    testing::scripted_transport way;
    access::memory_sink sink;
    access::memory_intent_log intents;
};

TEST_CASE("a token that nobody holds is withdrawn") {
    fixture f;
    f.respond_with_list(fixture::token("issue:" + tag + " ci")).respond_with_token();
    auto const done = f.reconcile(15min).value();
    CHECK(done.withdrawn == std::vector<std::string>{id});
    CHECK(f.way.requests()[1].method == http::method::delete_);
    CHECK_FALSE(f.is_open());
}

TEST_CASE("a token that the sink holds is kept and gets its name") {
    fixture f;
    access::issued_service_token token;
    token.id = id;
    f.sink.store(f.wanted, token).value();
    f.respond_with_list(fixture::token("issue:" + tag + " ci")).respond_with_token();
    auto const done = f.reconcile(15min).value();
    CHECK(done.kept == std::vector<std::string>{id});
    CHECK(f.way.requests()[1].body == R"({"name":"ci"})");
    CHECK_FALSE(f.is_open());
}

TEST_CASE("a young intent is left alone") {
    fixture f;
    auto const done = f.reconcile(15min - 1s).value();
    CHECK(done.left_open.size() == 1);
    CHECK(f.way.requests().empty());
}

TEST_CASE("an empty list proves nothing, however old the intent is") {
    fixture f;
    f.respond_with_list("");
    CHECK(f.reconcile(1000h).value().left_open.size() == 1);
    CHECK(f.is_open());
}

TEST_CASE("an empty list and a token that is not found leave an old intent watched, not erased") {
    fixture f;
    auto second = f.wanted;
    second.tag = std::string(32, '2');
    second.key = "another";
    f.intents.insert(second).value();
    f.respond_with_list("");
    CHECK(f.reconcile(1h - 1s).value().left_open.size() == 2);
    CHECK(f.way.requests().size() == 1);
    f.respond_with_list("").refused(404, 12135);
    auto const done = f.reconcile(1h).value();
    CHECK(done.watched.size() == 2);
    CHECK(done.failed.empty());
    REQUIRE(f.way.requests().size() == 3); // asked once for both
    auto const& asked = f.way.requests()[2];
    CHECK(asked.method == http::method::get);
    auto const uuid = asked.target.substr(asked.target.rfind('/') + 1);
    CHECK(uuid.size() == 36);
    CHECK(uuid.substr(8, 1) + uuid[13] + uuid[14] + uuid[18] + uuid[19] + uuid[23] == "--4-8-");
    auto const all = f.intents.list().value();
    CHECK(all[0].state == access::intent_state::settled);
    CHECK(all[0].until == opened.plus(1h + 30 * 24h));
    f.respond_with_list("");
    CHECK(f.reconcile(31 * 24h).value().watched.size() == 2); // nor at the end of the watch
    f.respond_with_list(fixture::token("issue:" + tag + " ci")).respond_with_token();
    CHECK(f.reconcile(32 * 24h).value().withdrawn == std::vector<std::string>{id});
}

TEST_CASE("an empty list is no proof where a token is not refused as one that does not exist") {
    struct {
        int status, code;
        bool fails;
    } const refusals[] = {
        {403, 10000, false}, {401, 10000, false}, {404, 7003, true}, {400, 1, true}};
    for (auto const& r : refusals) {
        fixture f;
        f.respond_with_list("").refused(r.status, r.code);
        auto const done = f.reconcile(1000h).value();
        CHECK(done.left_open.size() == 1);
        CHECK(done.failed.size() == (r.fails ? 1 : 0));
        CHECK(f.is_open());
    }
}

TEST_CASE("an empty page of more that are counted is no reason to ask") {
    fixture f;
    f.way.respond(200, R"({"success":true,"result":[],"result_info":{"total_count":1}})");
    CHECK(f.reconcile(1000h).value().left_open.size() == 1);
    CHECK(f.way.requests().size() == 1);
}

TEST_CASE("a list that shows others proves that the token was never made, once the intent is old") {
    fixture f;
    f.respond_with_list(fixture::token("ci"));
    CHECK(f.reconcile(1h - 1s).value().left_open.size() == 1);
    f.respond_with_list(fixture::token("ci"));
    CHECK(f.reconcile(1h).value().left_open.empty());
    CHECK_FALSE(f.is_open());
    CHECK(f.way.requests().size() == 2);
}

TEST_CASE("a token that a lagging list shows and that is long deleted leaves the intent watched") {
    fixture f;
    f.respond_with_list(fixture::token("issue:" + tag + " ci"));
    f.way.respond(404, R"({"success":false,"errors":[{"code":12135,"message":"not found"}]})");
    auto const done = f.reconcile(15min).value();
    CHECK(done.withdrawn.empty());
    REQUIRE(done.watched.size() == 1);
    CHECK(f.intents.list().value().at(0).until == opened.plus(15min + 30 * 24h));
}

TEST_CASE("a withdrawal that is not certain leaves the intent open") {
    fixture f;
    f.respond_with_list(fixture::token("issue:" + tag + " ci"));
    f.way.respond(400, R"({"success":false,"errors":[{"code":12139,"message":"in use"}]})");
    CHECK(f.reconcile(15min).value().left_open.size() == 1);
    CHECK(f.is_open());
}

TEST_CASE("an intent is as old as it was before the list, however long that took") {
    fixture f;
    f.respond_with_list(fixture::token("ci"));
    auto now = opened.plus(1h - 1s);
    auto const later_each_time = [&] { return std::exchange(now, now.plus(1h)); };
    access::reconciler reconciler(
        client(f.way, api_token::make("sample").value(), client_options().seed(1)), f.where, f.sink,
        f.intents, access::issue_options().now_from(later_each_time));
    CHECK(reconciler.run_once().get().value().left_open.size() == 1);
    CHECK(f.is_open());
}

TEST_CASE("many intents are settled by one list") {
    fixture f;
    std::string names = fixture::token("issue:" + tag + " ci");
    for (char digit = '2'; digit != '6'; ++digit) {
        std::string const other_tag(32, digit);
        f.intents.insert({other_tag, f.where, "ci", opened, ""}).value();
        names += "," + fixture::token("issue:" + other_tag + " ci", digit + id.substr(1));
        f.intents.insert({std::string(31, digit) + "a", f.where, "ci", opened, ""}).value();
    }
    f.respond_with_list(names);
    for (int i = 0; i != 5; ++i)
        f.respond_with_token();
    auto const done = f.reconcile(15min).value();
    CHECK(done.withdrawn.size() == 5);
    CHECK(done.left_open.size() == 4); // no token has their tags, and they are not old enough
    CHECK(f.way.requests().size() == 6);
}

TEST_CASE("another scope's intents are left alone") {
    fixture f;
    f.where = access::zone_scope::parse(std::string(32, 'b')).value();
    f.respond_with_list("");
    CHECK(f.reconcile(1000h).value().left_open.empty());
    CHECK(f.is_open());
    CHECK(f.way.requests().empty());
}

// Each state of an intent, and what fails in it.

/// A token as lists show it.
std::string listed(std::string const& name, std::string const& more = "",
                   std::string const& token_id = id) {
    return R"({"id":")" + token_id + R"(","client_id":"c.access","name":")" + name + '"' + more +
           "}";
}
std::string const tagged = "issue:" + tag + " ci";
std::string const other_id = "9" + id.substr(1);

struct harsh : fixture {
    harsh() = default;
    /// A secret in the sink, of the issue with this tag.
    void hold(std::string const& token_id = id, std::string const& of = tag) {
        auto i = wanted;
        i.tag = of;
        access::issued_service_token token;
        token.id = token_id;
        sink.store(i, token).value();
    }
    void set(access::intent_state state, std::string token_id = {}, timestamp until = {}) {
        auto i = intents.list().value().at(0);
        i.state = state;
        i.token_id = std::move(token_id);
        i.until = until;
        intents.update(i).value();
    }
    [[nodiscard]] access::intent logged() const { return intents.list().value().at(0); }
    [[nodiscard]] std::string sent() const {
        std::string methods;
        for (auto const& r : way.requests())
            methods += (methods.empty() ? "" : " ") + std::string(to_string(r.method));
        return methods;
    }
};

TEST_CASE("an intent that is withdrawn says so in the log before the delete, and is watched") {
    harsh h;
    h.respond_with_list(listed(tagged));
    h.refused(500).refused(500).refused(500).refused(500);
    auto const done = h.reconcile(15min).value();
    CHECK(h.logged().state == access::intent_state::withdrawing);
    CHECK(h.logged().token_id == id);
    CHECK(done.left_open.size() == 1);
    CHECK(h.logged().writer.size() == 32); // by which a reconciler knows its own write
    REQUIRE(done.failed.size() == 1);
    CHECK(done.failed[0].why == errc::server_error);
    CHECK(done.failed[0].i.tag == tag);
    // The next round deletes, though lists do not show it any more, and whatever its age.
    h.respond_with_list(listed("other", "", other_id)).respond_with_token();
    auto const again = h.reconcile(0s).value();
    CHECK(again.withdrawn == std::vector<std::string>{id});
    CHECK(h.way.requests().back().method == http::method::delete_);
    CHECK(h.logged().state == access::intent_state::settled);
    CHECK(h.logged().token_id.empty());
    CHECK(h.logged().until == opened.plus(30 * 24h));
}

TEST_CASE("what is being withdrawn is deleted and forgotten, though the sink holds it") {
    harsh h;
    h.hold();
    h.set(access::intent_state::withdrawing, id);
    h.respond_with_list(listed(tagged)).respond_with_token();
    CHECK(h.reconcile(15min).value().withdrawn.size() == 1);
    CHECK_FALSE(h.sink.stored(id));
}

TEST_CASE("a token that the sink of another issue's holds is not this one's") {
    harsh h;
    h.hold(other_id, std::string(32, '7'));
    h.respond_with_list(listed(tagged) + "," + listed("ci", "", other_id)).respond_with_token();
    auto const done = h.reconcile(15min).value();
    CHECK(done.withdrawn == std::vector<std::string>{id});
    CHECK(done.kept.empty());
    CHECK(h.sink.stored(other_id));
}

TEST_CASE("a token that is held is owned, and a second one with its tag is withdrawn") {
    harsh h;
    h.hold();
    h.respond_with_list(listed(tagged) + "," + listed(tagged, "", other_id));
    h.respond_with_token().respond_with_token();
    auto const done = h.reconcile(15min).value();
    CHECK(done.kept == std::vector<std::string>{id});
    CHECK(done.withdrawn == std::vector<std::string>{other_id});
    CHECK(h.sent() == "GET PUT DELETE");
    CHECK(h.logged().token_id == id);
    CHECK(done.watched.size() == 1);
    CHECK(done.left_open.empty());
}

TEST_CASE("a held token that has its name already is kept without a request") {
    harsh h;
    h.hold();
    h.respond_with_list(listed("ci"));
    CHECK(h.reconcile(15min).value().kept.size() == 1);
    CHECK(h.sent() == "GET");
}

TEST_CASE("a watched intent withdraws what comes late, and is erased when the watch is over") {
    harsh h;
    h.set(access::intent_state::settled, id, opened.plus(24h));
    h.respond_with_list(listed("ci") + "," + listed(tagged, "", other_id)).respond_with_token();
    auto const late = h.reconcile(23h).value();
    CHECK(late.withdrawn == std::vector<std::string>{other_id});
    CHECK(late.watched.size() == 1);
    h.respond_with_list(""); // is no proof
    CHECK(h.reconcile(25h).value().watched.size() == 1);
    h.way.respond(200, R"({"success":true,"result":[)" + listed("ci") +
                           R"(],"result_info":{"total_count":2,"total_pages":1}})");
    CHECK(h.reconcile(25h).value().watched.size() == 1); // neither is this
    h.respond_with_list(listed("ci"));
    CHECK(h.reconcile(24h - 1s).value().watched.size() == 1);
    h.respond_with_list(listed("ci"));
    auto const over = h.reconcile(24h).value();
    CHECK(over.watched.empty());
    CHECK(over.left_open.empty());
    CHECK(h.intents.list().value().empty());
}

TEST_CASE("a settled intent that waits for its name only is erased with it") {
    harsh h;
    h.set(access::intent_state::settled, id);
    h.respond_with_list(listed(tagged) + "," + listed(tagged, "", other_id)).respond_with_token();
    auto const done = h.reconcile(0s).value();
    CHECK(h.sent() == "GET PUT"); // the other one is a copy, for no second token can come
    CHECK(h.way.requests()[1].body == R"({"name":"ci"})");
    CHECK(h.intents.list().value().empty());
    CHECK(done.strays.empty()); // not as long as an intent of its tag is there

    harsh unseen; // the list lags behind
    unseen.set(access::intent_state::settled, id);
    unseen.respond_with_list(listed("x", "", other_id)).refused(500);
    CHECK(unseen.reconcile(0s).value().failed.size() == 1);
    CHECK(unseen.intents.list().value().size() == 1);
    unseen.respond_with_list(listed("x", "", other_id)).refused(404, 12135);
    CHECK(unseen.reconcile(0s).value().failed.empty());
    CHECK(unseen.intents.list().value().empty());
}

TEST_CASE("a secret that was stored when its token was withdrawn already is forgotten") {
    harsh h;
    h.hold();
    h.set(access::intent_state::settled, "", opened.plus(24h));
    h.respond_with_list(listed("x", "", other_id)).refused(404, 12135);
    CHECK(h.reconcile(1h).value().watched.size() == 1);
    CHECK(h.sent() == "GET DELETE");
    CHECK_FALSE(h.sink.stored(id));
}

TEST_CASE("a token older than its intent has a copied name: a stray, which is not touched") {
    harsh h;
    h.respond_with_list(listed(tagged, R"(,"created_at":"2026-11-22T23:59:59Z")"));
    auto const done = h.reconcile(30min).value();
    CHECK(h.sent() == "GET");
    REQUIRE(done.strays.size() == 1);
    CHECK(done.strays[0].id == id);
    harsh ours;
    ours.respond_with_list(listed(tagged, R"(,"created_at":"2026-11-23T00:00:00Z")"))
        .respond_with_token();
    CHECK(ours.reconcile(30min).value().withdrawn.size() == 1);
}

TEST_CASE("strays are old, carry a tag, and are named by no intent") {
    harsh h;
    std::string const stray = "issue:" + std::string(32, 'A') + " x";
    h.respond_with_list(listed(stray, R"(,"created_at":"2026-11-24T00:45:01Z")") + "," +
                        listed(stray, R"(,"created_at":"2026-11-24T00:45:00Z")", other_id) + "," +
                        listed("issue:xyz", "", "7" + id.substr(1)) + "," +
                        listed(tagged, "", "8" + id.substr(1)));
    h.respond_with_token();
    auto const done = h.reconcile(1h).value();
    REQUIRE(done.strays.size() == 1);
    CHECK(done.strays[0].id == other_id);
}

TEST_CASE("a stray is deleted only if it is one still") {
    harsh h;
    access::reconciler reconciler(client(h.way, api_token::make("sample").value()), h.where, h.sink,
                                  h.intents);
    auto const shown = [&](std::string const& name) {
        h.way.respond(200, R"({"success":true,"result":)" + listed(name) + "}");
    };
    shown("ci");
    CHECK(reconciler.remove_stray(id).get().error() == errc::conflict);
    shown(tagged);
    CHECK(reconciler.remove_stray(id).get().error() == errc::conflict); // an intent names it
    CHECK(h.sent() == "GET GET");
    h.refused(404, 12135);
    CHECK(reconciler.remove_stray(id).get().value() == access::presence::absent);
    shown("issue:" + std::string(32, '5'));
    h.respond_with_token();
    CHECK(reconciler.remove_stray(id).get().value() == access::presence::there);
    CHECK(h.sent() == "GET GET GET GET DELETE");
    h.respond_with_list(listed("issue:" + std::string(32, '5')));
    CHECK(reconciler.find_strays().get().value().size() == 1);
}

TEST_CASE("intents of other scopes and other sinks are said, and not touched") {
    harsh h;
    auto there = h.wanted;
    there.tag = std::string(32, '2');
    there.scope = access::zone_scope::parse(std::string(32, 'b')).value();
    h.intents.insert(there).value();
    auto elsewhere = h.wanted;
    elsewhere.tag = std::string(32, '3');
    elsewhere.sink = "host b";
    h.intents.insert(elsewhere).value();
    auto rotating = h.wanted;
    rotating.tag = std::string(32, '4');
    rotating.purpose = access::intent_purpose::rotate;
    h.intents.insert(rotating).value();
    h.respond_with_list(listed("x", "", other_id));
    auto const done = h.reconcile(2h).value();
    CHECK(done.elsewhere.size() == 2);
    CHECK(done.watched.size() == 1);
    CHECK(h.intents.list().value().size() == 4);
}

TEST_CASE("an intent without a date, or one from the future, is dated now and left alone") {
    for (auto const at : {timestamp(), opened.plus(1h + 5min + 1s)}) {
        harsh h;
        auto i = h.logged();
        i.opened_at = at;
        h.intents.update(i).value();
        h.respond_with_list(listed(tagged));
        CHECK(h.reconcile(1h).value().left_open.size() == 1);
        CHECK(h.logged().opened_at == opened.plus(1h));
        CHECK(h.logged().state == access::intent_state::open);
        CHECK(h.sent() == "GET");
    }
}

TEST_CASE("a list that takes long makes no intent one from the future") {
    fixture f;
    http::response r{.status = 200};
    r.body = R"({"success":true,"result":[)" + fixture::token("issue:" + tag + " ci") + "]}";
    static_cast<void>(r.fields.add("Date", "Tue, 24 Nov 2026 00:16:00 GMT"));
    f.way.respond(r).latency(30min);
    access::reconciler reconciler(
        client(f.way, api_token::make("sample").value(),
               client_options().seed(1).deadline(2h).retry(retry_policy().attempt_timeout(1h))),
        f.where, f.sink, f.intents,
        access::issue_options().now_from([] { return opened.plus(1h); }));
    CHECK(reconciler.run_once().get().value().left_open.size() == 1);
    CHECK(f.intents.list().value().at(0).opened_at == opened);
}

TEST_CASE("the age is by the server's clock, once the list has told it") {
    harsh h;
    http::response r{.status = 200};
    r.body = R"({"success":true,"result":[)" + listed(tagged) + "]}";
    static_cast<void>(r.fields.add("Date", "Tue, 24 Nov 2026 00:14:59 GMT"));
    h.way.respond(r);
    CHECK(h.reconcile(100h).value().left_open.size() == 1);
    CHECK(h.sent() == "GET");
}

TEST_CASE("where the list or the log cannot be read nothing is done") {
    harsh h;
    h.refused(403);
    CHECK(h.reconcile(1h).error() == errc::forbidden);
    CHECK(h.is_open());
    CHECK(h.logged().revision == 1);
}

/// A sink that cannot be read.
struct unreadable_sink : access::memory_sink {
    std::string bad_key;
    result<std::optional<access::held_token>> find(std::string_view key) const {
        if (key == bad_key) return error(errc::sink_failed, "not mounted");
        return access::memory_sink::find(key);
    }
};

TEST_CASE("one sink entry that cannot be read leaves its intent open, and the others settled") {
    harsh h;
    unreadable_sink sink;
    sink.bad_key = "k";
    auto second = h.wanted;
    second.tag = std::string(32, '2');
    second.key = "k2";
    h.intents.insert(second).value();
    h.respond_with_list(listed(tagged) + "," + listed("issue:" + second.tag, "", other_id));
    h.respond_with_token();
    access::reconciler reconciler(
        client(h.way, api_token::make("sample").value(), client_options().seed(1)), h.where, sink,
        h.intents, access::issue_options().now_from([] { return opened.plus(15min); }));
    auto const done = reconciler.run_once().get().value();
    CHECK(done.withdrawn == std::vector<std::string>{other_id});
    REQUIRE(done.failed.size() == 1);
    CHECK(done.failed[0].why == errc::sink_failed);
    CHECK(done.left_open.size() == 1);
    CHECK(h.sent() == "GET DELETE");
}

/// A sink into which a process that was stopped stores, just when it has been looked at.
struct late_sink : access::memory_sink {
    int finds = 0;
    access::intent i;
    explicit late_sink(access::intent of) : i(std::move(of)) {}
    result<std::optional<access::held_token>> find(std::string_view key) {
        auto found = access::memory_sink::find(key);
        access::issued_service_token token;
        token.id = id;
        if (finds++ == 0) store(i, token).value();
        return found;
    }
};

TEST_CASE("who stores between the first look at the sink and the log's word is kept") {
    harsh h;
    late_sink sink(h.wanted);
    h.respond_with_list(listed(tagged)).respond_with_token();
    access::reconciler reconciler(
        client(h.way, api_token::make("sample").value(), client_options().seed(1)), h.where, sink,
        h.intents, access::issue_options().now_from([] { return opened.plus(15min); }));
    auto const done = reconciler.run_once().get().value();
    CHECK(done.kept == std::vector<std::string>{id});
    CHECK(h.sent() == "GET PUT");
    CHECK(h.logged().state == access::intent_state::settled);
    CHECK(h.logged().token_id == id);
}

TEST_CASE("a kept tag stays, and makes no stray") {
    harsh h;
    h.hold();
    h.respond_with_list(listed(tagged) + "," +
                        listed("issue:" + std::string(32, '5'), "", other_id));
    access::reconciler reconciler(
        client(h.way, api_token::make("sample").value(), client_options().seed(1)), h.where, h.sink,
        h.intents,
        access::issue_options().keep_tag(true).now_from([] { return opened.plus(15min); }));
    auto const done = reconciler.run_once().get().value();
    CHECK(done.kept.size() == 1);
    CHECK(done.strays.empty());
    CHECK(h.sent() == "GET");
}

TEST_CASE("the loop runs until it is told to stop, and comes sooner after a failure") {
    harsh h;
    h.respond_with_list(listed(tagged));
    for (int i = 0; i != 4; ++i)
        h.refused(500);
    access::reconciler reconciler(
        client(h.way, api_token::make("sample").value(),
               client_options().seed(1).retry(retry_policy().max_attempts(1))),
        h.where, h.sink, h.intents,
        access::issue_options().now_from([] { return opened.plus(15min); }));
    int rounds = 0;
    reconciler.run([&](result<access::reconciled> const&) { return ++rounds != 3; }, 10min).get();
    CHECK(rounds == 3);
    CHECK(h.way.waits() == std::vector<time_point::duration>{1min, 1min});
    h.intents.erase(h.logged()).value();
    reconciler.run([&](result<access::reconciled> const&) { return ++rounds != 5; }, 10min).get();
    CHECK(h.way.waits().back() == 10min);
    reconciler.run([&](result<access::reconciled> const&) { return ++rounds != 7; }).get();
    CHECK(h.way.waits().back() == 5min);
}

/// A log whose update fails once after it was kept, and of which each reading may be told.
struct flaky_log {
    access::memory_intent_log inner;
    int updates_to_fail = 0, lists = 0;
    std::function<void(int)> before_list{};
    result<std::optional<access::intent>> insert(access::intent const& i) {
        return inner.insert(i);
    }
    result<void> update(access::intent const& i) {
        auto const done = inner.update(i);
        if (updates_to_fail-- > 0) return error(errc::intent_log_failed, "connection lost");
        return done;
    }
    result<void> erase(access::intent const& i) { return inner.erase(i); }
    result<std::vector<access::intent>> list() {
        if (before_list) before_list(++lists);
        return inner.list();
    }
};
result<access::reconciled> reconcile_with(harsh& h, flaky_log& log) {
    access::reconciler reconciler(
        client(h.way, api_token::make("sample").value(), client_options().seed(1)), h.where, h.sink,
        log, access::issue_options().now_from([] { return opened.plus(2h); }));
    return reconciler.run_once().get();
}

TEST_CASE("a log that kept what it failed to acknowledge stops no reconciler") {
    harsh h;
    flaky_log log;
    log.insert(h.wanted).value();
    log.updates_to_fail = 1;
    h.respond_with_list(listed(tagged)).respond_with_token();
    auto const done = reconcile_with(h, log).value();
    CHECK(done.withdrawn == std::vector<std::string>{id});
    CHECK(done.failed.empty());
    CHECK(done.left_open.empty());
    CHECK(log.list().value().at(0).state == access::intent_state::settled);
}

TEST_CASE("an intent that cannot be dated anew stays as it is, and the report says why") {
    flaky_log log;
    access::intent wanted(tag, fixture().where, "ci", opened.plus(1h)); // by a clock that is wrong
    log.inner.insert(wanted).value();
    log.updates_to_fail = 4;
    fixture f;
    f.respond_with_list(fixture::token("issue:" + tag + " ci"));
    access::reconciler reconciler(
        client(f.way, api_token::make("sample").value()), f.where, f.sink, log,
        access::issue_options().min_age(0s).now_from([] { return opened; }));
    auto const done = reconciler.run_once().get().value();
    REQUIRE(done.failed.size() == 1);
    CHECK(done.failed[0].why == errc::intent_log_failed);
    CHECK(done.left_open.size() == 1);
    CHECK(f.way.requests().size() == 1);
}

TEST_CASE("of several tokens the log names the one that is about to be deleted") {
    harsh h;
    h.respond_with_list(listed(tagged) + "," + listed(tagged, "", other_id));
    h.respond_with_token();
    h.refused(500).refused(500).refused(500).refused(500);
    auto const done = h.reconcile(1h).value();
    CHECK(done.withdrawn == std::vector<std::string>{id});
    CHECK(h.logged().token_id == other_id);
    CHECK(h.logged().revision == 3); // withdrawing, and the second token
}

TEST_CASE("a token that an intent names since the list, or named before it, is no stray") {
    for (bool const since : {true, false}) {
        harsh h;
        flaky_log log;
        log.insert(h.wanted).value();
        std::string const later(32, '7');
        access::intent other(later, h.where, "x", opened.plus(2h));
        other.key = later;
        if (!since) log.insert(other).value();
        log.before_list = [&](int n) {
            if (n != 2) return;
            if (since) log.inner.insert(other).value();
            if (!since) log.inner.erase(other).value();
        };
        h.hold();
        h.respond_with_list(listed("ci") + "," + listed("issue:" + later + " x", "", other_id));
        auto const done = reconcile_with(h, log).value();
        CHECK(done.strays.empty());
    }
}

} // namespace
} // namespace reconcile_tests
