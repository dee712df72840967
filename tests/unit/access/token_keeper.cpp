#include <cloudflare/access/token_keeper.hpp>

#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox.hpp>
#include <cloudflare/transport/blocking.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace token_keeper_tests {
namespace {

using namespace cloudflare;
using namespace std::chrono_literals;

/// A transport that ends in a sandbox and keeps its own time.
struct sandbox_transport {
    template <class T>
    using task = blocking<T>;

    struct world {
        testing::sandbox box{1, testing::sandbox_options()};
        time_point now{1h};
        std::vector<http::request> requests{};
        bool is_down = false;
    };
    std::shared_ptr<world> shared = std::make_shared<world>();

    [[nodiscard]] timestamp wall() const {
        auto const since = std::chrono::floor<std::chrono::seconds>(shared->now.time_since_epoch());
        return timestamp::parse("2026-11-24T00:00:00Z").value().plus(since);
    }
    task<result<http::response>> send(http::request const& r, time_point) {
        if (shared->is_down)
            co_return error(errc::connect_failed, error_details{.delivery = delivery::not_sent});
        shared->requests.push_back(r);
        co_return shared->box.handle(r, wall());
    }
    task<void> sleep_until(time_point t) {
        shared->now = (std::max)(shared->now, t);
        co_return;
    }
    [[nodiscard]] time_point now() const { return shared->now; }
};

/// Gives its secrets back.
struct readable_memory : access::memory_sink {
    using memory_sink::memory_sink;
    bool fails = false;

    result<std::optional<access::held_secret>> read(std::string_view key) {
        if (fails) return error(errc::sink_failed, "not readable");
        std::optional<access::held_secret> read;
        if (auto const held = find(key).value())
            read = access::held_secret{*held, stored(held->token_id)->client_secret};
        return read;
    }
};

struct fixture {
    explicit fixture(access::keeper_options o = access::keeper_options()) : options(std::move(o)) {}

    [[nodiscard]] std::size_t sent() const { return transport.shared->requests.size(); }
    [[nodiscard]] bool works(access::held_secret const& s) const {
        return transport.shared->box.admits(s.token.client_id, s.client_secret.reveal(),
                                            transport.wall());
    }
    result<access::kept_token> issue(std::string const& key) {
        return keeper.issue(key, access::create_params(key)).get();
    }
    /// An issue of a process that has died before it sent anything.
    void leave_intent(std::string const& key) {
        access::intent i(std::string(32, '1'), account, key, transport.wall());
        i.key = key;
        CHECK_FALSE(log.insert(i).value().has_value());
    }
    /// Runs so many rounds.
    std::vector<access::keeper_round> run(std::size_t count) {
        std::vector<access::keeper_round> rounds;
        auto const keep_running = [&](access::keeper_round const& r) {
            rounds.push_back(r);
            return rounds.size() != count;
        };
        keeper.run(keep_running).get();
        return rounds;
    }

