/// A log of intents and a sink in PostgreSQL, for a fleet: functions that block. Needs libpq.
#pragma once

#include <cloudflare/access/detail/postgres/attempts.hpp>
#include <cloudflare/access/detail/postgres/connection.hpp>
#include <cloudflare/access/detail/postgres/execute.hpp>
#include <cloudflare/access/detail/postgres/log_operations.hpp>
#include <cloudflare/access/detail/postgres/sink_operations.hpp>
#include <cloudflare/access/postgres_options.hpp>
#include <cloudflare/core/detail/system_random.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// A database that logs and sinks share. Opens a few connections when they are needed.
///
///     access::postgres_database db(access::postgres_options().schema("access"));
///     access::postgres_intent_log log(db);
///     access::postgres_sink sink(db);
///
/// A lost connection is replaced. If a write was sent on it, its session is ended first, so that
/// the write cannot be executed later; then the write is executed again, and by what the tables
/// hold it knows whether the first try was committed. Serialization failures and deadlocks are
/// retried, too. All this ends at the deadline.
///
/// PostgreSQL 14 or later. The first call creates the tables if they do not exist; several
/// processes may do so at the same time. A user who may not create tables works with existing ones.
///
/// Errors show no secret, no value and nothing of the connection string: only PostgreSQL's SQLSTATE
/// and its meaning. `error::delivery` says of each whether something may have been kept: `not_sent`
/// (there was no connection, or the tables could not be used), `rejected` (nothing was written), or
/// `unknown` (a write was sent and not acknowledged; for `open`: the tables may have been made). A server that is set to (`log_statement`, `log_min_duration_statement`) writes
/// the values of statements to its own log, secrets too: `sealed_sink` prevents that.
///
/// Threads: may be used from several at once; each call has a connection for itself, and waits
/// while `max_connections` are in use. A forked child opens its own connections. libpq looks up the
/// server's name, which may take longer than the deadline.
class postgres_database {
public:
    /// Connects to nothing yet.
    explicit postgres_database(postgres_options options = postgres_options())
        : options_(std::move(options)),
          tables_(options_),
          checked_(options_.check()),
          servers_(detail::postgres::servers::parse(options_.connection())) {}
    postgres_database(postgres_database const&) = delete;
    postgres_database& operator=(postgres_database const&) = delete;

    /// Connects, and creates the tables if they do not exist. Without it the first call does so.
    ///
    /// @return `errc::invalid_argument` for options that break a rule; `errc::intent_log_failed` if
    /// there is no connection, or the tables are of a later version of this library
    [[nodiscard]] result<void> open() {
        if (!checked_) return checked_.error();
        if (!servers_) return servers_.error();
        if (is_open_.load()) return {};
        auto const made = converse(detail::postgres::migrate_operation(tables_));
        if (made) is_open_.store(true);
        return made;
    }

private:
    friend class postgres_intent_log;
    friend class postgres_sink;
    using connection = detail::postgres::connection;
    using steady_time = detail::postgres::steady_time;

    [[nodiscard]] detail::postgres::tables const& names() const noexcept { return tables_; }

    /// One function of a log or a sink, from the check of its arguments to its result.
    template <class Operation>
    [[nodiscard]] result<typename Operation::value_type> call(Operation operation) {
        if (auto const ok = operation.check(); !ok) return ok.error();
        if (auto const opened = open(); !opened)
            return detail::postgres::of_call(opened.error(), Operation::code);
        return converse(std::move(operation));
    }

    template <class Operation>
    [[nodiscard]] result<typename Operation::value_type> converse(Operation operation) {
        detail::postgres::attempts tries(now(), options_.deadline());
        while (now() < tries.end()) {
            auto given = execute(operation.next(), tries.end());
            if (given) {
                auto done = operation.take(*given, tries.in_doubt());
                if (done && !*done) return tries.told(done->error());
                if (done) return *std::move(done);
                continue;
            }
            auto const next =
                tries.after(given.error(), now(), cloudflare::detail::system_random());
            if (!next) break;
            std::this_thread::sleep_until(*next);
        }
        return tries.last_error(Operation::code, Operation::doubt);
    }

    [[nodiscard]] detail::postgres::outcome execute(detail::postgres::statement const& s,
                                                    steady_time end) {
        auto used = acquire(end);
        if (!used) return used.error();
        auto given = detail::postgres::execute_safely(**used, lost_, s, end);
        release(std::move(*used));
        return given;
    }

    using acquired = boost::system::result<std::unique_ptr<connection>, detail::postgres::failure>;

