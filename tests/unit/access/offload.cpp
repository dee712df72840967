// Issues on an event loop: with stores that block elsewhere, and cancelled at each moment.
#include <cloudflare/access/offload.hpp>

#include <cloudflare/access/any_async_store.hpp>
#include <cloudflare/access/issuer.hpp>
#include <cloudflare/client.hpp>
#include <cloudflare/testing/sandbox_server.hpp>
#include <cloudflare/transport/beast.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace offload_tests {

/// Gives its secrets out, as a sealed sink does.
struct reading_sink : cloudflare::access::memory_sink {
    using held_secret = cloudflare::access::held_secret;

    cloudflare::result<std::optional<held_secret>> read(std::string_view key) {
        auto const held = find(key).value();
        std::optional<held_secret> read;
        if (held) read = held_secret{*held, stored(held->token_id)->client_secret};
        return cloudflare::result<std::optional<held_secret>>(std::move(read));
    }
};

} // namespace offload_tests

namespace {

namespace asio = boost::asio;
using namespace cloudflare;
using namespace std::chrono_literals;

/// Stores that block for a while, as disks and databases do.
struct slow_sink : access::memory_sink {
    std::thread::id last_thread{};

    result<void> store(access::intent const& i, access::issued_service_token const& token) {
        last_thread = std::this_thread::get_id();
        std::this_thread::sleep_for(20ms);
        return access::memory_sink::store(i, token);
    }
};

struct world {
    world() {
        server.access([](auto& box, auto&) { box.options().token_limit = 1000; });
    }

    access::account_scope account = access::account_scope::parse(std::string(32, 'a')).value();
    asio::io_context context{1};
    testing::sandbox_server server{context, testing::sandbox(), {.tls = false}};
    asio::thread_pool disk{1};
    slow_sink blocking_sink;
    access::memory_intent_log blocking_log;
    offloaded_sink<slow_sink> sink{disk.get_executor(), blocking_sink};
    offloaded_log<access::memory_intent_log> log{disk.get_executor(), blocking_log};

    auto make_issuer() {
        client c(beast_transport(context.get_executor()), api_token::make("sample").value(),
                 client_options().base_url(base_url::parse(server.base_url()).value()));
        return access::issuer(c, account, sink, log);
    }
};

TEST_CASE("stores that block do so on another thread") {
    world w;
    auto issuer = w.make_issuer();
    std::optional<result<access::issued>> done;
    asio::co_spawn(w.context, issuer.issue(access::create_params("ci")),
                   [&](std::exception_ptr, result<access::issued> given) {
                       done = std::move(given);
                       w.context.stop();
                   });
    w.context.run();
    REQUIRE(done);
    REQUIRE(done->has_value());
    CHECK(w.blocking_sink.stored((*done)->token.id));
    CHECK(w.blocking_sink.last_thread != std::this_thread::get_id());
    CHECK(w.blocking_log.list().value().empty());
}

TEST_CASE("an issuer works over stores that are chosen at run time") {
    world w;
    offload_tests::reading_sink there;
    access::any_async_sink sink(
        offloaded_sink<offload_tests::reading_sink>(w.disk.get_executor(), there));
    access::any_async_log log(
        offloaded_log<access::memory_intent_log>(w.disk.get_executor(), w.blocking_log));
    client c(beast_transport(w.context.get_executor()), api_token::make("sample").value(),
             client_options().base_url(base_url::parse(w.server.base_url()).value()));
    access::issuer issuer(c, w.account, sink, log);
    bool is_done = false;
    auto const use = [&]() -> asio::awaitable<void> {
        auto pending = issuer.issue("web-1", access::create_params("ci"));
        auto const issued = co_await std::move(pending);
        CHECK(issued.has_value());
        auto pending_read = sink.read("web-1");
        auto const held = co_await std::move(pending_read);
        CHECK(held.value().value().token.token_id == issued->token.id);
        auto pending_list = sink.list();
        auto const all = co_await std::move(pending_list);
        CHECK(all.value().size() == 1);
        auto pending_forget = sink.forget(issued->token.id);
        auto const forgotten = co_await std::move(pending_forget);
        CHECK(forgotten.has_value());
        auto pending_again = sink.read("web-1");
        auto const again = co_await std::move(pending_again);
        CHECK_FALSE(again.value().has_value());
        auto pending_intents = log.list();
        auto const intents = co_await std::move(pending_intents);
        CHECK(intents.value().empty());
        is_done = true;
        w.context.stop();
    };
    asio::co_spawn(w.context, use(), asio::detached);
    w.context.run();
    CHECK(is_done);
}

TEST_CASE("an issue that is cancelled stops if nothing was sent, and else ends") {
    int stopped = 0, ended = 0;
    for (auto wait = 0ms; wait != 80ms; wait += 2ms) {
        CAPTURE(wait.count());
        world w;
        w.server.access([](auto&, auto& faults) {
            CHECK(faults.add("POST=delay:15"));
            CHECK(faults.add("PUT=delay:10"));
        });
        auto issuer = w.make_issuer();
        asio::cancellation_signal signal;
        std::optional<result<access::issued>> done;
        bool thrown = false;
        asio::co_spawn(w.context, issuer.issue(access::create_params("ci")),
                       asio::bind_cancellation_slot(
                           signal.slot(), [&](std::exception_ptr e, result<access::issued> given) {
                               thrown = e != nullptr;
                               done = std::move(given);
                               w.context.stop();
                           }));
        asio::steady_timer timer(w.context, wait);
        timer.async_wait([&](auto) { signal.emit(asio::cancellation_type::terminal); });
        w.context.run();
        REQUIRE(done);
        if (thrown) { // before anything was begun
            CHECK(w.blocking_log.list().value().empty());
            ++stopped;
            continue;
        }
        auto const tokens = w.server.access([](auto& box, auto&) { return box.tokens(); });
        auto const intents = w.blocking_log.list().value();
        CHECK(std::none_of(intents.begin(), intents.end(), [](access::intent const& i) {
            return i.state == access::intent_state::open;
        }));
        if (!*done) {
            CHECK(done->error() == errc::cancelled);
            CHECK(done->error().delivery() == delivery::not_sent);
            CHECK(tokens.empty());
            ++stopped;
            continue;
        }
        ++ended;
        CHECK(w.blocking_sink.stored((*done)->token.id));
        CHECK(std::any_of(tokens.begin(), tokens.end(),
                          [&](auto const& t) { return t.id == (*done)->token.id; }));
    }
    CHECK(stopped > 0);
    CHECK(ended > 0);
}

} // namespace
