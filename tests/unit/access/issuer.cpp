#include <cloudflare/access/issuer.hpp>

#include "issuer_world.hpp"

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace issuer_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using issuer_world::harsh, issuer_world::id, issuer_world::tag;
using testing::scripted_transport;

/// A script, a log and a sink, and one issue of a token called "ci" with the tag 1111...
struct fixture {
    result<access::issued> issue(access::issue_options options = access::issue_options()) {
        access::issuer issuer(
            client(way, api_token::make("sample").value(), client_options().seed(1)),
            access::account_scope::parse(std::string(32, 'a')).value(), sink, intents,
            options.random_from([] { return 0x1111111111111111U; }));
        return issuer.issue(access::create_params("ci")).get();
    }
    [[nodiscard]] std::size_t open() const { return intents.list().value().size(); }
    /// What was sent, e.g. `PUT .../f174...`.
    [[nodiscard]] std::vector<std::string> sent() const {
        std::vector<std::string> lines;
        for (auto const& r : way.requests())
            lines.push_back(std::string(to_string(r.method)) + ' ' +
                            r.target.substr(r.target.rfind('/')));
        return lines;
    }
    fixture& respond_with_token(int status, std::string const& secret_text = "s3cret") {
        way.respond(status, R"({"success":true,"errors":[],"messages":[],"result":)" +
                                token("issue:" + tag + " ci", secret_text) + "}");
        return *this;
    }
    fixture& respond_with_list(std::string const& tokens) {
        way.respond(200, R"({"success":true,"errors":[],"messages":[],"result":[)" + tokens + "]}");
        return *this;
    }
    static std::string token(std::string const& name, std::string const& secret_text = "") {
        auto const shown =
            secret_text.empty() ? "" : R"("client_secret":")" + secret_text + R"(",)";
        return R"({"id":")" + id + R"(",)" + shown + R"("client_id":"c.access","name":")" + name +
               R"("})";
    }

    scripted_transport way;
    access::memory_sink sink;
    access::memory_intent_log intents;
};

TEST_CASE("an issue creates under a tagged name, stores, renames and closes") {
    fixture f;
    f.respond_with_token(201).respond_with_token(200, "");
    auto const done = f.issue().value();
    CHECK(done.token.id == id);
    CHECK(done.token.name == "ci");
    CHECK_FALSE(done.intent_open);
    CHECK(f.open() == 0);
    CHECK(f.sink.stored(id)->client_secret.reveal() == "s3cret");
    CHECK(f.sent() == std::vector<std::string>{"POST /service_tokens", "PUT /" + id});
    CHECK(f.way.requests()[0].body == R"({"name":"issue:)" + tag + R"( ci"})");
    CHECK(f.way.requests()[1].body == R"({"name":"ci"})");
}

TEST_CASE("a kept tag saves the rename") {
    fixture f;
    f.respond_with_token(201);
    auto const done = f.issue(access::issue_options().keep_tag(true)).value();
    CHECK(done.token.name == "issue:" + tag + " ci");
    CHECK(f.way.requests().size() == 1);
    CHECK(f.open() == 0);
}

TEST_CASE("after a lost response the token with the tag, and no other, is given a fresh secret") {
    fixture f;
    f.way.fail(errc::connection_lost, delivery::unknown);
    auto const another = R"({"id":"0","client_id":"d.access","name":"issue:22222222 ci"})";
    f.respond_with_list("").respond_with_list(std::string(another) + "," +
                                              fixture::token("issue:" + tag + " ci"));
    f.respond_with_token(200, "fresh").respond_with_token(200, "");
    CHECK(f.issue().has_value());
    CHECK(f.sink.stored(id)->client_secret.reveal() == "fresh");
    CHECK(f.sent()[3] == "POST /rotate");
    CHECK(f.open() == 0);
}

TEST_CASE("a token whose fresh secret is lost too is deleted and made again") {
    fixture f;
    f.way.fail(errc::connection_lost, delivery::unknown);
    f.respond_with_list(fixture::token("issue:" + tag + " ci"));
    f.way.fail(errc::connection_lost, delivery::unknown); // of the rotate
    f.respond_with_token(200, "");                        // the delete
    f.respond_with_token(201, "second").respond_with_token(200, "");
    CHECK(f.issue().has_value());
    CHECK(f.sink.stored(id)->client_secret.reveal() == "second");
    CHECK(f.sent() == std::vector<std::string>{"POST /service_tokens", "GET /service_tokens?page=1",
                                               "POST /rotate", "DELETE /" + id,
                                               "POST /service_tokens", "PUT /" + id});
}

TEST_CASE("what no list shows stays an open intent, which the error names") {
    fixture f;
    f.way.fail(errc::connection_lost, delivery::unknown);
    for (int i = 0; i != 20; ++i)
        f.respond_with_list("");
    auto const failed = f.issue().error();
    CHECK(failed.may_have_acted());
    CHECK(failed.to_string().find("intent " + tag + " stays open") != std::string::npos);
    CHECK(f.open() == 1);
}

