/// The connections of a transport, shared by its calls.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/beast_options.hpp>
#include <cloudflare/transport/detail/beast/connection.hpp>
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

/// Gives out leases of connections. Who finds none waits in a queue.
///
/// For any thread. What is closed is closed when the lock has been released: that takes system
/// calls.
class pool {
    struct waiter;
    using book = connection_book<connection_ptr, waiter>;
    using connections = std::vector<connection_ptr>;

    /// An origin in the book, and what a new TLS connection to it may resume.
    struct host {
        book::host* entry;
        ticket latest_ticket{};
    };
    struct state {
        explicit state(connection_limits limits) : book(limits) {}
        pool::book book;
        std::list<host> hosts{}; ///< leases point into it
        bool is_shut_down = false;

        [[nodiscard]] host& find(http::origin const& where) {
            auto& entry = book.find(where);
            for (auto& h : hosts)
                if (h.entry == &entry) return h;
            return hosts.emplace_back(host{&entry});
        }
    };

public:
    /// The right to a connection, perhaps with an idle one in it. Its end closes the connection,
    /// unless that was given back before.
    class lease {
    public:
        /// None.
        lease() noexcept = default;
        lease(pool& owner, host& where, connection_ptr idle) noexcept
            : connection(std::move(idle)), owner_(&owner), host_(&where) {}
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
            connection.reset();
            if (owner_ != nullptr) owner_->take_back(*host_, nullptr);
        }

        [[nodiscard]] explicit operator bool() const noexcept { return owner_ != nullptr; }

        /// Closes the connection in it, and those that come in its place, while something lies
        /// unread on them. To be called just before a request is sent.
        void drop_stale(boot_clock::duration max_idle) {
            while (connection && connection->is_stale())
                connection = owner_->exchange(*host_, max_idle, std::move(connection));
        }
        /// Keeps the connection for the next request to its origin.
        void give_back() {
            std::exchange(owner_, nullptr)->take_back(*host_, std::move(connection));
        }
        /// What a new TLS connection may resume, or null.
        [[nodiscard]] ticket find_ticket() const { return owner_->find_ticket(*host_); }

        connection_ptr connection;

    private:
        pool* owner_ = nullptr;
        host* host_ = nullptr;
    };

    explicit pool(beast_options const& options)
        : idle_timeout_(options.idle_timeout()),
          state_(connection_limits{options.max_connections_per_host(), options.max_connections(),
                                   options.max_idle_connections()}) {}

    /// A lease for a request to `where`, or none where all are taken or the pool is shut down.
    ///
    /// @param max_idle how long a connection in it may have been idle
    [[nodiscard]] lease try_take(http::origin const& where, boot_clock::duration max_idle) {
        connections closing;
        auto const s = state_.lock();
        if (s->is_shut_down) return {};
        auto const now = boot_clock::now();
        s->book.close_older(now, idle_timeout_, closing);
        return take(*s, s->find(where), now, max_idle, closing);
    }

    /// A lease for a request to `where`, when there is one; or `errc::deadline_exceeded` or
    /// `errc::cancelled`.
    [[nodiscard]] asio::awaitable<result<lease>> take_by(asio::any_io_executor const& executor,
                                                         http::origin const& where,
                                                         boot_clock::duration max_idle,
                                                         time_point deadline);

    void close_idle() {
        connections closing;
        auto const s = state_.lock();
        s->book.close_all_idle(closing);
        serve_waiters(*s, closing);
    }

    /// Closes the idle connections, now and from now on, and dismisses those who wait.
    void shut_down();

private:
    void take_back(host& h, connection_ptr kept);
    [[nodiscard]] connection_ptr exchange(host& h, boot_clock::duration max_idle,
                                          connection_ptr stale);
    [[nodiscard]] ticket find_ticket(host const& h);

    void enqueue(waiter& w, time_point deadline);
    void leave(waiter& w) noexcept;
    [[nodiscard]] bool is_waiting(waiter const& w);
    [[nodiscard]] auto wait(waiter& w);

    [[nodiscard]] lease take(state& s, host& h, boot_clock::time_point now,
                             boot_clock::duration max_idle, connections& closing) {
        auto taken = s.book.take(*h.entry, now, max_idle, closing);
        if (!taken) return {};
        return lease(*this, h, *taken ? std::move(**taken) : nullptr);
    }
    void serve_waiters(state& s, connections& closing);

    boot_clock::duration idle_timeout_;
    guarded<state> state_;
};

