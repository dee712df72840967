/// Which request gets which connection, and which waits: the decisions of a pool, without a socket.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/connection_event.hpp>
#include <cloudflare/transport/detail/boot_clock.hpp>
#include <cloudflare/transport/detail/idle_list.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail {

/// The limits of a `connection_book`.
struct connection_limits {
    std::size_t per_host;      ///< connections to one origin, idle ones included
    std::size_t total;         ///< connections in all
    std::size_t idle_per_host; ///< idle connections to one origin
};

/// Decides over connections and the waiters for them. Not thread-safe by itself.
///
/// A slot is the right to one connection. The time to serve a waiter grows with the number of
/// origins, not with the number of waiters.
///
/// @tparam Connection movable; connections to be closed are returned to the caller, in `closing`
/// @tparam Waiter identified by its address
template <class Connection, class Waiter>
class connection_book {
public:
    using time_point = boot_clock::time_point;
    using duration = boot_clock::duration;

    /// An origin. Its address is stable while the book lives.
    class host {
    public:
        explicit host(http::origin o) : origin_(std::move(o)) {}
        [[nodiscard]] http::origin const& origin() const noexcept { return origin_; }
        [[nodiscard]] std::size_t open() const noexcept { return open_; }
        [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }

    private:
        friend class connection_book;
        struct queued {
            std::uint64_t number; ///< in the order of arrival, over all hosts
            Waiter* waiter;
        };
        http::origin origin_;
        idle_list<Connection> idle_;
        std::size_t open_ = 0; ///< slots in use, and idle connections
        std::list<queued> waiting_;
    };
    /// A connection that the caller has to close, and why.
    struct retired {
        Connection connection;
        close_reason why;
    };
    using position = typename std::list<typename host::queued>::iterator;

    explicit connection_book(connection_limits limits) noexcept : limits_(limits) {}

    [[nodiscard]] host& find(http::origin const& origin) {
        auto const found = std::find_if(hosts_.begin(), hosts_.end(),
                                        [&](host const& h) { return h.origin_ == origin; });
        return found != hosts_.end() ? *found : hosts_.emplace_back(origin);
    }

    /// A slot, with an idle connection if there is one; empty where all slots are in use.
    ///
    /// @param max_age how long the connection may have been idle
    /// @param closing receives an idle connection that has to be closed to free its slot
    [[nodiscard]] std::optional<std::optional<Connection>>
    take(host& h, time_point now, duration max_age, std::vector<retired>& closing) {
        if (auto idle = h.idle_.take_newest(now, max_age)) return idle;
        if (h.open_ >= limits_.per_host && !h.idle_.empty())
            close_oldest(h, close_reason::displaced, closing);
        if (open_ >= limits_.total) close_oldest_of_all(closing);
        if (h.open_ >= limits_.per_host || open_ >= limits_.total) return std::nullopt;
        ++h.open_;
        ++open_;
        return std::optional<Connection>();
    }
    /// An idle connection for the owner of a slot; the connection's own slot becomes free.
    [[nodiscard]] std::optional<Connection> exchange(host& h, time_point now, duration max_age) {
        auto idle = h.idle_.take_newest(now, max_age);
        if (idle) free_slots(h, 1);
        return idle;
    }
    /// Frees a slot.
    void free_slot(host& h) noexcept { free_slots(h, 1); }
    /// Frees a slot, and keeps its connection where the limits allow.
    void keep(host& h, Connection c, time_point now, std::vector<retired>& closing) {
        if (limits_.idle_per_host == 0) {
            closing.push_back({std::move(c), close_reason::idle_limit});
            return free_slots(h, 1);
        }
        if (h.idle_.size() >= limits_.idle_per_host)
            close_oldest(h, close_reason::idle_limit, closing);
        h.idle_.push(std::move(c), now);
    }

    /// Removes the connections that have been idle for longer than `max_age`.
    void close_older(time_point now, duration max_age, std::vector<retired>& closing) {
        for (auto& h : hosts_) {
            if (h.idle_.empty() || now - h.idle_.oldest_since() <= max_age) continue;
            auto older = h.idle_.take_older(now, max_age);
            free_slots(h, older.size());
            for (auto& c : older)
                closing.push_back({std::move(c), close_reason::idle_timeout});
        }
    }
    void close_all_idle(close_reason why, std::vector<retired>& closing) {
        for (auto& h : hosts_)
            while (!h.idle_.empty())
                close_oldest(h, why, closing);
    }

    [[nodiscard]] connection_counts counts() const noexcept {
        connection_counts all;
        all.open = open_;
        for (auto const& h : hosts_) {
            all.idle += h.idle_.size();
            all.waiting += h.waiting_.size();
        }
        return all;
    }

    /// Puts `w` at the end of the queue.
    position enqueue(host& h, Waiter& w) {
        return h.waiting_.insert(h.waiting_.end(), {next_number_++, &w});
    }
    void leave(host& h, position p) noexcept { h.waiting_.erase(p); }

    /// The longest-waiting of the waiters for which there is a slot; null where there is none. It
    /// stays in the queue.
    [[nodiscard]] Waiter* next_to_serve() const noexcept {
        typename host::queued const* first = nullptr;
        for (auto const& h : hosts_)
            if (!h.waiting_.empty() && has_slot(h) &&
                (first == nullptr || h.waiting_.front().number < first->number))
                first = &h.waiting_.front();
        return first != nullptr ? first->waiter : nullptr;
    }
    /// Empties the queue, and calls `f` with each waiter.
    template <class F>
    void dismiss_all(F f) {
        for (auto& h : hosts_)
            for (auto const& q : std::exchange(h.waiting_, {}))
                f(*q.waiter);
    }

private:
    [[nodiscard]] bool has_slot(host const& h) const noexcept {
        if (!h.idle_.empty()) return true;
        bool const any_idle = std::any_of(hosts_.begin(), hosts_.end(),
                                          [](host const& other) { return !other.idle_.empty(); });
        return h.open_ < limits_.per_host && (open_ < limits_.total || any_idle);
    }
    void free_slots(host& h, std::size_t count) noexcept {
        h.open_ -= count;
        open_ -= count;
    }
    void close_oldest(host& h, close_reason why, std::vector<retired>& closing) {
        closing.push_back({h.idle_.take_oldest(), why});
        free_slots(h, 1);
    }
    void close_oldest_of_all(std::vector<retired>& closing) {
        host* oldest = nullptr;
        for (auto& h : hosts_)
            if (!h.idle_.empty() &&
                (oldest == nullptr || h.idle_.oldest_since() < oldest->idle_.oldest_since()))
                oldest = &h;
        if (oldest != nullptr) close_oldest(*oldest, close_reason::displaced, closing);
    }

    connection_limits limits_;
    std::list<host> hosts_;
    std::size_t open_ = 0;
    std::uint64_t next_number_ = 0;
};

} // namespace cloudflare::inline v0::detail
