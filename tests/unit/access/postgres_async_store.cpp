// The stores in PostgreSQL that are awaited, against a real server: run by
// programs/postgres_server.sh.
#include <cloudflare/access/postgres_async_store.hpp>

#include <cloudflare/testing/log_conformance.hpp>
#include <cloudflare/testing/sink_conformance.hpp>

#include "postgres_under_test.hpp"
#include "postgres_world.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace postgres_async_store_tests {
namespace {

using namespace postgres_world;
using namespace std::chrono_literals;

TEST_CASE("the awaited log passes the kit") {
    testing::log_subject subject;
    access::postgres_options options;
    subject.make = [&] {
        options = fresh_tables();
        return std::make_unique<log_on_loop>(options);
    };
    subject.reopen = [&] { return std::make_unique<log_on_loop>(options); };
    for (auto const& o : testing::check_intent_log(subject)) {
        CAPTURE(o);
        CHECK(o.passed());
    }
}

TEST_CASE("the awaited sink passes the kit") {
    testing::sink_subject subject;
    access::postgres_options options;
    subject.make = [&] {
        options = fresh_tables();
        return std::make_unique<sink_on_loop>(options);
    };
    subject.reopen = [&] { return std::make_unique<sink_on_loop>(options); };
    subject.secret_of = [&](std::string_view key) -> std::optional<std::string> {
        auto const kept = sink_on_loop(options).secret_of(key);
        if (!kept || !*kept) return std::nullopt;
        return std::string((*kept)->reveal());
    };
    for (auto const& o : testing::check_sink(subject)) {
        CAPTURE(o);
        CHECK(o.passed());
    }
}

/// How often a timer of one millisecond fires on the same, single thread until a call has ended.
template <class T>
int ticks_during(asio::io_context& context, asio::awaitable<T> task, T& given) {
    int ticks = 0;
    bool is_over = false;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr, T value) {
        given = std::move(value);
        is_over = true;
    });
    auto const ticking = [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(context);
        while (!is_over) {
            timer.expires_after(1ms);
            co_await timer.async_wait(asio::use_awaitable);
            ++ticks;
        }
    };
    asio::co_spawn(context, ticking(), asio::detached);
    context.run();
    return ticks;
}

TEST_CASE("the loop is not blocked by a server that accepts and is silent") {
    asio::io_context context(1);
    asio::ip::tcp::acceptor silent(context, {asio::ip::make_address("127.0.0.1"), 0});
    auto const port = std::to_string(silent.local_endpoint().port());
    for (auto const* host : {"127.0.0.1", "localhost"}) {
        CAPTURE(host);
        access::async_postgres_database db(
            context.get_executor(),
            access::postgres_options()
                .connection(secret("host=" + std::string(host) + " port=" + port))
                .deadline(150ms));
        result<void> opened;
        context.restart();
        CHECK(ticks_during(context, db.open(), opened) > 10);
        REQUIRE(opened.has_error());
        CHECK(opened.error() == errc::intent_log_failed);
        CHECK(opened.error().to_string().find("did not respond") != std::string::npos);
    }
}

TEST_CASE("the loop is not blocked by a statement that waits for a lock") {
    auto const options = fresh_tables().deadline(300ms);
    auto const table = options.table_prefix() + "access_intents";
    asio::io_context context(1);
    access::async_postgres_database db(context.get_executor(), options);
    access::async_postgres_intent_log log(db);
    result<void> opened;
    ticks_during(context, db.open(), opened);
    REQUIRE(opened.has_value());

    held_lock const lock("LOCK TABLE " + table);
    result<std::vector<access::intent>> listed;
    context.restart();
    CHECK(ticks_during(context, log.list(), listed) > 10);
    REQUIRE(listed.has_error());
    CHECK(listed.error() == errc::intent_log_failed);
}

TEST_CASE("a call that is cancelled ends as if it were not") {
    auto const options = fresh_tables();
    asio::io_context context(1);
    access::async_postgres_database db(context.get_executor(), options);
    access::async_postgres_intent_log log(db);
    result<void> opened;
    ticks_during(context, db.open(), opened);
    for (auto wait = 0us; wait != 2000us; wait += 100us) {
        CAPTURE(wait.count());
        auto const i = testing::detail::sample_intent(static_cast<int>(wait.count()));
        asio::cancellation_signal signal;
        std::optional<result<std::optional<access::intent>>> given;
        bool is_thrown = false;
        asio::co_spawn(context, log.insert(i),
                       asio::bind_cancellation_slot(
                           signal.slot(),
                           [&](std::exception_ptr e, result<std::optional<access::intent>> value) {
                               is_thrown = e != nullptr;
                               given = std::move(value);
                           }));
        asio::steady_timer timer(context, wait);
        timer.async_wait([&](auto) { signal.emit(asio::cancellation_type::terminal); });
        context.restart();
        context.run();
        REQUIRE(given);
        if (is_thrown) continue; // before it began
        CHECK(given->has_value());
        CHECK(execute("SELECT count(*) FROM " + options.table_prefix() +
                      "access_intents WHERE tag = '" + i.tag + "'") == "1");
    }
}

TEST_CASE("more calls than connections wait in line") {
    auto const options = fresh_tables().max_connections(1);
    loop l;
    access::async_postgres_database db(l.executor(), options);
    access::async_postgres_intent_log log(db);
    std::vector<access::intent> intents;
    for (int n = 0; n != 50; ++n)
        intents.push_back(testing::detail::sample_intent(n));
    std::vector<std::future<result<std::optional<access::intent>>>> pending;
    for (auto const& i : intents)
        pending.push_back(asio::co_spawn(l.executor(), log.insert(i), asio::use_future));
    for (auto& p : pending)
        CHECK(p.get().has_value());
    CHECK(l.run(log.list())->size() == 50);
}

} // namespace
} // namespace postgres_async_store_tests
