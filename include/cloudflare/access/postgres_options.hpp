/// Settings of the stores in PostgreSQL.
#pragma once

#include <cloudflare/core/detail/options_base.hpp>
#include <cloudflare/core/result.hpp>
#include <cloudflare/core/secret.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflare::inline v0::access {

/// Options of `postgres_database` and `async_postgres_database`. Built by chained setters.
class postgres_options : public cloudflare::detail::options_base<postgres_options> {
public:
    /// libpq's connection string or URI, which may contain a password. Default empty: libpq reads
    /// the environment (PGHOST, PGDATABASE, PGSERVICE ...). Read-only servers are always refused,
    /// because a standby may lag behind.
    postgres_options& connection(secret string) noexcept {
        return set(connection_, std::move(string));
    }
    [[nodiscard]] secret const& connection() const noexcept { return connection_; }

    /// The schema of the tables, created if it does not exist. Default empty: the first of the
    /// connection's search path. At most 63 lowercase letters, digits and `_`, no digit first.
    postgres_options& schema(std::string name) { return set(schema_, std::move(name)); }
    [[nodiscard]] std::string const& schema() const noexcept { return schema_; }

    /// The prefix of the tables' names `access_intents`, `access_secrets` and `access_schema`.
    /// Default empty. Characters as in `schema`, at most 40.
    postgres_options& table_prefix(std::string prefix) {
        return set(table_prefix_, std::move(prefix));
    }
    [[nodiscard]] std::string const& table_prefix() const noexcept { return table_prefix_; }

    /// How many connections may be open at once; further calls wait for one. Default 4.
    postgres_options& max_connections(std::size_t count) noexcept {
        return set(max_connections_, count);
    }
    [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }

    /// How long one call may take, including the wait for a connection, connecting and retries; up
    /// to 24 hours. Default 10 s.
    postgres_options& deadline(std::chrono::milliseconds span) noexcept {
        return set(deadline_, span);
    }
    [[nodiscard]] std::chrono::milliseconds deadline() const noexcept { return deadline_; }

    /// How long connecting to one server may take before the next one is tried; up to 24 hours.
    /// Default 3 s.
    postgres_options& connect_timeout(std::chrono::milliseconds span) noexcept {
        return set(connect_timeout_, span);
    }
    [[nodiscard]] std::chrono::milliseconds connect_timeout() const noexcept {
        return connect_timeout_;
    }

    /// @return `errc::invalid_argument`, which names the field and the rule
    [[nodiscard]] result<void> check() const {
        if (!is_identifier(schema_, 63))
            return error(errc::invalid_argument,
                         "schema: must have at most 63 lowercase letters, digits and '_', and no "
                         "digit first");
        if (!is_identifier(table_prefix_, 40))
            return error(errc::invalid_argument,
                         "table_prefix: must have at most 40 lowercase letters, digits and '_', "
                         "and no digit first");
        if (max_connections_ == 0)
            return error(errc::invalid_argument, "max_connections: must be at least 1");
        if (deadline_ <= deadline_.zero() || deadline_ > std::chrono::hours(24))
            return error(errc::invalid_argument, "deadline: must be from 1 ms to 24 hours");
        if (connect_timeout_ <= connect_timeout_.zero() ||
            connect_timeout_ > std::chrono::hours(24))
            return error(errc::invalid_argument, "connect_timeout: must be from 1 ms to 24 hours");
        return {};
    }

private:
    [[nodiscard]] static bool is_identifier(std::string_view name, std::size_t limit) noexcept {
        constexpr std::string_view characters = "abcdefghijklmnopqrstuvwxyz_0123456789";
        return name.size() <= limit && name.find_first_not_of(characters) == name.npos &&
               (name.empty() || name.front() < '0' || name.front() > '9');
    }

    secret connection_;
    std::string schema_;
    std::string table_prefix_;
    std::size_t max_connections_ = 4;
    std::chrono::milliseconds deadline_{10'000};
    std::chrono::milliseconds connect_timeout_{3'000};
};

} // namespace cloudflare::inline v0::access
