/// A log of intents and a sink in PostgreSQL, for a fleet: functions that are awaited, of
/// Boost.Asio. Needs libpq.
#pragma once

#include <cloudflare/access/detail/postgres/async_connection.hpp>
#include <cloudflare/access/detail/postgres/async_permits.hpp>
#include <cloudflare/access/detail/postgres/attempts.hpp>
#include <cloudflare/access/detail/postgres/log_operations.hpp>
#include <cloudflare/access/detail/postgres/sink_operations.hpp>
#include <cloudflare/access/detail/uncancelled.hpp>
#include <cloudflare/access/postgres_options.hpp>
#include <cloudflare/core/detail/system_random.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// As `postgres_database`, for programs that must not block: Asio waits for libpq's sockets.
///
///     access::async_postgres_database db(context.get_executor());
///     access::async_postgres_intent_log log(db);
///     access::async_postgres_sink sink(db);
///
/// Does not block while connecting either: Asio's resolver looks up names, and Kerberos is used
/// only if the connection string asks for it (`gssencmode`). The exception is a host that only a
/// service file names (`service` in the connection string): libpq looks it up and blocks, unless
/// the file has its `hostaddr`.
///
/// Cancellation: a call that has begun goes on to its end, which is the deadline at the latest.
///
/// Threads: may be used from several at once, and the executor may have several: each call runs on
/// its own strand. Must outlive every call under way.
class async_postgres_database {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// Connects to nothing yet.
    explicit async_postgres_database(boost::asio::any_io_executor executor,
                                     postgres_options options = postgres_options())
        : executor_(std::move(executor)),
          options_(std::move(options)),
          tables_(options_),
          checked_(options_.check()),
          servers_(detail::postgres::servers::parse(options_.connection())),
          permits_(options_.max_connections()) {}
    async_postgres_database(async_postgres_database const&) = delete;
    async_postgres_database& operator=(async_postgres_database const&) = delete;

    /// As `postgres_database::open`.
    [[nodiscard]] task<result<void>> open() { return on_strand(opened()); }

private:
    friend class async_postgres_intent_log;
    friend class async_postgres_sink;
    using connection = detail::postgres::async_connection;
    using steady_time = detail::postgres::steady_time;

    [[nodiscard]] detail::postgres::tables const& names() const noexcept { return tables_; }

    /// One function of a log or a sink, from the check of its arguments to its result.
    template <class Operation>
    [[nodiscard]] task<result<typename Operation::value_type>> call(Operation operation) {
        return on_strand(checked_call(std::move(operation)));
    }

    template <class T>
    [[nodiscard]] task<T> on_strand(task<T> pending) {
        return detail::uncancelled(boost::asio::make_strand(executor_), std::move(pending));
    }

    [[nodiscard]] task<result<void>> opened() {
        if (!checked_) co_return checked_.error();
        if (!servers_) co_return servers_.error();
        if (is_open_.load()) co_return result<void>();
        auto pending = converse(detail::postgres::migrate_operation(tables_));
        auto const made = co_await std::move(pending);
        if (made) is_open_.store(true);
        co_return made;
    }

    template <class Operation>
    [[nodiscard]] task<result<typename Operation::value_type>> checked_call(Operation operation) {
        auto const ok = operation.check();
        if (!ok) co_return ok.error();
        auto pending_opened = opened();
        auto const is_open = co_await std::move(pending_opened);
        if (!is_open) co_return detail::postgres::of_call(is_open.error(), Operation::code);
        auto pending = converse(std::move(operation));
        auto given = co_await std::move(pending);
        co_return given;
    }

    template <class Operation>
    [[nodiscard]] task<result<typename Operation::value_type>> converse(Operation operation) {
        detail::postgres::attempts tries(now(), options_.deadline());
        while (now() < tries.end()) {
            auto const statement = operation.next();
            auto pending = execute(statement, tries.end());
            auto const given = co_await std::move(pending);
            if (given) {
                auto done = operation.take(*given, tries.in_doubt());
                if (done && !*done) co_return tries.told(done->error());
                if (done) co_return *std::move(done);
                continue;
            }
            auto const next =
                tries.after(given.error(), now(), cloudflare::detail::system_random());
            if (!next) break;
            auto pending_sleep = detail::postgres::sleep_until(*next);
            co_await std::move(pending_sleep);
        }
        co_return tries.last_error(Operation::code, Operation::doubt);
    }

