// Stores in PostgreSQL, each with a database of its own, as the kits and the faults use them.
#pragma once

#include <cloudflare/access/postgres_async_store.hpp>
#include <cloudflare/access/postgres_store.hpp>
#include <cloudflare/testing/log_conformance.hpp>
#include <cloudflare/testing/sink_conformance.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace postgres_world {

namespace asio = boost::asio;
using namespace cloudflare;

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
    result<std::optional<secret>> secret_of(std::string_view key) { return sink_.secret_of(key); }
    result<std::vector<access::held_token>> list() { return sink_.list(); }
    std::optional<result<std::vector<access::held_token>>> listed() override { return list(); }

private:
    access::postgres_database db_;
    access::postgres_sink sink_{db_};
};

/// An event loop on two threads.
class loop {
public:
    ~loop() {
        work_.reset();
        for (auto& t : threads_)
            t.join();
    }
    asio::any_io_executor executor() { return context_.get_executor(); }
    template <class T>
    T run(asio::awaitable<T> task) {
        return asio::co_spawn(context_, std::move(task), asio::use_future).get();
    }

private:
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::thread threads_[2] = {std::thread([this] { context_.run(); }),
                               std::thread([this] { context_.run(); })};
};

class log_on_loop final : public testing::log_under_test {
public:
    explicit log_on_loop(access::postgres_options const& o) : db_(loop_.executor(), o) {}
    result<std::optional<access::intent>> insert(access::intent const& i) override {
        return loop_.run(log_.insert(i));
    }
    result<void> update(access::intent const& i) override { return loop_.run(log_.update(i)); }
    result<void> erase(access::intent const& i) override { return loop_.run(log_.erase(i)); }
    result<std::vector<access::intent>> list() override { return loop_.run(log_.list()); }

private:
    loop loop_;
    access::async_postgres_database db_;
    access::async_postgres_intent_log log_{db_};
};

class sink_on_loop final : public testing::sink_under_test {
public:
    explicit sink_on_loop(access::postgres_options const& o) : db_(loop_.executor(), o) {}
    result<void> prepare(access::intent const& i) override { return loop_.run(sink_.prepare(i)); }
    result<void> store(access::intent const& i,
                       access::issued_service_token const& token) override {
        return loop_.run(sink_.store(i, token));
    }
    result<std::optional<access::held_token>> find(std::string_view key) override {
        return loop_.run(sink_.find(key));
    }
    result<void> forget(std::string_view token_id) override {
        return loop_.run(sink_.forget(token_id));
    }
    result<std::optional<secret>> secret_of(std::string_view key) {
        return loop_.run(sink_.secret_of(key));
    }
    result<std::vector<access::held_token>> list() { return loop_.run(sink_.list()); }
    std::optional<result<std::vector<access::held_token>>> listed() override { return list(); }

private:
    loop loop_;
    access::async_postgres_database db_;
    access::async_postgres_sink sink_{db_};
};

/// Both kinds, for tests of each.
struct blocking_kind {
    using log = log_with_database;
    using sink = sink_with_database;
};
struct async_kind {
    using log = log_on_loop;
    using sink = sink_on_loop;
};

} // namespace postgres_world
