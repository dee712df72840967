// The stores in PostgreSQL that block, against a real server: run by programs/postgres_server.sh.
#include <cloudflare/access/postgres_store.hpp>

#include <cloudflare/testing/log_conformance.hpp>
#include <cloudflare/testing/sink_conformance.hpp>

#include "postgres_world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace postgres_store_tests {
namespace {

using namespace cloudflare;
using namespace postgres_world;

class log_with_database final : public testing::log_under_test {
public:
    explicit log_with_database(access::postgres_options const& o) : db_(o) {}
    result<std::optional<access::intent>> insert(access::intent const& i) override {
        return log_.insert(i);
    }
    result<void> update(access::intent const& i) override { return log_.update(i); }
    result<void> erase(access::intent const& i) override { return log_.erase(i); }
    result<std::vector<access::intent>> list() override { return log_.list(); }

private:
    access::postgres_database db_;
    access::postgres_intent_log log_{db_};
};

class sink_with_database final : public testing::sink_under_test {
public:
    explicit sink_with_database(access::postgres_options const& o) : db_(o) {}
    result<void> prepare(access::intent const& i) override { return sink_.prepare(i); }
    result<void> store(access::intent const& i,
                       access::issued_service_token const& token) override {
        return sink_.store(i, token);
    }
    result<std::optional<access::held_token>> find(std::string_view key) override {
        return sink_.find(key);
    }
    result<void> forget(std::string_view token_id) override { return sink_.forget(token_id); }

private:
    access::postgres_database db_;
    access::postgres_sink sink_{db_};
};

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
        access::postgres_database db(options);
        auto const kept = access::postgres_sink(db).secret_of(key);
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