TEST_CASE("a create that was refused leaves nothing, not even an intent") {
    fixture f;
    f.way.respond(400, R"({"success":false,"errors":[{"code":12130,"message":"no"}]})");
    auto const failed = f.issue().error();
    CHECK(failed == errc::bad_request);
    CHECK(f.open() == 0);
    CHECK(f.way.requests().size() == 1);
}

TEST_CASE("the account's limit names the open intents that could be withdrawn") {
    fixture f;
    auto const where = access::account_scope::parse(std::string(32, 'a')).value();
    f.intents.insert({std::string(32, '2'), where, "other"}).value();
    f.way.respond(
        400, R"({"success":false,"errors":[{"code":12130,"message":"maximum number of tokens"}]})");
    auto const failed = f.issue().error();
    CHECK(failed == errc::limit_reached);
    CHECK(failed.to_string().find(std::string(32, '2')) != std::string::npos);
}

/// A sink that takes nothing.
struct full_sink {
    result<void> prepare(access::intent const&) { return {}; }
    result<void> store(access::intent const&, access::issued_service_token const&) {
        return error(errc::sink_failed, "disk full");
    }
    result<std::optional<access::held_token>> find(std::string_view) {
        return std::optional<access::held_token>();
    }
    result<void> forget(std::string_view) { return {}; }
};

TEST_CASE("a token that the sink does not take is withdrawn") {
    fixture f;
    f.respond_with_token(201).respond_with_token(200, "");
    full_sink full;
    access::issuer issuer(client(f.way, api_token::make("sample").value()),
                          access::account_scope::parse(std::string(32, 'a')).value(), full,
                          f.intents,
                          access::issue_options().random_from([] { return 0x1111111111111111U; }));
    auto const failed = issuer.issue(access::create_params("ci")).get().error();
    CHECK(failed == errc::sink_failed);
    CHECK(failed.delivery() == delivery::rejected);
    CHECK(failed.to_string().find("disk full; the token was withdrawn") != std::string::npos);
    CHECK(f.sent()[1] == "DELETE /" + id);
    CHECK(f.open() == 0);
}

/// A log that cannot be written.
struct full_log {
    result<std::optional<access::intent>> insert(access::intent const&) {
        return error(errc::intent_log_failed, "disk full");
    }
    result<void> update(access::intent const&) { return {}; }
    result<void> erase(access::intent const&) { return {}; }
    result<std::vector<access::intent>> list() { return std::vector<access::intent>(); }
};

TEST_CASE("without an intent nothing is sent") {
    fixture f;
    full_log log;
    access::issuer issuer(client(f.way, api_token::make("sample").value()),
                          access::account_scope::parse(std::string(32, 'a')).value(), f.sink, log);
    auto const failed = issuer.issue(access::create_params("ci")).get().error();
    CHECK(failed == errc::intent_log_failed);
    CHECK(failed.delivery() == delivery::not_sent);
    CHECK(f.way.requests().empty());
}

TEST_CASE("bad parameters open no intent and send nothing") {
    fixture f;
    access::issuer issuer(client(f.way, api_token::make("sample").value()),
                          access::account_scope::parse(std::string(32, 'a')).value(), f.sink,
                          f.intents);
    CHECK(issuer.issue(access::create_params("")).get().error() == errc::invalid_argument);
    CHECK(f.way.requests().empty());
    CHECK(f.open() == 0);
}

// What goes wrong behind the first request, in sink and log, and in time: see also issue_flow.cpp.

