#include <cloudflare/access/reconcile.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
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
    fixture& answer_list(std::string const& names) {
        way.answer(200, R"({"success":true,"result":[)" + names + "]}");
        return *this;
    }
    static std::string token(std::string const& name, std::string const& token_id = id) {
        return R"({"id":")" + token_id + R"(","client_id":"c.access","name":")" + name + R"("})";
    }
    fixture& answer_token() {
        way.answer(200, R"({"success":true,"result":)" + token("ci") + "}");
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
    f.answer_list(fixture::token("issue:" + tag + " ci")).answer_token();
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
    f.answer_list(fixture::token("issue:" + tag + " ci")).answer_token();
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
    f.answer_list("");
    CHECK(f.reconcile(1000h).value().left_open.size() == 1);
    CHECK(f.is_open());
}

TEST_CASE("a list that shows others proves that the token was never made, once the intent is old") {
    fixture f;
    f.answer_list(fixture::token("ci"));
    CHECK(f.reconcile(1h - 1s).value().left_open.size() == 1);
    f.answer_list(fixture::token("ci"));
    CHECK(f.reconcile(1h).value().left_open.empty());
    CHECK_FALSE(f.is_open());
    CHECK(f.way.requests().size() == 2);
}

TEST_CASE("a token that a lagging list shows and that is long gone leaves the intent watched") {
    fixture f;
    f.answer_list(fixture::token("issue:" + tag + " ci"));
    f.way.answer(404, R"({"success":false,"errors":[{"code":12135,"message":"not found"}]})");
    auto const done = f.reconcile(15min).value();
    CHECK(done.withdrawn.empty());
    REQUIRE(done.watched.size() == 1);
    CHECK(f.intents.list().value().at(0).until == opened.plus(15min + 30 * 24h));
}

TEST_CASE("a withdrawal that is not certain leaves the intent open") {
    fixture f;
    f.answer_list(fixture::token("issue:" + tag + " ci"));
    f.way.answer(400, R"({"success":false,"errors":[{"code":12139,"message":"in use"}]})");
    CHECK(f.reconcile(15min).value().left_open.size() == 1);
    CHECK(f.is_open());
}

TEST_CASE("an intent is as old as it was before the list, however long that took") {
    fixture f;
    f.answer_list(fixture::token("ci"));
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
    f.answer_list(names);
    for (int i = 0; i != 5; ++i)
        f.answer_token();
    auto const done = f.reconcile(15min).value();
    CHECK(done.withdrawn.size() == 5);
    CHECK(done.left_open.size() == 4); // no token has their tags, and they are not old enough
    CHECK(f.way.requests().size() == 6);
}

TEST_CASE("another scope's intents are left alone") {
    fixture f;
    f.where = access::zone_scope::parse(std::string(32, 'b')).value();
    f.answer_list("");
    CHECK(f.reconcile(1000h).value().left_open.empty());
    CHECK(f.is_open());
    CHECK(f.way.requests().empty());
}

} // namespace
} // namespace reconcile_tests