    access::any_scope account = access::account_scope::parse(std::string(32, 'a')).value();
    sandbox_transport transport;
    client<sandbox_transport> through{transport, api_token::make("sample").value()};
    readable_memory sink{[t = transport] { return t.wall(); }};
    access::memory_intent_log log;
    access::keeper_options options;
    access::token_keeper<client<sandbox_transport>, readable_memory, access::memory_intent_log>
        keeper{through, account, sink, log, options};
};

TEST_CASE("a key's first ask issues a token, and every other one gives the same") {
    fixture f;
    CHECK_FALSE(f.keeper.held("web-1").get().value().has_value());
    auto const first = f.issue("web-1").value();
    CHECK(first.is_new);
    CHECK(first.expires_at.has_value());
    CHECK(f.works(first.held));
    auto const sent = f.sent();
    auto const second = f.issue("web-1").value();
    CHECK_FALSE(second.is_new);
    CHECK(second.held.is_same_login(first.held));
    auto const held = f.keeper.held("web-1").get().value().value();
    CHECK(held.held.is_same_login(first.held));
    CHECK(held.expires_at == first.expires_at);
    CHECK(f.sent() == sent);
}

TEST_CASE("a rotation gives the new secret, and the one before works for the policy's grace") {
    fixture f(access::keeper_options().policy(access::renewal_policy().grace(2h)));
    auto const old = f.issue("web-1").value();
    auto const rotated = f.keeper.rotate("web-1").get().value();
    CHECK_FALSE(rotated.is_new);
    CHECK(rotated.held.token.version == 2);
    CHECK(f.works(rotated.held));
    f.transport.shared->now += 2h - 1min;
    CHECK(f.works(old.held));
    f.transport.shared->now += 2min;
    CHECK_FALSE(f.works(old.held));
    CHECK(f.keeper.rotate("web-2").get().error() == errc::invalid_argument);
}

TEST_CASE("a grace that runs is not ended by another rotation") {
    fixture f;
    CHECK(f.issue("web-1").has_value());
    CHECK(f.keeper.rotate("web-1").get().has_value());
    CHECK(f.keeper.rotate("web-1").get().error() == errc::grace_running);
}

TEST_CASE("a token that is revoked is removed from server, sink and states") {
    fixture f;
    auto const token = f.issue("web-1").value();
    CHECK(f.keeper.revoke("web-1").get().value() == access::presence::there);
    CHECK_FALSE(f.works(token.held));
    CHECK_FALSE(f.sink.find("web-1").value().has_value());
    CHECK(f.keeper.states().empty());
    CHECK(f.keeper.revoke("web-1").get().value() == access::presence::absent);
    auto const next = f.issue("web-1").value();
    CHECK(next.is_new);
    CHECK(next.held.token.token_id != token.held.token.token_id);
}

TEST_CASE("a token that somebody has deleted can be revoked all the same") {
    fixture f;
    CHECK(f.issue("web-1").has_value());
    f.transport.shared->box = testing::sandbox(1, testing::sandbox_options());
    CHECK(f.keeper.revoke("web-1").get().value() == access::presence::there);
    CHECK_FALSE(f.sink.find("web-1").value().has_value());
}

TEST_CASE("a token stays in the sink where it could not be deleted") {
    fixture f;
    auto const token = f.issue("web-1").value();
    f.transport.shared->is_down = true;
    CHECK(f.keeper.revoke("web-1").get().error() == errc::connect_failed);
    CHECK(f.keeper.held("web-1").get().value().value().held.is_same_login(token.held));
}

TEST_CASE("the errors of the sink are those of the keeper") {
    fixture f;
    f.sink.fails = true;
    CHECK(f.keeper.held("web-1").get().error() == errc::sink_failed);
    CHECK(f.issue("web-1").error() == errc::sink_failed);
}

TEST_CASE("the states are known at once, and after a round those of all that the sink holds") {
    fixture f;
    CHECK(f.issue("web-1").has_value());
    auto const& states = f.keeper.states();
    REQUIRE(states.contains("web-1"));
    CHECK(states.at("web-1").state == access::renewal_state::fresh);
    CHECK(states.at("web-1").next == access::renewal_action::refresh);
    CHECK(f.keeper.rotate("web-1").get().has_value());
    CHECK(states.at("web-1").version == 2);

    auto const token = f.issue("web-2").value().held.token;
    CHECK(
        f.through.call(access::delete_service_token(f.account, token.token_id)).get().has_value());
    CHECK(f.run(1).front().renewed->has_value());
    CHECK(states.at("web-1").state == access::renewal_state::fresh);
    CHECK(states.at("web-2").state == access::renewal_state::missing);
    CHECK(f.sink.forget(token.token_id).has_value());
    f.run(1);
    CHECK(states.size() == 1);
}

TEST_CASE("tokens are renewed by rounds") {
    fixture f(access::keeper_options().interval(24h).policy(
        access::renewal_policy().rotate_after(20h).grace(1h)));
    CHECK(f.issue("web-1").has_value());
    auto const rounds = f.run(3);
    CHECK_FALSE(rounds[0].renewed->value().tokens.at(0).rotated);
    CHECK(rounds[1].renewed->value().tokens.at(0).rotated);
    CHECK(f.keeper.states().at("web-1").version == 3);
    CHECK(f.keeper.states().at("web-1").state == access::renewal_state::fresh);
    CHECK(f.works(f.keeper.held("web-1").get().value().value().held));
}

TEST_CASE("a keeper that shares its stores leaves young intents to their processes") {
    fixture f;
    CHECK(f.keeper.is_ready());
    f.leave_intent("web-1");
    auto const round = f.run(1).front();
    CHECK(round.settled.value().left_open.size() == 1);
    CHECK(round.renewed.has_value());
    CHECK(f.log.list().value().front().state == access::intent_state::open);
}

TEST_CASE("a keeper with stores of its own settles all that is open, and then issues") {
    fixture f(access::keeper_options().shared(false));
    f.leave_intent("web-1");
    CHECK_FALSE(f.keeper.is_ready());
    auto const refused = f.issue("web-1").error();
    CHECK(refused == errc::conflict);
    CHECK(refused.details().retry_after == 1s);
    CHECK(f.sent() == 0);

    f.transport.shared->is_down = true;
    CHECK_FALSE(f.run(1).front().settled.has_value());
    CHECK_FALSE(f.keeper.is_ready());
    f.transport.shared->is_down = false;
    auto const rounds = f.run(2);
    CHECK_FALSE(rounds[0].renewed.has_value());
    CHECK(rounds[1].renewed.has_value());
    CHECK(f.keeper.is_ready());
    CHECK(f.issue("web-1").value().is_new);
}

TEST_CASE("a round tells of strays even if no intent is due") {
    fixture f;
    auto const tagged = access::tagged_name("web-9", std::string(32, '7'));
    auto const made =
        f.through.call(access::create_service_token(f.account, access::create_params(tagged)))
            .get();
    REQUIRE(made.has_value());
    f.transport.shared->now += 48h;
    auto const round = f.run(1).front();
    CHECK(round.settled.value().strays.size() == 1);
}

} // namespace
} // namespace token_keeper_tests