TEST_CASE("options that contradict each other are refused, and nothing is sent") {
    harsh h;
    using access::issue_options;
    auto const refused = [&](issue_options const& o, std::string const& rule) {
        auto const e = h.issue(o).error();
        CHECK(e == errc::invalid_argument);
        CHECK(e.details().explanation == "issue options: " + rule);
    };
    refused(issue_options().deadline(0s), "deadline must be positive");
    refused(issue_options().settle_window(-1ms), "settle_window must not be negative");
    std::string const too_young = "min_age must exceed the deadline, or a reconciler withdraws "
                                  "tokens of issues under way";
    refused(issue_options().deadline(15min), too_young);
    refused(issue_options().min_age(600s).deadline(600s), too_young);
    refused(issue_options().presumed_absent_age(899s),
            "presumed_absent_age must not be below min_age");
    refused(issue_options().watch(-1s), "watch must not be negative");
    CHECK(issue_options().deadline(1ms).check());
    CHECK(issue_options().min_age(601s).deadline(600'999ms).check());
    CHECK(issue_options().presumed_absent_age(15min).watch(0s).settle_window(0ms).check());
    auto const e = h.make().issue(access::create_params("issue:" + tag)).get().error();
    CHECK(e == errc::invalid_argument);
    CHECK(e.details().explanation == "name: must not carry the tag of an issue");
    CHECK(h.way.requests().empty());
    CHECK(h.log.inserts == 0);
}

TEST_CASE("the sink is given the wanted name, the intent's key is the tag or the caller's") {
    harsh h;
    h.created().named();
    CHECK(h.issue().value().token.name == "ci");
    CHECK(h.sink.name_seen == "ci");
    CHECK(h.sink.inner.find(tag).value()->tag == tag);
    h.created(harsh::tagged).named();
    harsh k;
    k.created().named();
    CHECK(k.issue_keyed().value().already_held == false);
    CHECK(k.sink.inner.find("k").value()->token_id == id);
}

TEST_CASE("a key that the sink holds is given, and nothing is sent") {
    harsh h;
    h.created().named();
    h.issue_keyed().value();
    auto const again = h.issue_keyed().value();
    CHECK(again.already_held);
    CHECK(again.token.id == id);
    CHECK(again.token.client_id == "c.access");
    CHECK(again.token.client_secret_version == 1);
    CHECK(h.sent() == "POST PUT");
    CHECK(h.log.all().empty());
}

TEST_CASE("a held token of an issue that was given up is withdrawn, and another is made") {
    harsh h;
    h.created().named();
    h.issue_keyed().value();
    auto given_up = h.holder(h.now);
    given_up.tag = tag; // the issue that stored it
    given_up.state = access::intent_state::settled;
    h.log.inner.insert(given_up).value();
    auto issuer = access::issuer(client(h.way, api_token::make("sample").value()), h.where, h.sink,
                                 h.log, access::issue_options().random_from([] { return 3U; }));
    auto const second = "issue:" + std::string("3000000000000000").append("3000000000000000");
    h.named(); // the delete
    h.respond(harsh::token_json(second + " ci", R"(,"client_secret":"new")", "9" + id.substr(1)));
    h.respond(harsh::token_json("ci", "", "9" + id.substr(1)));
    auto const done = issuer.issue("k", access::create_params("ci")).get().value();
    CHECK(done.token.id == "9" + id.substr(1));
    CHECK(h.sent() == "POST PUT DELETE POST PUT");
    CHECK_FALSE(h.sink.inner.stored(id));
}

TEST_CASE("a key that another issue holds is waited for until the deadline, and no longer") {
    harsh h;
    h.log.inner.insert(h.holder(h.now)).value();
    auto const e = h.issue_keyed(access::issue_options().deadline(10s)).error();
    CHECK(e == errc::conflict);
    CHECK(e.delivery() == delivery::not_sent);
    CHECK(e.to_string().find(std::string(32, '2')) != std::string::npos);
    CHECK(h.way.requests().empty());
    CHECK(h.log.all().size() == 1);
    REQUIRE(h.way.waits().size() > 6);
    CHECK(h.way.waits()[0] == 50ms);
    CHECK(h.way.waits()[1] == 100ms);
    CHECK(*std::max_element(h.way.waits().begin(), h.way.waits().end()) == 2s);
    CHECK(std::accumulate(h.way.waits().begin(), h.way.waits().end(), time_point::duration()) ==
          10s);
}

TEST_CASE("a wait for the key ends by the deadline though requests and stores are slow") {
    for (bool const is_log : {false, true}) {
        harsh h;
        h.log.inner.insert(h.holder(h.now.plus(-15min))).value();
        h.way.latency(45s); // of the list by which the holder is to be settled
        if (is_log) h.log.inserts_to_fail = 3;
        auto const begin = h.way.now();
        auto const e =
            h.issue_keyed(access::issue_options().deadline(is_log ? 500ms : 10s)).error();
        CHECK(e == errc::conflict);
        CHECK_FALSE(e.may_have_acted());
        CHECK(h.way.now() - begin == (is_log ? 500ms : 10s));
        CHECK(h.log.all().size() == 1);
    }
}

TEST_CASE("a holder that is being withdrawn when the deadline comes is waited for no longer") {
    harsh h;
    h.log.inner.insert(h.holder(h.now.plus(-15min))).value();
    h.listed(harsh::token_json("issue:" + std::string(32, '2') + " ci"));
    h.way.latency(7s); // the list takes 7 s, and the delete has 3
    auto const begin = h.way.now();
    auto const e = h.issue_keyed(access::issue_options().deadline(10s)).error();
    CHECK(e == errc::conflict);
    CHECK(h.way.now() - begin == 10s);
    CHECK(h.sent() == "GET DELETE");
    CHECK(h.log.all().at(0).state == access::intent_state::withdrawing);
}

TEST_CASE("an issue whose stores outlast its deadline creates nothing") {
    harsh h;
    h.sink.before_prepare = [&] { h.way.advance(10min); };
    auto const e = h.issue().error();
    CHECK(e == errc::deadline_exceeded);
    CHECK(e.delivery() == delivery::not_sent);
    CHECK(h.way.requests().empty());
    CHECK(h.log.all().empty());
}

TEST_CASE("an old holder of the key is settled first") {
    harsh h;
    h.log.inner.insert(h.holder(h.now.plus(-15min))).value();
    h.listed(harsh::other).created().named();
    CHECK(h.issue_keyed().value().token.id == id);
    CHECK(h.sent() == "GET POST PUT");
    CHECK(h.way.waits().empty());
    auto const all = h.log.all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].state == access::intent_state::settled);
    CHECK(all[0].token_id.empty());
}

TEST_CASE("a list that fails while the holder is to be settled is asked for again") {
    harsh h;
    h.log.inner.insert(h.holder(h.now.plus(-15min))).value();
    h.refused(403).listed(harsh::other).created().named();
    CHECK(h.issue_keyed().value().token.id == id);
    CHECK(h.sent() == "GET GET POST PUT");
}

