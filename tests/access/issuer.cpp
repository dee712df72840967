#include <cloudflare/access/issuer.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/scripted_transport.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace issuer_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;
using testing::scripted_transport;

std::string const id = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415";
std::string const tag(32, '1');

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
    fixture& answer_token(int status, std::string const& secret_text = "s3cret") {
        way.answer(status, R"({"success":true,"errors":[],"messages":[],"result":)" +
                               token("issue:" + tag + " ci", secret_text) + "}");
        return *this;
    }
    fixture& answer_list(std::string const& tokens) {
        way.answer(200, R"({"success":true,"errors":[],"messages":[],"result":[)" + tokens + "]}");
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
    f.answer_token(201).answer_token(200, "");
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
    f.answer_token(201);
    auto const done = f.issue(access::issue_options().keep_tag(true)).value();
    CHECK(done.token.name == "issue:" + tag + " ci");
    CHECK(f.way.requests().size() == 1);
    CHECK(f.open() == 0);
}

TEST_CASE("after a lost answer the token with the tag, and no other, is given a fresh secret") {
    fixture f;
    f.way.fail(errc::connection_lost, delivery::unknown);
    auto const another = R"({"id":"0","client_id":"d.access","name":"issue:22222222 ci"})";
    f.answer_list("").answer_list(std::string(another) + "," +
                                  fixture::token("issue:" + tag + " ci"));
    f.answer_token(200, "fresh").answer_token(200, "");
    CHECK(f.issue().has_value());
    CHECK(f.sink.stored(id)->client_secret.reveal() == "fresh");
    CHECK(f.sent()[3] == "POST /rotate");
    CHECK(f.open() == 0);
}

TEST_CASE("a token whose fresh secret is lost too is deleted and made again") {
    fixture f;
    f.way.fail(errc::connection_lost, delivery::unknown);
    f.answer_list(fixture::token("issue:" + tag + " ci"));
    f.way.fail(errc::connection_lost, delivery::unknown); // of the rotate
    f.answer_token(200, "");                              // the delete
    f.answer_token(201, "second").answer_token(200, "");
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
        f.answer_list("");
    auto const failed = f.issue().error();
    CHECK(failed.may_have_acted());
    CHECK(failed.to_string().find("intent " + tag + " stays open") != std::string::npos);
    CHECK(f.open() == 1);
}

TEST_CASE("a create that was refused leaves nothing, not even an intent") {
    fixture f;
    f.way.answer(400, R"({"success":false,"errors":[{"code":12130,"message":"no"}]})");
    auto const failed = f.issue().error();
    CHECK(failed == errc::bad_request);
    CHECK(f.open() == 0);
    CHECK(f.way.requests().size() == 1);
}

TEST_CASE("the account's limit names the open intents that could be withdrawn") {
    fixture f;
    auto const where = access::account_scope::parse(std::string(32, 'a')).value();
    f.intents.insert({std::string(32, '2'), where, "other"}).value();
    f.way.answer(
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
    f.answer_token(201).answer_token(200, "");
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

} // namespace
} // namespace issuer_tests
