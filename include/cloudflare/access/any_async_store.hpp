/// A sink and a log of any type, for programs with Boost.Asio that choose their store at run time.
#pragma once

#include <cloudflare/access/held_secret.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::access {

/// Any sink whose functions are awaited: a `listable_sink` that also has `read`, as `sealed_sink`
/// has.
///
///     any_async_sink sink(offloaded_sink<sealed_sink<directory_sink>>(disk.get_executor(), sealed));
///
/// Threads, cancellation, errors: as those of the sink.
class any_async_sink {
public:
    /// What its functions give.
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// @param sink kept in it; what it refers to must outlive this
    template <class Sink>
    explicit any_async_sink(Sink sink) : sink_(std::make_unique<model<Sink>>(std::move(sink))) {}

    [[nodiscard]] task<result<void>> prepare(intent const& i) { return sink_->prepare(i); }
    [[nodiscard]] task<result<void>> store(intent const& i, issued_service_token const& token) {
        return sink_->store(i, token);
    }
    [[nodiscard]] task<result<std::optional<held_token>>> find(std::string_view key) {
        return sink_->find(key);
    }
    /// Removes the secret of the token.
    [[nodiscard]] task<result<void>> forget(std::string_view id) { return sink_->forget(id); }
    [[nodiscard]] task<result<std::vector<held_token>>> list() { return sink_->list(); }
    /// What is held under the key, with its secret, or nothing.
    [[nodiscard]] task<result<std::optional<held_secret>>> read(std::string_view key) {
        return sink_->read(key);
    }

private:
    struct base {
        virtual ~base() = default;
        virtual task<result<void>> prepare(intent const&) = 0;
        virtual task<result<void>> store(intent const&, issued_service_token const&) = 0;
        virtual task<result<std::optional<held_token>>> find(std::string_view) = 0;
        virtual task<result<void>> forget(std::string_view) = 0;
        virtual task<result<std::vector<held_token>>> list() = 0;
        virtual task<result<std::optional<held_secret>>> read(std::string_view) = 0;
    };
    template <class Sink>
    struct model final : base {
        explicit model(Sink s) : sink(std::move(s)) {}
        task<result<void>> prepare(intent const& i) override { return sink.prepare(i); }
        task<result<void>> store(intent const& i, issued_service_token const& t) override {
            return sink.store(i, t);
        }
        task<result<std::optional<held_token>>> find(std::string_view key) override {
            return sink.find(key);
        }
        task<result<void>> forget(std::string_view id) override { return sink.forget(id); }
        task<result<std::vector<held_token>>> list() override { return sink.list(); }
        task<result<std::optional<held_secret>>> read(std::string_view key) override {
            return sink.read(key);
        }
        Sink sink;
    };

    std::unique_ptr<base> sink_;
};

/// Any log whose functions are awaited.
class any_async_log {
public:
    /// What its functions give.
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// @param log kept in it; what it refers to must outlive this
    template <class Log>
    explicit any_async_log(Log log) : log_(std::make_unique<model<Log>>(std::move(log))) {}

    [[nodiscard]] task<result<std::optional<intent>>> insert(intent const& i) {
        return log_->insert(i);
    }
    [[nodiscard]] task<result<void>> update(intent const& i) { return log_->update(i); }
    [[nodiscard]] task<result<void>> erase(intent const& i) { return log_->erase(i); }
    [[nodiscard]] task<result<std::vector<intent>>> list() { return log_->list(); }

private:
    struct base {
        virtual ~base() = default;
        virtual task<result<std::optional<intent>>> insert(intent const&) = 0;
        virtual task<result<void>> update(intent const&) = 0;
        virtual task<result<void>> erase(intent const&) = 0;
        virtual task<result<std::vector<intent>>> list() = 0;
    };
    template <class Log>
    struct model final : base {
        explicit model(Log l) : log(std::move(l)) {}
        task<result<std::optional<intent>>> insert(intent const& i) override {
            return log.insert(i);
        }
        task<result<void>> update(intent const& i) override { return log.update(i); }
        task<result<void>> erase(intent const& i) override { return log.erase(i); }
        task<result<std::vector<intent>>> list() override { return log.list(); }
        Log log;
    };

    std::unique_ptr<base> log_;
};

static_assert(listable_sink<any_async_sink>);
static_assert(intent_log<any_async_log>);

} // namespace cloudflare::inline v0::access