TEST_CASE("a look that is cancelled ends the search, and the error is that") {
    harsh h;
    h.lost().way.fail(errc::cancelled, delivery::not_sent);
    auto const e = h.issue().error();
    CHECK(e == errc::cancelled);
    CHECK(e.delivery() == delivery::unknown);
    CHECK(h.sent() == "POST GET");
    CHECK(h.way.waits().empty());
}

TEST_CASE("an unknown create of an issue that was given up meanwhile is watched from now on") {
    for (bool const is_erased : {false, true}) {
        harsh h;
        h.sink.before_prepare = [&] { // as if this process were stopped here
            auto i = h.log.all().at(0);
            i.state = access::intent_state::settled;
            i.until = h.now.plus(1h);
            h.log.inner.update(i).value();
            if (is_erased) h.log.inner.erase(h.log.all().at(0)).value();
        };
        h.lost();
        CHECK(h.issue(access::issue_options().settle_window(0ms)).error().may_have_acted());
        REQUIRE(h.log.all().size() == 1);
        auto const i = h.log.all()[0];
        CHECK(i.tag == tag);
        CHECK(i.state == access::intent_state::settled);
        CHECK(i.until == h.now.plus(30 * 24h));
        CHECK(i.token_id.empty());
        CHECK(i.revision == (is_erased ? 1 : 3));
    }
}

TEST_CASE("a sink that cannot take a secret, or cannot be asked, has nothing sent") {
    harsh h;
    h.sink.prepares_to_fail = 1;
    auto const e = h.issue().error();
    CHECK(e == errc::sink_failed);
    CHECK(e.delivery() == delivery::not_sent);
    h.sink.finds_to_fail = 4;
    CHECK(h.issue_keyed().error().delivery() == delivery::not_sent);
    CHECK(h.way.requests().empty());
    CHECK(h.log.all().empty());
    h.sink.finds_to_fail = 3; // passes
    h.created().named();
    CHECK(h.issue_keyed().has_value());
}

TEST_CASE("a log that fails for a while is written again; one that kept knows its own") {
    for (bool const keeps : {false, true}) {
        harsh h;
        h.log.keeps = keeps;
        h.log.inserts_to_fail = h.log.erases_to_fail = 2;
        h.created().named();
        if (keeps) h.named(); // is it there still?
        CHECK(h.issue().has_value());
        CHECK(h.log.all().empty());
        CHECK(h.way.waits()[0] == 100ms);
        CHECK(h.way.waits()[1] == 200ms);
    }
    harsh h;
    h.log.inserts_to_fail = 4;
    auto const e = h.issue().error();
    CHECK(e == errc::intent_log_failed);
    CHECK(e.delivery() == delivery::not_sent);
    CHECK(h.log.inserts == 4);
    CHECK(h.log.erases == 1); // it may have been kept
    CHECK(h.way.requests().empty());
}

TEST_CASE("a log that stays broken behind the store: the token may be given up, says the error") {
    harsh h;
    h.log.erases_to_fail = 100;
    h.created().named();
    auto const e = h.issue().error();
    CHECK(e == errc::intent_log_failed);
    CHECK(e.delivery() == delivery::accepted);
    CHECK(e.to_string().find("the secret is stored") != std::string::npos);
    CHECK(e.to_string().find("intent " + tag + " stays open") != std::string::npos);
    CHECK(h.sink.inner.stored(id));
    CHECK(h.sent() == "POST PUT");
    CHECK(h.way.waits() == std::vector<time_point::duration>{100ms, 200ms, 400ms, 800ms, 1600ms});
}

TEST_CASE("a key whose token the sink holds from who knows which issue is given") {
    harsh h;
    auto given_up = h.holder(h.now);
    given_up.state = access::intent_state::settled;
    h.log.inner.insert(given_up).value();
    access::issued_service_token token;
    token.id = "k"; // stored by rotation, under the token's id
    h.sink.inner.store(token).value();
    CHECK(h.issue_keyed().value().already_held);
    CHECK(h.way.requests().empty());
}

TEST_CASE("who was given up by a reconciler does not say success") {
    for (auto const state : {access::intent_state::withdrawing, access::intent_state::settled}) {
        harsh h;
        h.log.before_erase = [&](access::memory_intent_log& log) {
            auto i = log.list().value().at(0);
            i.state = state;
            log.update(i).value();
        };
        h.created().named().named(); // create, rename, delete
        auto const e = h.issue().error();
        CHECK(e == errc::not_found);
        CHECK(e.delivery() == delivery::rejected);
        CHECK(h.sent() == "POST PUT DELETE");
        CHECK_FALSE(h.sink.inner.stored(id));
    }
}

TEST_CASE("what a reconciler has kept or dated meanwhile is a success") {
    harsh kept;
    kept.log.before_erase = [&](access::memory_intent_log& log) {
        auto i = log.list().value().at(0);
        i.state = access::intent_state::settled;
        i.token_id = id;
        log.update(i).value();
    };
    kept.created().named();
    CHECK(kept.issue().has_value());
    harsh dated;
    dated.log.before_erase = [&](access::memory_intent_log& log) {
        auto i = log.list().value().at(0);
        i.opened_at = i.opened_at.plus(1s);
        log.update(i).value();
    };
    dated.created().named();
    CHECK(dated.issue().has_value());
    CHECK(dated.log.all().empty());
}

