/// The tables of the stores in PostgreSQL: their names, and how they are created.
#pragma once

#include <cloudflare/access/detail/postgres/statement.hpp>
#include <cloudflare/access/postgres_options.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflare::inline v0::access::detail::postgres {

/// The version of the tables that this library works with.
inline constexpr std::int64_t schema_version = 1;

/// The names of the tables for statements: quoted, with the schema if there is one.
class tables {
public:
    /// @param options checked: their names need no escaping
    explicit tables(postgres_options const& options)
        : schema_(options.schema()), prefix_(options.table_prefix()) {}

    [[nodiscard]] std::string intents() const { return qualified("access_intents"); }
    [[nodiscard]] std::string secrets() const { return qualified("access_secrets"); }
    [[nodiscard]] std::string version() const { return qualified("access_schema"); }
    [[nodiscard]] std::string const& schema() const noexcept { return schema_; }
    /// The name of an index, which has no schema of its own.
    [[nodiscard]] std::string index(std::string_view name) const {
        return '"' + prefix_ + std::string(name) + '"';
    }

private:
    [[nodiscard]] std::string qualified(std::string_view name) const {
        return (schema_.empty() ? std::string() : '"' + schema_ + "\".") + index(name);
    }

    std::string schema_;
    std::string prefix_;
};

/// `intent_state::settled` as a number. Such an intent holds no key.
inline constexpr std::string_view settled_state = "3";

/// Creates what is missing. An advisory lock excludes processes that start at the same time, and
/// each statement of the block sees what was committed before it.
///
/// Strings are compared byte for byte (`COLLATE "C"`), because an upgrade of the C library may
/// change any other order.
[[nodiscard]] inline std::string migration(tables const& t) {
    auto const text = std::string(" text COLLATE \"C\" NOT NULL");
    std::string sql = "DO $migration$ BEGIN PERFORM pg_advisory_xact_lock(hashtextextended('" +
                      t.version() + "', 4873)); ";
    if (!t.schema().empty())
        sql += "IF to_regnamespace('\"" + t.schema() + "\"') IS NULL THEN CREATE SCHEMA \"" +
               t.schema() + "\"; END IF; ";
    sql += "CREATE TABLE IF NOT EXISTS " + t.version() + " (version bigint PRIMARY KEY); ";
    sql +=
        "CREATE TABLE IF NOT EXISTS " + t.intents() +
        " (number bigserial NOT NULL, tag text COLLATE \"C\" PRIMARY KEY, is_account boolean NOT "
        "NULL, scope_id" +
        text + ", name" + text + ", opened_at" + text + ", note" + text +
        ", purpose int NOT NULL, key" + text + ", sink" + text + ", token_id" + text +
        ", version bigint NOT NULL, state int NOT NULL, until" + text + ", writer" + text +
        ", revision bigint NOT NULL); ";
    sql += "CREATE UNIQUE INDEX IF NOT EXISTS " + t.index("access_keys") + " ON " + t.intents() +
           " (purpose, is_account, scope_id, sink, key) WHERE state <> " +
           std::string(settled_state) + " AND key <> ''; ";
    sql += "CREATE TABLE IF NOT EXISTS " + t.secrets() +
           " (key text COLLATE \"C\" PRIMARY KEY, token_id" + text + ", client_id" + text +
           ", client_secret" + text +
           ", version bigint NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp(), tag" +
           text + "); ";
    sql += "CREATE INDEX IF NOT EXISTS " + t.index("access_secrets_token_id") + " ON " +
           t.secrets() + " (token_id); ";
    sql += "INSERT INTO " + t.version() + " VALUES (" + std::to_string(schema_version) +
           ") ON CONFLICT DO NOTHING; ";
    return sql + "END $migration$";
}

/// Creates the tables if they do not exist. A user who may not create tables can use existing ones.
class migrate_operation {
public:
    using value_type = void;
    static constexpr errc code = errc::intent_log_failed;
    static constexpr std::string_view doubt = ""; // tables that were made need no mention

    explicit migrate_operation(tables const& names) : tables_(names) {}

    [[nodiscard]] result<void> check() const { return {}; }
    [[nodiscard]] statement next() const {
        switch (step_) {
        case step::look: return look();
        case step::make: return statement(migration(tables_)).writing();
        case step::read: break;
        }
        return statement("SELECT max(version) FROM " + tables_.version());
    }
    [[nodiscard]] std::optional<result<void>> take(reply const& given, bool /*in_doubt*/) {
        auto const first = given.rows.empty() ? row() : given.rows.front();
        switch (step_) {
        case step::look: step_ = string_at(first, 0) == "t" ? step::read : step::make; break;
        case step::make: step_ = step::read; break;
        case step::read:
            auto const there = number_at(first, 0);
            if (there == schema_version) return result<void>();
            if (there > schema_version)
                return result<void>(error(errc::intent_log_failed,
                                          "PostgreSQL: the tables have version " +
                                              std::to_string(there) + ", this program works with " +
                                              std::to_string(schema_version)));
            step_ = step::make;
        }
        return std::nullopt;
    }

private:
    enum class step : unsigned char {
        look,
        make,
        read
    };

    [[nodiscard]] statement look() const {
        return statement("SELECT to_regclass('" + tables_.version() + "') IS NOT NULL");
    }

    tables tables_;
    step step_ = step::look;
};

} // namespace cloudflare::inline v0::access::detail::postgres
