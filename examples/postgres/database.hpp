// A connection to PostgreSQL, with an error for each statement that fails.
#pragma once

#include <cloudflare/core/result.hpp>

#include <libpq-fe.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

class database {
public:
    using rows = std::unique_ptr<PGresult, decltype(&PQclear)>;

    // Connects as the environment says (PGHOST, PGDATABASE ...), and makes the tables where they
    // are missing.
    static cloudflare::result<database> connect() {
        database made;
        if (PQstatus(made.connection_.get()) != CONNECTION_OK) return made.failed();
        for (char const* table :
             {"CREATE TABLE IF NOT EXISTS access_intents (number bigserial, tag text PRIMARY KEY, "
              "is_account boolean NOT NULL, scope_id text NOT NULL, name text NOT NULL, opened_at "
              "text NOT NULL, note text NOT NULL, purpose int NOT NULL, key text NOT NULL, sink "
              "text NOT NULL, token_id text NOT NULL, version bigint NOT NULL, state int NOT NULL, "
              "until text NOT NULL, writer text NOT NULL, "
              "revision bigint NOT NULL)",
              "CREATE UNIQUE INDEX IF NOT EXISTS access_keys ON access_intents (purpose, "
              "is_account, scope_id, sink, key) WHERE state <> 3", // 3: settled
              "CREATE TABLE IF NOT EXISTS access_secrets (key text PRIMARY KEY, token_id text NOT "
              "NULL, client_id text NOT NULL, client_secret text NOT NULL, version bigint NOT "
              "NULL, since timestamptz NOT NULL DEFAULT now(), tag text NOT NULL)"})
            if (auto const done = made.execute(table, {}); !done) return done.error();
        return made;
    }

    // Executes one statement; it is committed when this returns.
    cloudflare::result<rows> execute(char const* statement,
                                     std::initializer_list<char const*> values) {
        rows given(PQexecParams(connection_.get(), statement, static_cast<int>(values.size()),
                                nullptr, values.begin(), nullptr, nullptr, 0),
                   &PQclear);
        auto const status = PQresultStatus(given.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return failed();
        return given;
    }

private:
    database() : connection_(PQconnectdb(""), &PQfinish) {}

    [[nodiscard]] cloudflare::error failed() const {
        return {cloudflare::errc::intent_log_failed,
                std::string("PostgreSQL: ") + PQerrorMessage(connection_.get())};
    }

    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};