TEST_CASE("an intent that is out of the log: the token's being there decides") {
    for (bool const there : {true, false}) {
        harsh h;
        h.log.before_erase = [](access::memory_intent_log& log) {
            log.erase(log.list().value().at(0)).value();
        };
        h.created().named();
        if (there) h.named();
        if (!there) h.refused(404, 12135).refused(404, 12135); // PUT, DELETE
        CHECK(h.issue().has_value() == there);
        CHECK(h.sent() == (there ? "POST PUT PUT" : "POST PUT PUT DELETE"));
    }
}

TEST_CASE("a token that is deleted when it is to get its name is no success") {
    harsh h;
    h.created().refused(404, 12135).refused(404, 12135);
    auto const e = h.issue().error();
    CHECK(e == errc::not_found);
    CHECK(e.delivery() == delivery::rejected);
    CHECK_FALSE(h.sink.inner.stored(id));
    CHECK(h.log.all().empty());
}

TEST_CASE("a name that stays tagged is a success, with an intent that finish settles") {
    harsh h;
    h.created().refused(500);
    auto const done = h.issue().value();
    CHECK(done.intent_open);
    CHECK(done.token.name == harsh::tagged);
    REQUIRE(done.settled);
    CHECK(done.settled->state == access::intent_state::settled);
    CHECK(done.settled->token_id == id);
    CHECK(done.settled->until == timestamp());
    CHECK(h.log.all().at(0) == *done.settled);
    h.refused(500);
    auto issuer = h.make();
    CHECK(issuer.finish(done).get().error() == errc::server_error);
    CHECK(h.log.all().size() == 1);
    h.named();
    CHECK(issuer.finish(done).get().has_value());
    CHECK(h.way.requests().back().body == R"({"name":"ci"})");
    CHECK(h.log.all().empty());
    CHECK(issuer.finish(access::issued()).get().has_value());
}

TEST_CASE("returns when the secret is stored: one request, the rest behind it") {
    harsh h;
    h.created();
    auto const done = h.issue(access::issue_options().return_when_stored(true)).value();
    CHECK(done.intent_open);
    CHECK(h.sent() == "POST");
    CHECK(h.log.all().at(0).token_id == id);
    h.named();
    CHECK(h.make().finish(done).get().has_value());
    CHECK(h.log.all().empty());
}

TEST_CASE("a version as witness: tagged until it was shown, then one request an issue") {
    harsh h;
    auto issuer = h.make(access::issue_options().version_as_witness(true));
    auto const version =
        access::issue_options().random_from([] { return 0x1111111111111111U; }).make_version();
    CHECK(version % 16 == 0);
    CHECK(version >= std::int64_t{1} << 46);
    CHECK(version < std::int64_t{1} << 47);
    auto const shown = R"(,"client_secret_version":)" + std::to_string(version);
    h.respond(harsh::token_json(harsh::tagged, R"(,"client_secret":"s")" + shown));
    h.listed(harsh::token_json(harsh::tagged, shown)).named();
    CHECK(issuer.issue(access::create_params("ci")).get().has_value());
    CHECK(h.sent() == "POST GET PUT");
    CHECK(h.way.requests()[0].body.find(harsh::tagged) != std::string::npos);
    CHECK(h.way.requests()[0].body.find(std::to_string(version)) != std::string::npos);

    h.sink.inner.forget(id).value();
    h.respond(harsh::token_json("ci", R"(,"client_secret":"s")" + shown));
    CHECK(issuer.issue(access::create_params("ci")).get().value().token.name == "ci");
    CHECK(h.sent() == "POST GET PUT POST");
    CHECK(h.way.requests().back().body.find("issue:") == std::string::npos);

    // A response that does not show it: tagged again from then on.
    h.sink.inner.forget(id).value();
    h.created("ci");
    CHECK(issuer.issue(access::create_params("ci")).get().has_value());
    h.sink.inner.forget(id).value();
    h.created().named();
    CHECK(issuer.issue(access::create_params("ci")).get().has_value());
    CHECK(h.way.requests()[5].body.find("issue:") != std::string::npos);
}

TEST_CASE("a tag that the server does not keep: the token is withdrawn at once") {
    for (bool const removed : {true, false}) {
        harsh h;
        h.created("ci");
        if (removed) h.named();
        if (!removed) h.refused(500);
        auto const e = h.issue().error();
        CHECK(e == errc::unexpected_response);
        CHECK(e.delivery() == (removed ? delivery::rejected : delivery::unknown));
        CHECK(h.sent() == "POST DELETE");
        CHECK(h.log.all().empty() == removed);
    }
}

TEST_CASE("a response without client id or name is completed by a read") {
    harsh h;
    h.respond(R"({"id":")" + id + R"(","client_secret":"s3cret"})");
    h.respond(harsh::token_json(harsh::tagged)).named();
    CHECK(h.issue().value().token.client_id == "c.access");
    CHECK(h.sent() == "POST GET PUT");
    CHECK(h.sink.inner.stored(id)->client_secret.reveal() == "s3cret");
}