/// Leaves the queue when it dies at the latest: its coroutine may never be resumed.
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
    asio::steady_timer timer; ///< used under the pool's lock only, for two threads may meet there
    host* where = nullptr;
    std::optional<book::position> position{}; ///< in the queue
    lease given{};
    bool is_dismissed = false;
};

inline void pool::shut_down() {
    connections closing;
    auto const s = state_.lock();
    s->is_shut_down = true;
    s->book.close_all_idle(closing);
    s->book.dismiss_all([](waiter& w) {
        w.position.reset();
        w.is_dismissed = true;
        w.wake();
    });
}

/// Takes a place back, with the connection in it where that is to be kept.
inline void pool::take_back(host& h, connection_ptr kept) {
    connections closing;
    auto const s = state_.lock();
    if (kept && kept->tls && !std::exchange(kept->has_given_ticket, true))
        if (auto made = kept->tls->make_ticket()) h.latest_ticket = std::move(made);
    if (kept && !s->is_shut_down) {
        s->book.keep(*h.entry, std::move(kept), boot_clock::now(), closing);
    } else {
        if (kept) closing.push_back(std::move(kept));
        s->book.free_place(*h.entry);
    }
    serve_waiters(*s, closing);
}

/// Another idle connection in place of one that is no good, which is closed; or none.
inline connection_ptr pool::exchange(host& h, boot_clock::duration max_idle, connection_ptr stale) {
    connections closing;
    closing.push_back(std::move(stale));
    auto const s = state_.lock();
    auto other = s->book.exchange(*h.entry, boot_clock::now(), max_idle);
    if (!other) return nullptr;
    serve_waiters(*s, closing);
    return std::move(*other);
}

inline ticket pool::find_ticket(host const& h) {
    auto const s = state_.lock();
    if (h.latest_ticket) SSL_SESSION_up_ref(h.latest_ticket.get());
    return ticket(h.latest_ticket.get());
}

/// Gives places to those who wait, the longest waiting first.
inline void pool::serve_waiters(state& s, connections& closing) {
    while (auto* const w = s.book.next_to_serve()) {
        w->given = take(s, *w->where, boot_clock::now(), w->max_idle, closing);
        s.book.leave(*w->where->entry, *std::exchange(w->position, std::nullopt));
        w->wake();
    }
}

inline void pool::enqueue(waiter& w, time_point deadline) {
    connections closing;
    auto const s = state_.lock();
    w.timer.expires_at(deadline);
    w.is_dismissed = s->is_shut_down;
    if (w.is_dismissed) return;
    w.where = &s->find(w.origin);
    w.position = s->book.enqueue(*w.where->entry, w);
    serve_waiters(*s, closing);
}
inline void pool::leave(waiter& w) noexcept {
    auto const s = state_.lock();
    if (w.position) s->book.leave(*w.where->entry, *std::exchange(w.position, std::nullopt));
}
inline bool pool::is_waiting(waiter const& w) {
    auto const s = state_.lock();
    return !w.given && !w.is_dismissed;
}
/// Ends with the waiter's timer, which whoever serves it cancels.
inline auto pool::wait(waiter& w) {
    return asio::async_initiate<decltype(as_result) const, void(boost::system::error_code)>(
        [this, &w](auto handler) {
            auto const s = state_.lock();
            if (w.given || w.is_dismissed) w.timer.expires_at((time_point::min)());
            w.timer.async_wait(std::move(handler));
        },
        as_result);
}

inline asio::awaitable<result<pool::lease>> pool::take_by(asio::any_io_executor const& executor,
                                                          http::origin const& where,
                                                          boot_clock::duration max_idle,
                                                          time_point deadline) {
    auto const cancellation = co_await asio::this_coro::cancellation_state;
    waiter self(*this, executor, where, max_idle);
    enqueue(self, deadline);
    while (is_waiting(self) && !is_cancelled(cancellation) && time_point::clock::now() < deadline) {
        auto waiting = wait(self);
        co_await std::move(waiting);
    }
    leave(self); // nobody gives it anything any more
    if (is_cancelled(cancellation)) co_return failure(errc::cancelled, false);
    if (self.given) co_return std::move(self.given);
    co_return failure(self.is_dismissed ? errc::cancelled : errc::deadline_exceeded, false);
}

} // namespace cloudflare::inline v0::detail::beast
