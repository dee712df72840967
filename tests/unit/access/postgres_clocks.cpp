// Two databases whose clocks differ by hours, the second of which takes over from the first: run by
// programs/postgres_server.sh.
#include "postgres_under_test.hpp"
#include "postgres_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace postgres_clocks_tests {
namespace {

using namespace postgres_world;
using testing::detail::intent_for;
using testing::detail::sample_intent;
using testing::detail::sample_token;

/// Tables, and a database's clock that is put forward or back: its functions are found before the
/// system's, by tables that exist as well as by statements.
class shifted_database {
public:
    explicit shifted_database(int hours) {
        execute("DROP SCHEMA IF EXISTS shifted CASCADE; CREATE SCHEMA shifted");
        shift(hours);
    }
    shifted_database(shifted_database const&) = delete;
    shifted_database& operator=(shifted_database const&) = delete;
    ~shifted_database() { execute("DROP SCHEMA shifted CASCADE"); }

    void shift(int hours) {
        for (std::string const name : {"clock_timestamp", "now", "statement_timestamp"})
            execute("CREATE OR REPLACE FUNCTION shifted." + name +
                    "() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog." + name +
                    "() + interval '" + std::to_string(hours) + " hours' $$");
    }
    [[nodiscard]] access::postgres_options options() const {
        return access::postgres_options().connection(
            secret("options='-c search_path=shifted,pg_catalog'"));
    }
};

/// In whole hours after the system's time.
long hours_ahead(timestamp t) {
    auto const now = timestamp(std::chrono::system_clock::now());
    auto const ahead =
        t.seconds().time_since_epoch().count() + 1800 - now.seconds().time_since_epoch().count();
    return static_cast<long>(ahead >= 0 ? ahead / 3600 : -((3599 - ahead) / 3600));
}

TEST_CASE_TEMPLATE("a secret is held since a time of the database that stored it, and versions "
                   "decide, whatever the clock of the next one",
                   Kind, blocking_kind, async_kind) {
    shifted_database database(5);
    typename Kind::sink sink(database.options());
    CHECK(sink.store(intent_for("key"), sample_token("id-1", 1)).has_value());
    auto const first = sink.find("key").value().value();
    CHECK(hours_ahead(first.since) == 5);

    database.shift(-7);
    CHECK(sink.find("key").value().value() == first);
    CHECK(sink.store(intent_for("key"), sample_token("id-1", 1)).has_value()); // the same again
    CHECK(sink.find("key").value().value() == first);
    CHECK(sink.store(intent_for("key"), sample_token("id-1", 2)).has_value());
    auto const second = sink.find("key").value().value();
    CHECK(second.version == 2);
    CHECK(hours_ahead(second.since) == -7); // earlier than the one before it

    database.shift(9);
    CHECK(sink.store(intent_for("key"), sample_token("id-1", 1)).error() == errc::sink_failed);
    CHECK(sink.find("key").value().value() == second);
    CHECK(sink.store(intent_for("new"), sample_token("id-2", 1)).has_value());
    CHECK(hours_ahead(sink.find("new").value().value().since) == 9);
}

TEST_CASE_TEMPLATE("intents keep their times, their keys and their order through a change of clock",
                   Kind, blocking_kind, async_kind) {
    shifted_database database(5);
    typename Kind::log log(database.options());
    auto first = sample_intent(1), second = sample_intent(2);
    REQUIRE(!log.insert(first).value());
    database.shift(-7);
    REQUIRE(!log.insert(second).value());
    CHECK(log.list().value() == std::vector{first, second});
    auto other = sample_intent(3);
    other.key = first.key;
    REQUIRE(log.insert(other).value().has_value());
    CHECK(log.update(first).has_value());
    CHECK(log.update(first).error() == errc::conflict);
    ++first.revision;
    CHECK(log.list().value() == std::vector{first, second});
    CHECK(log.erase(first).has_value());
    CHECK(log.list().value() == std::vector{second});
}

} // namespace
} // namespace postgres_clocks_tests