TEST_CASE("a response without a name alone is completed by a read, too") {
    harsh h;
    h.respond(R"({"id":")" + id + R"(","client_id":"c.access","client_secret":"s3cret"})");
    h.respond(harsh::token_json(harsh::tagged)).named();
    CHECK(h.issue().has_value());
    CHECK(h.sent() == "POST GET PUT");
}

TEST_CASE("an intent says what the options say: sink and note, and who writes it") {
    harsh h;
    h.lost();
    auto const e =
        h.issue(access::issue_options().settle_window(0s).sink_name("east").note("for a machine"))
            .error();
    CHECK(e.delivery() == delivery::unknown);
    auto const i = h.log.all().at(0);
    CHECK(i.sink == "east");
    CHECK(i.note == "for a machine");
    CHECK(i.writer == tag);
    CHECK(i.key == tag);
    CHECK(i.name == "ci");
    CHECK(i.version == 0);
}

TEST_CASE("an issue sends five creates at the most") {
    harsh h;
    for (int i = 0; i != 5; ++i)
        h.lost().listed(harsh::other).listed(harsh::other);
    auto const e = h.issue(access::issue_options().settle_window(1ms)).error();
    CHECK(e.delivery() == delivery::unknown);
    CHECK(h.sent() == "POST GET GET POST GET GET POST GET GET POST GET GET POST GET GET");
    CHECK(h.log.all().size() == 1);
}

TEST_CASE("who lost his token is told whether something is left") {
    for (bool const left : {false, true}) {
        harsh h;
        h.created().refused(404, 12135); // the rename
        if (left) {
            h.refused(500);
        } else {
            h.refused(404, 12135);
        }
        auto const e = h.issue().error();
        CHECK(e == errc::not_found);
        CHECK(e.details().operation == "issue");
        CHECK(e.details().explanation.starts_with(
            "the token " + id +
            " was withdrawn by a reconciler, because this process was stopped for too long, or it "
            "was deleted by somebody"));
        CHECK(e.delivery() == (left ? delivery::unknown : delivery::rejected));
        CHECK((e.to_string().find("stays open") != std::string::npos) == left);
        CHECK(h.log.all().size() == (left ? 1 : 0));
    }
}

TEST_CASE("options are what the comments say") {
    access::issue_options const o;
    CHECK(o.deadline() == 10min);
    CHECK(o.settle_window() == 30s);
    CHECK(o.min_age() == 15min);
    CHECK(o.presumed_absent_age() == 1h);
    CHECK(o.watch() == 30 * 24h);
    CHECK(o.sink_name().empty());
    CHECK(o.note().empty());
    CHECK_FALSE((o.keeps_tag() || o.returns_when_stored() || o.takes_version_as_witness()));
    CHECK(o.check().has_value());
}

TEST_CASE("looks come ever more slowly until the window ends, and then it is created again") {
    harsh h;
    h.lost();
    for (int i = 0; i != 8; ++i)
        h.listed(harsh::other);
    h.created().named();
    CHECK(h.issue(access::issue_options().settle_window(30s)).has_value());
    CHECK(h.sent() == "POST GET GET GET GET GET GET GET GET POST PUT");
    CHECK(h.way.requests()[0].body == h.way.requests()[9].body); // under the same tag
    CHECK(h.way.waits() == std::vector<time_point::duration>{500ms, 1s, 2s, 4s, 8s, 8s, 6500ms});
    auto const all = h.log.all();
    REQUIRE(all.size() == 1); // watched, for the first may arrive late
    CHECK(all[0].state == access::intent_state::settled);
    CHECK(all[0].token_id == id);
    CHECK(all[0].until == h.now.plus(30 * 24h));
}

TEST_CASE("a list that is no proof, and a refused one, end an issue with its intent open") {
    for (bool const is_short : {true, false}) {
        harsh h;
        h.lost();
        for (int i = 0; i != 9; ++i)
            if (is_short)
                h.way.respond(200, R"({"success":true,"result":[)" + harsh::other +
                                       R"(],"result_info":{"total_count":2,"total_pages":1}})");
            else
                h.refused(403);
        auto const e = h.issue().error();
        CHECK(e == errc::connection_lost); // the create's
        CHECK(e.delivery() == delivery::unknown);
        CHECK(h.sent() == "POST GET GET GET GET GET GET GET GET");
        CHECK(h.log.all().at(0).state == access::intent_state::open);
    }
}

TEST_CASE("lists that show nothing at all allow one more create, and no third") {
    harsh h;
    h.lost();
    for (int i = 0; i != 8; ++i)
        h.listed("");
    h.lost();
    for (int i = 0; i != 9; ++i)
        h.listed("");
    CHECK(h.issue(access::issue_options().settle_window(20s)).error().delivery() ==
          delivery::unknown);
    auto const sent = h.sent();
    CHECK(sent.find("POST", sent.find("POST", 1) + 1) == std::string::npos);
}