    /// An idle connection, or a new one, or the next that is given back.
    [[nodiscard]] acquired acquire(steady_time end) {
        using namespace detail::postgres;
        {
            std::unique_lock lock(mutex_);
            auto const is_free = [this] {
                return !idle_.empty() || in_use_ < options_.max_connections();
            };
            if (!is_free_.wait_until(lock, end, is_free))
                return failure(failure_kind::unreachable, "all connections are in use");
            ++in_use_;
            while (!idle_.empty()) {
                auto last = std::move(idle_.back());
                idle_.pop_back();
                if (last->is_usable()) return last;
            }
        }
        auto made = connect((std::min)(end, now() + options_.connect_timeout()));
        if (!made) release(nullptr);
        return made;
    }

    /// @param used if it is empty or cannot be used, the idle ones, which have the same server, are
    /// closed
    void release(std::unique_ptr<connection> used) {
        std::vector<std::unique_ptr<connection>> closed;
        std::lock_guard const lock(mutex_);
        --in_use_;
        if (used && used->is_usable()) {
            idle_.push_back(std::move(used));
        } else {
            closed.swap(idle_);
        }
        is_free_.notify_one();
    }

    [[nodiscard]] acquired connect(steady_time end) {
        using namespace detail::postgres;
        auto const list = detail::postgres::rotated(servers_->all(), turn_.load());
        auto made = std::make_unique<connection>(*servers_, list);
        for (;;) {
            auto wants = interest::nothing;
            if (auto failed = made->connect(wants)) return *std::move(failed);
            if (wants == interest::nothing) return made;
            if (wait_for(made->socket(), wants, end)) continue;
            ++turn_; // the next try starts with another server
            return failure(failure_kind::unreachable, "the server did not respond in time");
        }
    }

    [[nodiscard]] static steady_time now() noexcept { return std::chrono::steady_clock::now(); }

    postgres_options options_;
    detail::postgres::tables tables_;
    result<void> checked_;
    result<detail::postgres::servers> servers_;
    detail::postgres::lost_sessions lost_;
    std::atomic<bool> is_open_ = false;
    std::atomic<unsigned> turn_ = 0;
    std::mutex mutex_;
    std::condition_variable is_free_;
    std::vector<std::unique_ptr<connection>> idle_; // under the mutex
    std::size_t in_use_ = 0;                        // under the mutex
};

/// Keeps intents in a table that a fleet shares: see `intent_log`.
///
/// Strings must be UTF-8 without NUL bytes, and a key and its sink's name have at most 2000 bytes
/// together; otherwise `errc::invalid_argument`.
///
/// Threads: as the database, which must outlive it.
class postgres_intent_log {
public:
    /// The log in this database, which must outlive it.
    explicit postgres_intent_log(postgres_database& db) noexcept : db_(db) {}

    [[nodiscard]] result<std::optional<intent>> insert(intent const& i) {
        return db_.call(detail::postgres::insert_operation(db_.names(), i));
    }
    [[nodiscard]] result<void> update(intent const& i) {
        return db_.call(detail::postgres::update_operation(db_.names(), i));
    }
    [[nodiscard]] result<void> erase(intent const& i) {
        return db_.call(detail::postgres::erase_operation(db_.names(), i));
    }
    [[nodiscard]] result<std::vector<intent>> list() {
        return db_.call(detail::postgres::list_intents_operation(db_.names()));
    }

private:
    postgres_database& db_;
};

/// Keeps secrets in a table that a fleet shares: see `secret_sink`. They are not encrypted: put a
/// `sealed_sink` around this one for that.
///
/// `held_token::since` is by the database's clock. Versions are compared in the database.
///
/// Keys must be UTF-8 without NUL bytes, of at most 2000 bytes; otherwise `errc::invalid_argument`.
///
/// Threads: as the database, which must outlive it.
class postgres_sink {
public:
    /// The sink in this database, which must outlive it.
    explicit postgres_sink(postgres_database& db) noexcept : db_(db) {}

    [[nodiscard]] result<void> prepare(intent const& i) {
        return db_.call(detail::postgres::prepare_operation(db_.names(), i));
    }
    [[nodiscard]] result<void> store(intent const& i, issued_service_token const& token) {
        return db_.call(detail::postgres::store_operation(db_.names(), i, token));
    }
    [[nodiscard]] result<std::optional<held_token>> find(std::string_view key) {
        return db_.call(detail::postgres::find_operation(db_.names(), key));
    }
    [[nodiscard]] result<void> forget(std::string_view token_id) {
        return db_.call(detail::postgres::forget_operation(db_.names(), token_id));
    }
    [[nodiscard]] result<std::vector<held_token>> list() {
        return db_.call(detail::postgres::list_held_operation(db_.names()));
    }
    /// The secret that is stored under the key, or nothing.
    [[nodiscard]] result<std::optional<secret>> secret_of(std::string_view key) {
        return db_.call(detail::postgres::secret_of_operation(db_.names(), key));
    }

private:
    postgres_database& db_;
};

static_assert(intent_log<postgres_intent_log>);
static_assert(listable_sink<postgres_sink>);

} // namespace cloudflare::inline v0::access
