// What an error of the stores in PostgreSQL says of what may have been kept: run by
// programs/postgres_server.sh.
#include "postgres_proxy.hpp"
#include "postgres_under_test.hpp"
#include "postgres_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

namespace postgres_errors_tests {
namespace {

using namespace postgres_world;
using access::detail::postgres::attempts;
using access::detail::postgres::failure;
using access::detail::postgres::failure_kind;
using testing::detail::intent_for;
using testing::detail::sample_intent;
using testing::detail::sample_token;

/// That nothing was kept, and how far the call got.
void check_nothing_kept(error const& e, delivery expected) {
    auto const string = e.to_string();
    CAPTURE(string);
    CHECK(e.delivery() == expected);
    CHECK_FALSE(e.may_have_acted());
    CHECK(string.find("may have acted") == string.npos);
    CHECK(string.find("not known") == string.npos);
}
void check_in_doubt(error const& e) {
    auto const string = e.to_string();
    CAPTURE(string);
    CHECK(e.delivery() == delivery::unknown);
    CHECK(e.may_have_acted());
}

/// Checks each function of a log and a sink, none of which comes through.
template <class Kind>
void check_all_fail(access::postgres_options const& options, delivery expected) {
    typename Kind::log log(options);
    typename Kind::sink sink(options);
    check_nothing_kept(log.insert(sample_intent(1)).error(), expected);
    check_nothing_kept(log.update(sample_intent(1)).error(), expected);
    check_nothing_kept(log.erase(sample_intent(1)).error(), expected);
    check_nothing_kept(log.list().error(), expected);
    check_nothing_kept(sink.prepare(intent_for("key")).error(), expected);
    check_nothing_kept(sink.store(intent_for("key"), sample_token("id-1")).error(), expected);
    check_nothing_kept(sink.find("key").error(), expected);
    check_nothing_kept(sink.forget("id-1").error(), expected);
    check_nothing_kept(sink.list().error(), expected);
}

/// A port on which connections are accepted by the system, and nobody responds.
class silent_port {
public:
    silent_port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::socklen_t size = sizeof(address);
        ::bind(socket_, reinterpret_cast<::sockaddr*>(&address), size);
        ::listen(socket_, 64);
        ::getsockname(socket_, reinterpret_cast<::sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    silent_port(silent_port const&) = delete;
    silent_port& operator=(silent_port const&) = delete;
    ~silent_port() { ::close(socket_); }
    [[nodiscard]] std::string number() const { return std::to_string(port_); }

private:
    int socket_;
    int port_ = 0;
};

TEST_CASE_TEMPLATE("without a connection an error says that nothing was sent", Kind, blocking_kind,
                   async_kind) {
    silent_port const silent;
    for (auto const& connection :
         {std::string("host=127.0.0.1 port=1"), std::string("host=/nowhere"),
          std::string("host=nowhere.invalid"), "host=127.0.0.1 port=" + silent.number(),
          std::string("user=nobody_has_this_name"), std::string("dbname=nothing_has_this_name"),
          std::string("options='-c default_transaction_read_only=on'"),
          std::string("sslmode=require host=127.0.0.1")}) {
        CAPTURE(connection);
        check_all_fail<Kind>(
            fresh_tables().connection(secret(connection)).deadline(std::chrono::milliseconds(15)),
            delivery::not_sent);
    }
}

TEST_CASE("open says that nothing was sent where there is no connection") {
    auto const options = fresh_tables()
                             .connection(secret("host=127.0.0.1 port=1"))
                             .deadline(std::chrono::milliseconds(40));
    check_nothing_kept(access::postgres_database(options).open().error(), delivery::not_sent);
    loop l;
    access::async_postgres_database async(l.executor(), options);
    check_nothing_kept(l.run(async.open()).error(), delivery::not_sent);
}

TEST_CASE_TEMPLATE("where the tables cannot be used an error says that nothing was sent to them",
                   Kind, blocking_kind, async_kind) {
    auto const options = fresh_tables();
    REQUIRE(access::postgres_database(options).open().has_value());
    execute("INSERT INTO " + options.table_prefix() + "access_schema VALUES (2)");
    check_all_fail<Kind>(options, delivery::not_sent);
    check_nothing_kept(access::postgres_database(options).open().error(), delivery::rejected);
}

TEST_CASE_TEMPLATE("what the server refuses is not kept, and the error says so", Kind,
                   blocking_kind, async_kind) {
    auto const options = fresh_tables();
    typename Kind::log log(options);
    typename Kind::sink sink(options);
    REQUIRE(log.insert(sample_intent(1)).has_value());
    REQUIRE(sink.store(intent_for("key"), sample_token("id-1", 2)).has_value());
    for (auto const& refused :
         {log.update(sample_intent(2)), log.erase(sample_intent(2)),
          sink.prepare(intent_for("key")), sink.store(intent_for("key"), sample_token("id-2")),
          sink.store(intent_for("key"), sample_token("id-1", 1))})
        check_nothing_kept(refused.error(), delivery::rejected);

    execute("UPDATE " + options.table_prefix() + "access_intents SET state = 77");
    check_nothing_kept(log.list().error(), delivery::rejected);
    execute("DROP TABLE " + options.table_prefix() + "access_intents");
    execute("DROP TABLE " + options.table_prefix() + "access_secrets");
    check_nothing_kept(log.insert(sample_intent(1)).error(), delivery::rejected);
    check_nothing_kept(log.update(sample_intent(1)).error(), delivery::rejected);
    check_nothing_kept(log.erase(sample_intent(1)).error(), delivery::rejected);
    check_nothing_kept(log.list().error(), delivery::rejected);
    check_nothing_kept(sink.prepare(intent_for("key")).error(), delivery::rejected);
    check_nothing_kept(sink.store(intent_for("key"), sample_token("id-1")).error(),
                       delivery::rejected);
    check_nothing_kept(sink.forget("id-1").error(), delivery::rejected);
}

TEST_CASE_TEMPLATE("arguments that are refused are not sent", Kind, blocking_kind, async_kind) {
    typename Kind::log log(fresh_tables());
    typename Kind::sink sink(fresh_tables());
    auto i = sample_intent(1);
    i.key = "\xff";
    check_nothing_kept(log.insert(i).error(), delivery::not_sent);
    check_nothing_kept(sink.store(i, sample_token("id-1")).error(), delivery::not_sent);
}

TEST_CASE_TEMPLATE("a write that the server did not acknowledge may have been kept; a read keeps "
                   "nothing",
                   Kind, blocking_kind, async_kind) {
    auto const options = fresh_tables();
    REQUIRE(access::postgres_database(options).open().has_value());
    auto hasty = options;
    hasty.deadline(std::chrono::milliseconds(100));
    // Each with a database of its own, for one that lost a session ends that first.
    typename Kind::log inserts(hasty), updates(hasty), erases(hasty);
    typename Kind::sink stores(hasty), forgets(hasty);
    for (auto* log : {&inserts, &updates, &erases})
        REQUIRE(log->list().has_value());
    for (auto* sink : {&stores, &forgets})
        REQUIRE(sink->list().has_value());
    {
        held_lock const lock("LOCK TABLE " + options.table_prefix() + "access_intents, " +
                             options.table_prefix() + "access_secrets");
        check_nothing_kept(inserts.list().error(), delivery::rejected);
        check_nothing_kept(stores.find("key").error(), delivery::rejected);
        check_in_doubt(inserts.insert(sample_intent(1)).error());
        check_in_doubt(updates.update(sample_intent(1)).error());
        check_in_doubt(erases.erase(sample_intent(1)).error());
        check_in_doubt(stores.store(intent_for("key"), sample_token("id-1")).error());
        check_in_doubt(forgets.forget("id-1").error());
    }
    auto through_proxy = options;
    cutting_proxy proxy;
    through_proxy.connection(secret(proxy.connection()));
    typename Kind::log cut(through_proxy);
    REQUIRE(cut.insert(sample_intent(2)).has_value());
    proxy.arm(fault::lost_after, "DELETE");
    check_in_doubt(cut.erase(sample_intent(2)).error());
}

TEST_CASE_TEMPLATE("tables that may have been made are told from those that were not", Kind,
                   blocking_kind, async_kind) {
    cutting_proxy proxy;
    auto const options = fresh_tables()
                             .connection(secret(proxy.connection()))
                             .deadline(std::chrono::milliseconds(150));
    held_lock const lock("SELECT pg_advisory_xact_lock(hashtextextended('\"" +
                         options.table_prefix() + "access_schema\"', 4873))");
    access::postgres_database blocking(options);
    check_in_doubt(blocking.open().error());
    typename Kind::sink sink(options);
    check_nothing_kept(sink.store(intent_for("key"), sample_token("id-1")).error(),
                       delivery::not_sent);
}

TEST_CASE_TEMPLATE("a call that gets no connection in time was not sent", Kind, blocking_kind,
                   async_kind) {
    auto const options = fresh_tables().max_connections(1);
    auto hasty = options;
    hasty.deadline(std::chrono::milliseconds(150));
    typename Kind::log log(hasty);
    REQUIRE(log.list().has_value());
    held_lock const lock("LOCK TABLE " + options.table_prefix() + "access_intents");
    std::thread other([&] { CHECK(log.insert(sample_intent(1)).has_error()); });
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE "
                   "'cloudflare-access %' AND wait_event_type = 'Lock'") == "0" &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    auto const inserted = log.insert(sample_intent(2));
    other.join();
    if (inserted.has_error() && // else the other one ended first, and this one had the connection
        inserted.error().to_string().find("in use") != std::string::npos)
        check_nothing_kept(inserted.error(), delivery::not_sent);
}

TEST_CASE("once a write is in doubt, only what shows that it was not made takes the doubt away") {
    auto const now = std::chrono::steady_clock::now();
    attempts tries(now, std::chrono::seconds(1));
    CHECK(tries.last_error(errc::sink_failed).delivery() == delivery::not_sent);
    static_cast<void>(tries.after(failure(failure_kind::unreachable, "w"), now, 0));
    CHECK(tries.last_error(errc::sink_failed).delivery() == delivery::not_sent);
    failure rolled_back(failure_kind::rolled_back, "w");
    rolled_back.was_sent = true;
    static_cast<void>(tries.after(rolled_back, now, 0));
    CHECK(tries.last_error(errc::sink_failed).delivery() == delivery::rejected);
    static_cast<void>(tries.after(failure(failure_kind::lost, "w"), now, 0));
    CHECK(tries.last_error(errc::sink_failed).delivery() == delivery::unknown);
    static_cast<void>(tries.after(failure(failure_kind::refused, "w"), now, 0));
    CHECK(tries.last_error(errc::sink_failed).delivery() == delivery::unknown);
}

} // namespace
} // namespace postgres_errors_tests