TEST_CASE("no settle window: no look, and the reconciler sees to it") {
    harsh h;
    h.lost();
    auto const e = h.issue(access::issue_options().settle_window(0ms)).error();
    CHECK(e.delivery() == delivery::unknown);
    CHECK(h.sent() == "POST");
    CHECK(h.way.waits().empty());
    REQUIRE(h.log.all().size() == 1);
    CHECK(h.log.all()[0].state == access::intent_state::open);
    CHECK(h.log.all()[0].until == timestamp());
    CHECK(h.log.all()[0].revision == 1);
}

TEST_CASE("a refusal behind an unknown create leaves the intent open") {
    harsh h;
    h.lost();
    for (int i = 0; i != 8; ++i)
        h.listed(harsh::other);
    h.refused(400, 12130);
    auto const e = h.issue().error();
    CHECK(e.delivery() == delivery::unknown);
    CHECK(h.log.all().size() == 1);
}

TEST_CASE("where the fresh secret is lost and the delete fails, no other create is sent") {
    harsh h;
    h.lost().listed(harsh::token_json(harsh::tagged, R"(,"client_secret_version":4)"));
    h.lost().refused(500);
    auto const e = h.issue().error();
    CHECK(e.delivery() == delivery::unknown);
    CHECK(h.sent() == "POST GET PUT DELETE");
    CHECK(h.way.requests()[2].body == R"({"client_secret_version":5})");
    CHECK(h.log.all().size() == 1);
}

TEST_CASE("a second token of the tag is deleted, and a copy that is older is not") {
    harsh h;
    h.lost().listed(harsh::token_json(harsh::tagged, R"(,"created_at":"2026-11-22T23:59:59Z")",
                                      "8" + id.substr(1)) +
                    "," + harsh::token_json(harsh::tagged) + "," +
                    harsh::token_json(harsh::tagged, "", "9" + id.substr(1)));
    h.created().named().named(); // rotate, delete, rename
    CHECK(h.issue().value().token.id == id);
    CHECK(h.sent() == "POST GET POST DELETE PUT");
    CHECK(h.way.requests()[3].target.ends_with("9" + id.substr(1)));
    CHECK(h.log.all().empty());
}

TEST_CASE("a rate that is exceeded is waited out where that fits the deadline") {
    for (bool const fits : {true, false}) {
        harsh h;
        http::response r{.status = 429};
        r.body = R"({"success":false,"errors":[{"code":971,"message":"wait"}]})";
        static_cast<void>(r.fields.add("Retry-After", fits ? "300" : "700"));
        h.way.respond(r);
        h.created().named();
        auto const done = h.issue();
        CHECK(done.has_value() == fits);
        if (!fits) CHECK(done.error() == errc::rate_limited);
        if (!fits) CHECK(h.log.all().empty());
        CHECK(h.sent() == (fits ? "POST POST PUT" : "POST"));
    }
}

TEST_CASE("a store that failed: asked whether it kept, tried again, then withdrawn") {
    harsh kept;
    kept.sink.stores_to_fail = 3;
    kept.sink.keeps = true;
    kept.created().named();
    CHECK(kept.issue().has_value());
    CHECK(kept.sink.stores == 1);

    harsh passing;
    passing.sink.stores_to_fail = 2;
    passing.created().named();
    CHECK(passing.issue().has_value());
    CHECK(passing.sink.stores == 3);
    CHECK(passing.way.waits() == std::vector<time_point::duration>{100ms, 200ms});

    harsh broken;
    broken.sink.stores_to_fail = 3;
    broken.created().named();
    auto const e = broken.issue().error();
    CHECK(e == errc::sink_failed);
    CHECK(e.delivery() == delivery::rejected);
    CHECK(e.details().operation == "issue");
    CHECK(broken.sent() == "POST DELETE");
    CHECK(broken.sink.forgets == 1);
    CHECK(broken.log.all().empty());
}

TEST_CASE("a sink of which nothing is known, and a token that stays, leave the intent open") {
    harsh unknown;
    unknown.sink.stores_to_fail = 1;
    unknown.sink.finds_to_fail = 4;
    unknown.created();
    auto const e = unknown.issue().error();
    CHECK(e == errc::sink_failed);
    CHECK(e.delivery() == delivery::accepted);
    CHECK(unknown.sent() == "POST");
    CHECK(unknown.log.all().size() == 1);

    harsh stays;
    stays.sink.stores_to_fail = 3;
    stays.created().refused(400, 12139);
    auto const f = stays.issue().error();
    CHECK(f.delivery() == delivery::accepted);
    CHECK(f.to_string().find("was not withdrawn") != std::string::npos);
    CHECK(stays.log.all().size() == 1);

    harsh remembers; // the sink may hold a secret of what is deleted: a reconciler has it forgotten
    remembers.sink.stores_to_fail = 3;
    remembers.sink.forgets_to_fail = 4;
    remembers.created().named();
    CHECK(remembers.issue().error().delivery() == delivery::rejected);
    CHECK(remembers.log.all().at(0).state == access::intent_state::settled);
}

