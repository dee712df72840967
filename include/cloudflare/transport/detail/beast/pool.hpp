/// The connections of a transport, shared by its calls.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/detail/beast/connection.hpp>
#include <cloudflare/transport/detail/beast/connection_reporter.hpp>
#include <cloudflare/transport/detail/connection_book.hpp>
#include <cloudflare/transport/detail/guarded.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail::beast {

/// Leases connections to calls. Calls wait in a queue where all connections are in use.
///
/// Thread-safe. Connections are closed after the lock has been released, because closing takes
/// system calls, and the user's hook may call the transport.
class pool {
    struct waiter;
    using book = connection_book<connection_ptr, waiter>;

    /// Closes and reports its connections in the destructor. To be made before the lock is taken.
    class closing_list {
    public:
        explicit closing_list(pool const& owner) noexcept : reporter_(owner.reporter_) {}
        closing_list(closing_list const&) = delete;
        closing_list& operator=(closing_list const&) = delete;
        ~closing_list() {
            for (auto& c : list) {
                auto const event = reporter_.closing(*c.connection, c.why);
                c.connection.reset();
                reporter_.report(event);
            }
        }

        std::vector<book::retired> list{};

    private:
        connection_reporter const& reporter_;
    };

    /// An origin in the book, and the TLS session that a new connection to it may resume.
    struct host {
        book::host* entry;
        session_ticket latest_ticket{};
    };
    struct state {
        explicit state(connection_limits limits) : book(limits) {}
        pool::book book;
        std::list<host> hosts{}; ///< leases point into it
        bool is_shut_down = false;

        [[nodiscard]] host& find(http::origin const& origin) {
            auto& entry = book.find(origin);
            for (auto& h : hosts)
                if (h.entry == &entry) return h;
            return hosts.emplace_back(host{&entry});
        }
    };

public:
    /// The right to a connection, perhaps with an idle one in it. Its destructor closes the
    /// connection unless it was released before.
    class lease {
    public:
        /// Empty.
        lease() noexcept = default;
        lease(pool& owner, host& h, connection_ptr idle) noexcept
            : connection(std::move(idle)), owner_(&owner), host_(&h) {}
        lease(lease&& other) noexcept
            : connection(std::move(other.connection)),
              owner_(std::exchange(other.owner_, nullptr)),
              host_(other.host_) {}
        lease& operator=(lease&& other) noexcept {
            std::swap(connection, other.connection);
            std::swap(owner_, other.owner_);
            std::swap(host_, other.host_);
            return *this;
        }
        ~lease() {
            if (owner_ != nullptr) close(close_reason::none);
        }

        [[nodiscard]] explicit operator bool() const noexcept { return owner_ != nullptr; }

        /// Replaces a connection that must not be used (see `connection`) by another idle one, or
        /// by none. To be called just before a request is sent.
        void drop_stale(boot_clock::duration max_idle) {
            while (connection && connection->is_stale())
                connection = owner_->exchange(*host_, max_idle, std::move(connection));
        }
        /// Returns the connection to the pool for the next request to its origin.
        void release() { std::exchange(owner_, nullptr)->free_slot(*host_, std::move(connection)); }
        /// Closes the connection, if there is one.
        ///
        /// @param why for the event; `none`: see `connection_reporter::closing`
        /// @param failure for the event
        void close(close_reason why, error const* failure = nullptr) {
            std::exchange(owner_, nullptr)->close(*host_, std::move(connection), why, failure);
        }
        /// The TLS session that a new connection may resume, or null.
        [[nodiscard]] session_ticket find_ticket() const { return owner_->find_ticket(*host_); }

        connection_ptr connection;

    private:
        pool* owner_ = nullptr;
        host* host_ = nullptr;
    };

    explicit pool(beast_options const& options)
        : idle_timeout_(options.idle_timeout()),
          reporter_(options.connection_trace()),
          state_(connection_limits{options.max_connections_per_host(), options.max_connections(),
                                   options.max_idle_connections()}) {}

