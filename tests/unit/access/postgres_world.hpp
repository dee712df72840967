// What the tests of the stores in PostgreSQL share: statements by hand, and tables that are empty.
#pragma once

#include <cloudflare/access/postgres_options.hpp>

#include <libpq-fe.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace postgres_world {

/// Executes statements by a connection of its own, and gives the first value of the last one's rows.
inline std::string execute(std::string const& statements) {
    std::unique_ptr<PGconn, decltype(&PQfinish)> const c(PQconnectdb(""), &PQfinish);
    PQsetNoticeReceiver(c.get(), [](void*, PGresult const*) {}, nullptr);
    std::unique_ptr<PGresult, decltype(&PQclear)> const r(PQexec(c.get(), statements.c_str()),
                                                          &PQclear);
    auto const status = PQresultStatus(r.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        throw std::runtime_error(PQerrorMessage(c.get()));
    return PQntuples(r.get()) > 0 ? PQgetvalue(r.get(), 0, 0) : "";
}

/// Executes a query by a connection of its own, and gives its rows.
inline std::vector<std::vector<std::string>> rows(std::string const& query) {
    std::unique_ptr<PGconn, decltype(&PQfinish)> const c(PQconnectdb(""), &PQfinish);
    std::unique_ptr<PGresult, decltype(&PQclear)> const r(PQexec(c.get(), query.c_str()), &PQclear);
    if (PQresultStatus(r.get()) != PGRES_TUPLES_OK)
        throw std::runtime_error(PQerrorMessage(c.get()));
    std::vector<std::vector<std::string>> all;
    for (int line = 0; line != PQntuples(r.get()); ++line) {
        auto& row = all.emplace_back();
        for (int column = 0; column != PQnfields(r.get()); ++column)
            row.emplace_back(PQgetvalue(r.get(), line, column));
    }
    return all;
}

/// A transaction that is open until the end.
class held_lock {
public:
    explicit held_lock(std::string const& statement) {
        PQclear(PQexec(connection_.get(), ("BEGIN; " + statement).c_str()));
    }

private:
    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_{PQconnectdb(""), &PQfinish};
};

/// Options with a table prefix that no other test has.
inline cloudflare::access::postgres_options fresh_tables() {
    static std::atomic<int> count = 0;
    return cloudflare::access::postgres_options().table_prefix("t" + std::to_string(::getpid()) +
                                                               "_" + std::to_string(++count) + "_");
}

} // namespace postgres_world
