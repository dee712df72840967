/// Stores that block, for programs that must not: their functions run on another executor.
#pragma once

#include <cloudflare/access/detail/uncancelled.hpp>
#include <cloudflare/access/held_secret.hpp>
#include <cloudflare/access/intent_log.hpp>
#include <cloudflare/access/secret_sink.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflare::inline v0 {

namespace detail {

template <class Function>
auto call_there(Function f) -> boost::asio::awaitable<decltype(f())> {
    co_return f();
}

} // namespace detail

/// Calls `f`, which blocks, on `elsewhere`, and returns its result. Once it has begun it is not
/// cancelled. What `f` refers to must live until then.
template <class Function>
auto offload(boost::asio::any_io_executor elsewhere, Function f) {
    return access::detail::uncancelled(std::move(elsewhere), detail::call_there(std::move(f)));
}

/// Makes a sink whose functions are awaited from one whose functions block: they run on another
/// executor, such as a `boost::asio::thread_pool`'s.
///
///     boost::asio::thread_pool disk(1);
///     access::directory_sink blocking(path);
///     offloaded_sink sink(disk.get_executor(), blocking);
///
/// Threads: if the executor has several, the sink must allow several, or the executor be a strand.
/// Cancellation: a call that has begun goes on to its end.
template <access::secret_sink Sink>
class offloaded_sink {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// @param elsewhere must outlive every call under way
    /// @param sink the same
    offloaded_sink(boost::asio::any_io_executor elsewhere, Sink& sink)
        : elsewhere_(std::move(elsewhere)), sink_(sink) {}

    [[nodiscard]] task<result<void>> prepare(access::intent const& i) {
        auto const call = [this, &i] { return sink_.prepare(i); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<void>> store(access::intent const& i,
                                           access::issued_service_token const& token) {
        auto const call = [this, &i, &token] { return sink_.store(i, token); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<std::optional<access::held_token>>> find(std::string_view key) {
        auto const call = [this, key] { return sink_.find(key); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<void>> forget(std::string_view token_id) {
        auto const call = [this, token_id] { return sink_.forget(token_id); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<std::vector<access::held_token>>> list()
        requires access::listable_sink<Sink>
    {
        auto const call = [this] { return sink_.list(); };
        return offload(elsewhere_, call);
    }
    /// As `sealed_sink` has it.
    [[nodiscard]] task<result<std::optional<access::held_secret>>> read(std::string_view key)
        requires requires(Sink& s) { s.read(key); }
    {
        auto const call = [this, key] { return sink_.read(key); };
        return offload(elsewhere_, call);
    }

private:
    boost::asio::any_io_executor elsewhere_;
    Sink& sink_;
};

/// The same for a log.
template <access::intent_log Log>
class offloaded_log {
public:
    template <class T>
    using task = boost::asio::awaitable<T>;

    /// @param elsewhere must outlive every call under way
    /// @param log the same
    offloaded_log(boost::asio::any_io_executor elsewhere, Log& log)
        : elsewhere_(std::move(elsewhere)), log_(log) {}

    [[nodiscard]] task<result<std::optional<access::intent>>> insert(access::intent const& i) {
        auto const call = [this, &i] { return log_.insert(i); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<void>> update(access::intent const& i) {
        auto const call = [this, &i] { return log_.update(i); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<void>> erase(access::intent const& i) {
        auto const call = [this, &i] { return log_.erase(i); };
        return offload(elsewhere_, call);
    }
    [[nodiscard]] task<result<std::vector<access::intent>>> list() {
        auto const call = [this] { return log_.list(); };
        return offload(elsewhere_, call);
    }

private:
    boost::asio::any_io_executor elsewhere_;
    Log& log_;
};

static_assert(access::listable_sink<offloaded_sink<access::memory_sink>>);
static_assert(access::intent_log<offloaded_log<access::memory_intent_log>>);

} // namespace cloudflare::inline v0
