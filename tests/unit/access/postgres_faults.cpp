// What the stores in PostgreSQL do where connections are lost, starters meet and statements fail:
// run by programs/postgres_server.sh.
#include "postgres_proxy.hpp"
#include "postgres_under_test.hpp"
#include "postgres_world.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <csignal>

#include <sys/types.h>
#include <sys/wait.h>

namespace postgres_faults_tests {
namespace {

using namespace postgres_world;
using testing::detail::intent_for;
using testing::detail::sample_intent;
using testing::detail::sample_secret;
using testing::detail::sample_token;

/// Stores over a proxy, and the same table without one.
template <class Kind>
struct world {
    world()
        : log(through_proxy()), sink(through_proxy()), direct_log(options), direct_sink(options) {
        REQUIRE(log.list().has_value());
        REQUIRE(sink.list().has_value());
    }
    access::postgres_options through_proxy() const {
        auto o = options;
        return o.connection(secret(proxy.connection()));
    }
    void arm(fault f, std::string words) {
        struck = proxy.struck();
        proxy.arm(f, std::move(words));
    }
    void expect_struck() const { CHECK(proxy.struck() == struck + 1); }

    access::postgres_options options = fresh_tables();
    cutting_proxy proxy;
    int struck = 0;
    typename Kind::log log;
    typename Kind::sink sink;
    log_with_database direct_log;
    sink_with_database direct_sink;
};

access::intent after_update(access::intent i) {
    ++i.revision;
    return i;
}

TEST_CASE_TEMPLATE("a write that is lost before the server sees it is made", Kind, blocking_kind,
                   async_kind) {
    world<Kind> w;
    auto i = sample_intent(1);
    w.arm(fault::lost_before, "INSERT INTO");
    auto const inserted = w.log.insert(i);
    REQUIRE(inserted.has_value());
    CHECK(!*inserted);
    w.expect_struck();
    w.arm(fault::lost_before, "UPDATE");
    CHECK(w.log.update(i).has_value());
    w.expect_struck();
    CHECK(w.direct_log.list().value() == std::vector{after_update(i)});
    w.arm(fault::lost_before, "DELETE");
    CHECK(w.log.erase(after_update(i)).has_value());
    w.expect_struck();
    CHECK(w.direct_log.list().value().empty());

    w.arm(fault::lost_before, "INSERT INTO");
    CHECK(w.sink.store(intent_for("key"), sample_token("id-1")).has_value());
    w.expect_struck();
    CHECK(w.direct_sink.find("key").value()->token_id == "id-1");
    w.arm(fault::lost_before, "DELETE");
    CHECK(w.sink.forget("id-1").has_value());
    w.expect_struck();
    CHECK(!w.direct_sink.find("key").value());
}

TEST_CASE_TEMPLATE("a write that was kept and not acknowledged is told from another's", Kind,
                   blocking_kind, async_kind) {
    world<Kind> w;
    auto i = sample_intent(1);
    w.arm(fault::lost_after, "INSERT INTO");
    auto const inserted = w.log.insert(i);
    REQUIRE(inserted.has_value());
    CHECK(!*inserted); // not: "another one has it"
    w.expect_struck();
    w.arm(fault::lost_after, "UPDATE");
    CHECK(w.log.update(i).has_value()); // not: a conflict
    w.expect_struck();
    CHECK(w.direct_log.list().value() == std::vector{after_update(i)});
    w.arm(fault::lost_after, "DELETE");
    auto const erased = w.log.erase(after_update(i));
    REQUIRE(erased.has_error()); // neither a success, which it may not be, nor a conflict
    CHECK(erased.error() == errc::intent_log_failed);
    w.expect_struck();
    CHECK(w.direct_log.list().value().empty());

    w.arm(fault::lost_after, "INSERT INTO");
    CHECK(w.sink.store(intent_for("key"), sample_token("id-1")).has_value());
    w.expect_struck();
    CHECK(w.direct_sink.find("key").value()->token_id == "id-1");
    w.arm(fault::lost_after, "DELETE");
    CHECK(w.sink.forget("id-1").has_value());
    w.expect_struck();
    CHECK(!w.direct_sink.find("key").value());
}

TEST_CASE_TEMPLATE("a key that another one took meanwhile is not taken for one's own", Kind,
                   blocking_kind, async_kind) {
    world<Kind> w;
    auto mine = sample_intent(1), other = sample_intent(2);
    other.key = mine.key;
    REQUIRE(!w.direct_log.insert(other).value());
    w.arm(fault::lost_after, "INSERT INTO");
    auto const inserted = w.log.insert(mine);
    w.expect_struck();
    REQUIRE(inserted.has_value());
    REQUIRE(inserted->has_value());
    CHECK((*inserted)->tag == other.tag);
    w.arm(fault::lost_after, "UPDATE");
    CHECK(w.log.update(mine).error() == errc::conflict);
    w.expect_struck();
}

TEST_CASE_TEMPLATE("what a lost connection was sent is not executed late", Kind, blocking_kind,
                   async_kind) {
    world<Kind> w;
    w.arm(fault::delivered_by_command, "INSERT INTO");
    CHECK(w.sink.store(intent_for("key"), sample_token("id-1")).has_value());
    w.expect_struck();
    CHECK(w.sink.forget("id-1").has_value());
    w.proxy.deliver();
    CHECK(!w.direct_sink.find("key").value());
}

TEST_CASE_TEMPLATE("what waits for a lock beyond the deadline is not executed later", Kind,
                   blocking_kind, async_kind) {
    auto options = fresh_tables();
    typename Kind::sink sink(options.deadline(std::chrono::milliseconds(200)));
    REQUIRE(sink.list().has_value());
    {
        held_lock const lock("LOCK TABLE " + options.table_prefix() +
                             "access_secrets IN SHARE MODE");
        auto const stored = sink.store(intent_for("key"), sample_token("id-1"));
        REQUIRE(stored.has_error());
        CHECK(stored.error().to_string().find("not known") != std::string::npos);
        CHECK(!sink.find("key").value()); // settles it
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(!sink_with_database(options).find("key").value());
}

TEST_CASE("connections that the server has closed are replaced") {
    auto const options = fresh_tables();
    log_with_database blocking(options);
    log_on_loop async(options);
    for (auto* log : std::initializer_list<testing::log_under_test*>{&blocking, &async}) {
        testing::detail::on_threads(4, [&](int) { static_cast<void>(log->list()); });
        execute("SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity WHERE "
                "application_name LIKE 'cloudflare-access %'");
        CHECK(log->list().has_value());
    }
}

TEST_CASE("a server that is killed and comes again costs waiting only") {
    auto const options = fresh_tables().deadline(std::chrono::seconds(30));
    log_with_database blocking(options);
    log_on_loop async(options);
    int n = 0;
    for (auto* log : std::initializer_list<testing::log_under_test*>{&blocking, &async}) {
        CHECK(log->insert(sample_intent(++n)).has_value());
        ::pid_t server = 0;
        std::ifstream(std::getenv("POSTGRES_PID_FILE")) >> server;
        REQUIRE(server > 1);
        ::kill(server, SIGKILL);
        CHECK(log->insert(sample_intent(++n)).has_value());
        CHECK(log->list().value().size() == static_cast<std::size_t>(n));
    }
}

TEST_CASE("those who start at once make the tables once") {
    for (auto const* schema : {"", "two_starters"}) {
        CAPTURE(schema);
        if (*schema != '\0') execute("DROP SCHEMA IF EXISTS two_starters CASCADE");
        for (int round = 0; round != 5; ++round) {
            auto const options = fresh_tables().schema(schema);
            std::atomic<int> failed = 0;
            testing::detail::on_threads(8, [&](int n) {
                if (n % 2 == 0) {
                    access::postgres_database db(options);
                    failed += db.open() ? 0 : 1;
                } else {
                    loop l;
                    access::async_postgres_database db(l.executor(), options);
                    failed += l.run(db.open()) ? 0 : 1;
                }
            });
            CHECK(failed == 0);
            CHECK(log_with_database(options).insert(sample_intent(1)).has_value());
        }
    }
}

TEST_CASE("tables of a later version are refused") {
    auto const options = fresh_tables();
    access::postgres_database first(options);
    REQUIRE(first.open().has_value());
    execute("INSERT INTO " + options.table_prefix() + "access_schema VALUES (2)");
    access::postgres_database second(options);
    auto const opened = second.open();
    REQUIRE(opened.has_error());
    CHECK(opened.error().to_string().find("version 2") != std::string::npos);
}

TEST_CASE("a user who may not make tables works with those of another") {
    auto const options = fresh_tables();
    access::postgres_database first(options);
    REQUIRE(first.open().has_value());
    execute("DROP ROLE IF EXISTS worker; CREATE ROLE worker LOGIN");
    auto const prefix = options.table_prefix();
    auto as_worker = options;
    as_worker.connection(secret("user=worker"));
    sink_with_database(as_worker).find("key"); // the tables cannot be read yet
    execute("GRANT SELECT ON " + prefix +
            "access_schema TO worker; GRANT SELECT, INSERT, UPDATE, "
            "DELETE ON " +
            prefix + "access_secrets TO worker");
    sink_with_database sink(as_worker);
    CHECK(sink.prepare(intent_for("key")).has_value());
    CHECK(sink.store(intent_for("key"), sample_token("id-1")).has_value());
    execute("REVOKE INSERT ON " + prefix + "access_secrets FROM worker");
    auto const refused = sink.prepare(intent_for("other"));
    REQUIRE(refused.has_error());
    CHECK(refused.error() == errc::sink_failed);
    execute("DROP OWNED BY worker; DROP ROLE worker");
}

TEST_CASE("a database that is set otherwise is worked with all the same") {
    auto const settings =
        secret("options='-c default_transaction_isolation=serializable -c synchronous_commit=off "
               "-c client_min_messages=debug1 -c datestyle=German,DMY -c timezone=Asia/Tokyo' "
               "client_encoding=LATIN1 dbname=postgres");
    testing::log_subject log;
    access::postgres_options options;
    log.make = [&] {
        options = fresh_tables().connection(settings);
        return std::make_unique<log_with_database>(options);
    };
    log.reopen = [&] { return std::make_unique<log_with_database>(options); };
    for (auto const& o : testing::check_intent_log(log)) {
        CAPTURE(o);
        CHECK(o.passed());
    }
    testing::sink_subject sink;
    sink.make = [&] {
        options = fresh_tables().connection(settings);
        return std::make_unique<sink_with_database>(options);
    };
    sink.reopen = [&] { return std::make_unique<sink_with_database>(options); };
    for (auto const& o : testing::check_sink(sink)) {
        CAPTURE(o);
        CHECK(o.passed());
    }
}

TEST_CASE("a standby, which may lag behind, is refused") {
    auto options = fresh_tables();
    REQUIRE(log_with_database(options).insert(sample_intent(1)).has_value());
    options.connection(secret("options='-c default_transaction_read_only=on'"))
        .deadline(std::chrono::milliseconds(100));
    for (auto const& listed : {log_with_database(options).list(), log_on_loop(options).list()}) {
        REQUIRE(listed.has_error());
        CHECK(listed.error().to_string().find("read-only") != std::string::npos);
    }
}

TEST_CASE("a list of servers is tried in turn, silent ones too") {
    int const silent = ::socket(AF_INET, SOCK_STREAM, 0);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof(address);
    ::bind(silent, reinterpret_cast<::sockaddr*>(&address), size);
    ::listen(silent, 8);
    ::getsockname(silent, reinterpret_cast<::sockaddr*>(&address), &size);
    auto const ports = std::to_string(ntohs(address.sin_port)) + ',' + std::getenv("PGPORT");
    auto const options =
        fresh_tables()
            .connection(secret("host=localhost,localhost sslmode=disable port=" + ports))
            .connect_timeout(std::chrono::milliseconds(200));
    access::postgres_database blocking(options);
    CHECK(blocking.open().has_value());
    loop l;
    access::async_postgres_database async(l.executor(), options);
    CHECK(l.run(async.open()).has_value());
    ::close(silent);
}

TEST_CASE("a forked child makes connections of its own, and leaves the parent's alone") {
    log_with_database log(fresh_tables());
    REQUIRE(log.insert(sample_intent(1)).has_value());
    auto const insert_some = [&](int from) {
        int inserted = 0;
        for (int n = from; n != from + 50; ++n)
            inserted += log.insert(sample_intent(n)) ? 1 : 0;
        return inserted;
    };
    auto const child = ::fork();
    if (child == 0) ::_exit(insert_some(100) == 50 ? 0 : 1);
    CHECK(insert_some(200) == 50);
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(log.list().value().size() == 101);
}

/// That none of these strings is in the error.
void check_hides(error const& e, std::initializer_list<std::string_view> hidden) {
    auto const string = e.to_string() + ' ' + e.details().explanation;
    CAPTURE(string);
    for (auto const h : hidden)
        CHECK(string.find(h) == string.npos);
}

TEST_CASE("an error shows no secret and no value, whatever the server says") {
    auto const options = fresh_tables();
    auto const table = options.table_prefix() + "access_secrets";
    sink_with_database sink(options);
    REQUIRE(sink.list().has_value());
    execute("ALTER TABLE " + table + " ADD CONSTRAINT refused CHECK (token_id <> 'id-1')");
    execute("CREATE OR REPLACE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
            "EXCEPTION 'told: %', NEW.client_secret USING ERRCODE = NEW.client_id; END $$");
    execute("CREATE TRIGGER tells BEFORE INSERT ON " + table +
            " FOR EACH ROW WHEN (NEW.token_id = 'id-2') EXECUTE FUNCTION tell()");
    for (auto const* id : {"id-1", "id-2"}) {
        auto token = sample_token(id);
        token.client_id = "XYZ12";
        auto const stored = sink.store(intent_for("key"), token);
        REQUIRE(stored.has_error());
        CHECK(stored.error() == errc::sink_failed);
        CHECK(stored.error().to_string().find("SQLSTATE") != std::string::npos);
        check_hides(stored.error(), {sample_secret, "told", "Failing row"});
    }
}

TEST_CASE("an error shows nothing of the connection string") {
    for (auto const* string :
         {"passw0rd host=nowhere", "password=passw0rd nothing", "postgresql://user:pass@w0rd@/x",
          "postgresql://user:pass/w0rd@nowhere/x", "host=/nowhere password=passw0rd",
          "host=127.0.0.1 port=1 password=passw0rd", "host=pass@w0rd.invalid",
          "postgresql://issuer:passw0rd@%/x", "sslmode=passw0rd", "port=passw0rd", "w0rd=1"}) {
        CAPTURE(string);
        auto const options =
            fresh_tables().connection(secret(string)).deadline(std::chrono::milliseconds(100));
        access::postgres_database blocking(options);
        loop l;
        access::async_postgres_database async(l.executor(), options);
        for (auto const& opened : {blocking.open(), l.run(async.open())}) {
            REQUIRE(opened.has_error());
            check_hides(opened.error(), {"w0rd", "nowhere", "user"});
        }
    }
}

TEST_CASE("options that break a rule are refused, and name the field") {
    auto const refused = [](access::postgres_options const& o) {
        access::postgres_database db(o);
        auto const opened = db.open();
        return !opened && opened.error() == errc::invalid_argument
                   ? opened.error().details().explanation
                   : "";
    };
    using o = access::postgres_options;
    CHECK(refused(o().schema("a\"; DROP TABLE x")).starts_with("schema:"));
    CHECK(refused(o().schema("Upper")).starts_with("schema:"));
    CHECK(refused(o().schema("1a")).starts_with("schema:"));
    CHECK(refused(o().schema(std::string(64, 'a'))).starts_with("schema:"));
    CHECK(refused(o().table_prefix("a'b")).starts_with("table_prefix:"));
    CHECK(refused(o().table_prefix(std::string(41, 'a'))).starts_with("table_prefix:"));
    CHECK(refused(o().max_connections(0)).starts_with("max_connections:"));
    CHECK(refused(o().deadline(std::chrono::milliseconds(0))).starts_with("deadline:"));
    CHECK(refused(o().connect_timeout(std::chrono::milliseconds(-1))).starts_with("connect_t"));
    CHECK(refused(o().connection(secret("host"))).starts_with("connection:"));
    CHECK(access::postgres_database(fresh_tables().schema(std::string(63, 'a'))).open());
    CHECK(access::postgres_database(o().table_prefix(std::string(40, 'z'))).open());
}

TEST_CASE("strings that the database cannot hold are refused before anything is sent") {
    log_with_database log(fresh_tables());
    sink_with_database sink(fresh_tables());
    for (auto const& key : {std::string("a\0b", 3), std::string("\xff"), std::string(2001, 'k')}) {
        auto i = sample_intent(1);
        i.key = key;
        CHECK(log.insert(i).error() == errc::invalid_argument);
        CHECK(sink.prepare(i).error() == errc::invalid_argument);
        CHECK(sink.store(i, sample_token("id-1")).error() == errc::invalid_argument);
        CHECK(sink.find(key).error() == errc::invalid_argument);
    }
    auto i = sample_intent(1);
    for (int n = 0; n != 2000; ++n) // what does not compress
        i.key += static_cast<char>('!' + (n * n + n / 7) % 90);
    i.key.resize(2000);
    CHECK(log.insert(i).has_value());
    CHECK(sink.store(i, sample_token("id-1")).has_value());
    CHECK(sink.find(i.key).value().has_value());
}

TEST_CASE("the sink tells all that it holds, by the database's clock") {
    auto const options = fresh_tables();
    sink_with_database blocking(options);
    sink_on_loop async(options);
    CHECK(blocking.list().value().empty());
    auto const epoch = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint";
    auto const before = std::stoll(execute(epoch));
    CHECK(blocking.store(intent_for("b"), sample_token("id-1", 7)).has_value());
    CHECK(async.store(intent_for("a"), sample_token("id-2", 1)).has_value());
    auto const after = std::stoll(execute(epoch));
    auto const all = blocking.list().value();
    CHECK(all == async.list().value());
    REQUIRE(all.size() == 2);
    CHECK(all[0].key == "a");
    CHECK(all[0].token_id == "id-2");
    CHECK(all[1].key == "b");
    CHECK(all[1].version == 7);
    CHECK(all[1].tag == intent_for("b").tag);
    auto const since = all[1].since.seconds().time_since_epoch().count();
    CHECK(since >= before);
    CHECK(since <= after);
    CHECK(blocking.store(intent_for("b"), sample_token("id-1", 7)).has_value()); // again
    CHECK(blocking.list().value() == all);
    CHECK(blocking.store(intent_for("b"), sample_token("id-1", 8)).has_value());
    CHECK(blocking.list().value()[1].since > all[1].since);
}

} // namespace
} // namespace postgres_faults_tests