    pool(pool const&) = delete;
    pool& operator=(pool const&) = delete;
    ~pool() {
        if (!reporter_.has_hook()) return; // a forked child may find the lock taken
        closing_list closing(*this);
        state_.lock()->book.close_all_idle(close_reason::destroyed, closing.list);
    }

    [[nodiscard]] connection_reporter const& reporter() const noexcept { return reporter_; }
    [[nodiscard]] connection_counts counts() { return state_.lock()->book.counts(); }

    /// A lease for a request to `origin`; empty where all are in use or the pool is shut down.
    ///
    /// @param max_idle how long a connection in it may have been idle
    [[nodiscard]] lease try_acquire(http::origin const& origin, boot_clock::duration max_idle) {
        closing_list closing(*this);
        auto const s = state_.lock();
        if (s->is_shut_down) return {};
        auto const now = boot_clock::now();
        s->book.close_older(now, idle_timeout_, closing.list);
        return take(*s, s->find(origin), now, max_idle, closing);
    }

    /// Waits for a lease for a request to `origin`. Ends with `errc::deadline_exceeded` or
    /// `errc::cancelled` if there is none in time.
    [[nodiscard]] asio::awaitable<result<lease>>
    async_acquire(asio::any_io_executor const& executor, http::origin const& origin,
                  boot_clock::duration max_idle, time_point deadline);

    void close_idle() {
        closing_list closing(*this);
        auto const s = state_.lock();
        s->book.close_all_idle(close_reason::close_idle, closing.list);
        serve_waiters(*s, closing);
    }

    /// Closes the idle connections, closes others as soon as they become idle, and rejects the
    /// waiters.
    void shutdown();

private:
    void free_slot(host& h, connection_ptr kept);
    void close(host& h, connection_ptr c, close_reason why, error const* failure);
    [[nodiscard]] connection_ptr exchange(host& h, boot_clock::duration max_idle,
                                          connection_ptr stale);
    [[nodiscard]] session_ticket find_ticket(host const& h);

    void enqueue(waiter& w, time_point deadline);
    void leave(waiter& w) noexcept;
    [[nodiscard]] bool is_waiting(waiter const& w);
    [[nodiscard]] auto wait(waiter& w);

    [[nodiscard]] lease take(state& s, host& h, boot_clock::time_point now,
                             boot_clock::duration max_idle, closing_list& closing) {
        auto taken = s.book.take(*h.entry, now, max_idle, closing.list);
        if (!taken) return {};
        return lease(*this, h, *taken ? std::move(**taken) : nullptr);
    }
    void serve_waiters(state& s, closing_list& closing);

    boot_clock::duration idle_timeout_;
    connection_reporter reporter_;
    guarded<state> state_;
};

/// A call in the queue. Its destructor leaves the queue, because its coroutine may be destroyed
/// while it waits.
struct pool::waiter {
    waiter(pool& p, asio::any_io_executor const& executor, http::origin const& o,
           boot_clock::duration idle)
        : owner(p), origin(o), max_idle(idle), timer(executor) {}
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    ~waiter() { owner.leave(*this); }

    void wake() noexcept { timer.cancel(); }

    pool& owner;
    http::origin const& origin;
    boot_clock::duration max_idle;
    asio::steady_timer timer; ///< used under the pool's lock only, because several threads use it
    host* target = nullptr;
    std::optional<book::position> position{}; ///< in the queue
    lease given{};
    bool is_dismissed = false;
};

inline void pool::shutdown() {
    closing_list closing(*this);
    auto const s = state_.lock();
    s->is_shut_down = true;
    s->book.close_all_idle(close_reason::shutdown, closing.list);
    s->book.dismiss_all([](waiter& w) {
        w.position.reset();
        w.is_dismissed = true;
        w.wake();
    });
}