    [[nodiscard]] task<detail::postgres::outcome> execute(detail::postgres::statement const& s,
                                                          steady_time end) {
        using detail::postgres::failure;
        using detail::postgres::failure_kind;
        auto pending_take = permits_.take(end);
        bool const is_permitted = co_await std::move(pending_take);
        if (!is_permitted)
            co_return failure(failure_kind::unreachable, "all connections are in use");
        auto used = idle();
        if (!used) {
            auto pending_connect = connect((std::min)(end, now() + options_.connect_timeout()));
            auto made = co_await std::move(pending_connect);
            if (!made) {
                release(nullptr);
                co_return made.error();
            }
            used = std::move(*made);
        }
        auto pending = used->execute_safely(lost_, s, end);
        auto given = co_await std::move(pending);
        release(std::move(used));
        co_return given;
    }

    [[nodiscard]] std::unique_ptr<connection> idle() {
        std::lock_guard const lock(mutex_);
        while (!idle_.empty()) {
            auto last = std::move(idle_.back());
            idle_.pop_back();
            if (last->is_usable()) return last;
        }
        return nullptr;
    }

    /// @param used if it is empty or cannot be used, the idle ones, which have the same server, are
    /// closed
    void release(std::unique_ptr<connection> used) {
        {
            std::vector<std::unique_ptr<connection>> closed;
            std::lock_guard const lock(mutex_);
            if (used && used->is_usable()) {
                idle_.push_back(std::move(used));
            } else {
                closed.swap(idle_);
            }
        }
        permits_.give_back();
    }

    [[nodiscard]] task<detail::postgres::async_connected> connect(steady_time end) {
        bool is_silent = false;
        auto pending =
            detail::postgres::connect(executor_, *servers_, turn_.load(), end, is_silent);
        auto made = co_await std::move(pending);
        if (is_silent) ++turn_; // the next try starts with another server
        co_return made;
    }

    [[nodiscard]] static steady_time now() noexcept { return std::chrono::steady_clock::now(); }

    boost::asio::any_io_executor executor_;
    postgres_options options_;
    detail::postgres::tables tables_;
    result<void> checked_;
    result<detail::postgres::servers> servers_;
    detail::postgres::async_permits permits_;
    detail::postgres::lost_sessions lost_;
    std::atomic<bool> is_open_ = false;
    std::atomic<unsigned> turn_ = 0;
    std::mutex mutex_;
    std::vector<std::unique_ptr<connection>> idle_; // under the mutex
};

/// As `postgres_intent_log`, with functions that are awaited.
class async_postgres_intent_log {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// The log in this database, which must outlive it.
    explicit async_postgres_intent_log(async_postgres_database& db) noexcept : db_(db) {}

    [[nodiscard]] task<result<std::optional<intent>>> insert(intent const& i) {
        return db_.call(detail::postgres::insert_operation(db_.names(), i));
    }
    [[nodiscard]] task<result<void>> update(intent const& i) {
        return db_.call(detail::postgres::update_operation(db_.names(), i));
    }
    [[nodiscard]] task<result<void>> erase(intent const& i) {
        return db_.call(detail::postgres::erase_operation(db_.names(), i));
    }
    [[nodiscard]] task<result<std::vector<intent>>> list() {
        return db_.call(detail::postgres::list_intents_operation(db_.names()));
    }

private:
    async_postgres_database& db_;
};

/// As `postgres_sink`, with functions that are awaited.
class async_postgres_sink {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// The sink in this database, which must outlive it.
    explicit async_postgres_sink(async_postgres_database& db) noexcept : db_(db) {}

    [[nodiscard]] task<result<void>> prepare(intent const& i) {
        return db_.call(detail::postgres::prepare_operation(db_.names(), i));
    }
    [[nodiscard]] task<result<void>> store(intent const& i, issued_service_token const& token) {
        return db_.call(detail::postgres::store_operation(db_.names(), i, token));
    }
    [[nodiscard]] task<result<std::optional<held_token>>> find(std::string_view key) {
        return db_.call(detail::postgres::find_operation(db_.names(), key));
    }
    [[nodiscard]] task<result<void>> forget(std::string_view token_id) {
        return db_.call(detail::postgres::forget_operation(db_.names(), token_id));
    }
    [[nodiscard]] task<result<std::vector<held_token>>> list() {
        return db_.call(detail::postgres::list_held_operation(db_.names()));
    }
    /// The secret that is stored under the key, or nothing.
    [[nodiscard]] task<result<std::optional<secret>>> secret_of(std::string_view key) {
        return db_.call(detail::postgres::secret_of_operation(db_.names(), key));
    }

private:
    async_postgres_database& db_;
};

static_assert(intent_log<async_postgres_intent_log>);
static_assert(listable_sink<async_postgres_sink>);

} // namespace cloudflare::inline v0::access
