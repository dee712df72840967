// The stores in PostgreSQL that block, against a real server: run by programs/postgres_server.sh.
#include <cloudflare/access/postgres_store.hpp>

#include <cloudflare/testing/log_conformance.hpp>
#include <cloudflare/testing/sink_conformance.hpp>

#include "postgres_under_test.hpp"
#include "postgres_world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace postgres_store_tests {
namespace {

using namespace postgres_world;

TEST_CASE("the log passes the kit") {
    testing::log_subject subject;
    access::postgres_options options;
    subject.make = [&] {
        options = fresh_tables();
        return std::make_unique<log_with_database>(options);
    };
    subject.reopen = [&] { return std::make_unique<log_with_database>(options); };
    for (auto const& o : testing::check_intent_log(subject)) {
        CAPTURE(o);
        CHECK(o.passed());
    }
}

TEST_CASE("the sink passes the kit") {
    testing::sink_subject subject;
    access::postgres_options options;
    subject.make = [&] {
        options = fresh_tables();
        return std::make_unique<sink_with_database>(options);
    };
    subject.reopen = [&] { return std::make_unique<sink_with_database>(options); };
    subject.secret_of = [&](std::string_view key) -> std::optional<std::string> {
        auto const kept = sink_with_database(options).secret_of(key);
        if (!kept || !*kept) return std::nullopt;
        return std::string((*kept)->reveal());
    };
    for (auto const& o : testing::check_sink(subject)) {
        CAPTURE(o);
        CHECK(o.passed());
    }
}

} // namespace
} // namespace postgres_store_tests