/// Frees a slot, and keeps its connection if it has one.
inline void pool::free_slot(host& h, connection_ptr kept) {
    closing_list closing(*this);
    auto const s = state_.lock();
    if (kept && kept->tls && !std::exchange(kept->has_given_ticket, true))
        if (auto made = kept->tls->make_ticket()) h.latest_ticket = std::move(made);
    if (kept && !s->is_shut_down) {
        s->book.keep(*h.entry, std::move(kept), boot_clock::now(), closing.list);
    } else {
        if (kept) closing.list.push_back({std::move(kept), close_reason::shutdown});
        s->book.free_slot(*h.entry);
    }
    serve_waiters(*s, closing);
}

/// Closes a connection, and frees its slot.
inline void pool::close(host& h, connection_ptr c, close_reason why, error const* failure) {
    auto const event = c ? reporter_.closing(*c, why, failure) : std::nullopt;
    c.reset();
    free_slot(h, nullptr);
    reporter_.report(event);
}

/// Closes a stale connection, and returns another idle one if there is one.
inline connection_ptr pool::exchange(host& h, boot_clock::duration max_idle, connection_ptr stale) {
    closing_list closing(*this);
    closing.list.push_back({std::move(stale), close_reason::stale});
    auto const s = state_.lock();
    auto other = s->book.exchange(*h.entry, boot_clock::now(), max_idle);
    if (!other) return nullptr;
    serve_waiters(*s, closing);
    return std::move(*other);
}

inline session_ticket pool::find_ticket(host const& h) {
    auto const s = state_.lock();
    if (h.latest_ticket) SSL_SESSION_up_ref(h.latest_ticket.get());
    return session_ticket(h.latest_ticket.get());
}

/// Gives slots to the waiters, the longest waiting first.
inline void pool::serve_waiters(state& s, closing_list& closing) {
    while (auto* const w = s.book.next_to_serve()) {
        w->given = take(s, *w->target, boot_clock::now(), w->max_idle, closing);
        s.book.leave(*w->target->entry, *std::exchange(w->position, std::nullopt));
        w->wake();
    }
}

inline void pool::enqueue(waiter& w, time_point deadline) {
    closing_list closing(*this);
    auto const s = state_.lock();
    w.timer.expires_at(deadline);
    w.is_dismissed = s->is_shut_down;
    if (w.is_dismissed) return;
    w.target = &s->find(w.origin);
    w.position = s->book.enqueue(*w.target->entry, w);
    serve_waiters(*s, closing);
}
inline void pool::leave(waiter& w) noexcept {
    auto const s = state_.lock();
    if (w.position) s->book.leave(*w.target->entry, *std::exchange(w.position, std::nullopt));
}
inline bool pool::is_waiting(waiter const& w) {
    auto const s = state_.lock();
    return !w.given && !w.is_dismissed;
}
/// Ends with the waiter's timer, which whoever serves it cancels.
inline auto pool::wait(waiter& w) {
    return asio::async_initiate<decltype(nothrow) const, void(boost::system::error_code)>(
        [this, &w](auto handler) {
            auto const s = state_.lock();
            if (w.given || w.is_dismissed) w.timer.expires_at((time_point::min)());
            w.timer.async_wait(std::move(handler));
        },
        nothrow);
}

inline asio::awaitable<result<pool::lease>>
pool::async_acquire(asio::any_io_executor const& executor, http::origin const& origin,
                    boot_clock::duration max_idle, time_point deadline) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    waiter self(*this, executor, origin, max_idle);
    enqueue(self, deadline);
    while (is_waiting(self) && !is_cancelled(cancellation) && time_point::clock::now() < deadline) {
        auto pending = wait(self);
        co_await std::move(pending);
    }
    leave(self); // it gets no lease from now on
    if (is_cancelled(cancellation)) co_return failure(errc::cancelled, false);
    if (self.given) co_return std::move(self.given);
    co_return failure(self.is_dismissed ? errc::cancelled : errc::deadline_exceeded, false);
}

} // namespace cloudflare::inline v0::detail::beast