TEST_CASE("whichever call ends an issue, its error says that the create may have acted") {
    auto const ends = [](char const* how, auto const& script,
                         access::issue_options options = access::issue_options()) {
        CAPTURE(how);
        harsh h;
        script(h);
        auto const e = h.issue(options).error();
        CHECK(e.may_have_acted());
        CHECK(e.to_string().find("intent " + tag + " stays open") != std::string::npos);
        CHECK(h.log.all().size() == 1);
    };
    auto const no_window = access::issue_options().settle_window(0ms);
    auto const short_window = access::issue_options().settle_window(1ms);
    auto const id_only = R"({"id":")" + id + R"(","client_secret":"s3cret"})";
    ends("the create is lost", [](harsh& h) { h.lost(); }, no_window);
    ends("a look is cancelled",
         [](harsh& h) { h.lost().way.fail(errc::cancelled, delivery::not_sent); });
    ends("no look succeeds", [](harsh& h) { h.lost(); }, short_window);
    ends("a list is no proof", [](harsh& h) {
        h.lost();
        for (int i = 0; i != 10; ++i)
            h.way.respond(200, R"({"success":true,"result":[],"result_info":{"total_count":2}})");
    });
    ends(
        "the token's client id cannot be read", [&](harsh& h) { h.respond(id_only).refused(403); },
        no_window);
    ends(
        "nor is it listed",
        [&](harsh& h) { h.respond(id_only).refused(404, 12135).refused(403).refused(403); },
        short_window);
    ends("a token whose secret is lost is not deleted",
         [](harsh& h) { h.lost().listed(harsh::token_json(harsh::tagged)).lost().refused(403); });
    ends(
        "another create is refused",
        [](harsh& h) { h.lost().listed(harsh::other).listed(harsh::other).refused(400, 12130); },
        short_window);
    ends(
        "all creates are lost",
        [](harsh& h) {
            for (int i = 0; i != 5; ++i)
                h.lost().listed(harsh::other).listed(harsh::other);
        },
        short_window);
    ends("the server does not keep the tag, nor deletes",
         [](harsh& h) { h.created("ci").refused(403); });
    ends("whether the sink holds the secret is not known", [](harsh& h) {
        h.created().sink.stores_to_fail = 1;
        h.sink.finds_to_fail = 4;
    });
    ends("what the sink does not take is not deleted",
         [](harsh& h) { h.created().refused(403).sink.stores_to_fail = 3; });
    ends("what was deleted by somebody may be there",
         [](harsh& h) { h.created().refused(404, 12135).refused(403); });
    ends("the log cannot be written", [](harsh& h) {
        h.created().named().log.erases_to_fail = 100;
        h.log.lists_to_fail = 100;
    });
}

TEST_CASE("a first create may come late though the second one's token was withdrawn") {
    harsh h;
    h.lost().listed(harsh::other).listed(harsh::other).created().named();
    h.sink.stores_to_fail = 3;
    auto const e = h.issue(access::issue_options().settle_window(1ms)).error();
    CHECK(e == errc::sink_failed);
    CHECK(e.may_have_acted());
    REQUIRE(h.log.all().size() == 1);
    CHECK(h.log.all()[0].state == access::intent_state::settled); // and watched
    CHECK(h.log.all()[0].until == h.now.plus(30 * 24h));
}

TEST_CASE("past its deadline, by either clock, no create is sent again") {
    for (bool const steady : {true, false}) {
        harsh h;
        h.lost();
        for (int i = 0; i != 8; ++i)
            h.listed(harsh::other);
        auto options = access::issue_options().deadline(steady ? 20s : 10min);
        int asked = 0;
        auto issuer = access::issuer(
            client(h.way, api_token::make("sample").value(), client_options().seed(1)), h.where,
            h.sink, h.log, options.now_from([&] {
                return steady ? h.now : h.now.plus(++asked > 2 ? 10min : 0s);
            }));
        CHECK(issuer.issue(access::create_params("ci")).get().error().delivery() ==
              delivery::unknown);
        CHECK(h.sent().find("POST", 1) == std::string::npos);
    }
}

TEST_CASE("an intent is dated by the server's clock, once a response has told it") {
    harsh h;
    auto issuer = h.make();
    http::response r{.status = 400};
    r.body = R"({"success":false,"errors":[{"code":12130,"message":"no"}]})";
    static_cast<void>(r.fields.add("Date", "Fri, 25 Dec 2026 10:00:00 GMT"));
    h.way.respond(r);
    CHECK(issuer.issue(access::create_params("ci")).get().has_error());
    h.lost();
    CHECK(h.log.all().empty());
    for (int i = 0; i != 8; ++i)
        h.refused(403);
    CHECK(issuer.issue(access::create_params("ci")).get().has_error());
    CHECK(h.log.all().at(0).opened_at.to_string() == "2026-12-25T10:00:00Z");
}

TEST_CASE("in a zone the fresh secret comes from an update") {
    harsh h;
    h.where = access::zone_scope::parse(std::string(32, 'b')).value();
    h.lost().listed(harsh::token_json(harsh::tagged));
    h.created().named();
    CHECK(h.issue().has_value());
    CHECK(h.sent() == "POST GET PUT PUT");
    CHECK(h.way.requests()[2].body == R"({"client_secret_version":2})");
}

} // namespace
} // namespace issuer_tests
