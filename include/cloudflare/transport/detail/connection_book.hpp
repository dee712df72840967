/// Who may have a connection, which one, and who waits: the decisions of a pool, without a socket.
#pragma once

#include <cloudflare/http/origin.hpp>
#include <cloudflare/transport/detail/boot_clock.hpp>
#include <cloudflare/transport/detail/idle_list.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <utility>
#include <vector>

namespace cloudflare::inline v0::detail {

/// What bounds a `connection_book`.
struct connection_limits {
    std::size_t per_host;      ///< connections to one origin, idle ones included
    std::size_t total;         ///< connections in all
    std::size_t idle_per_host; ///< idle connections to one origin
};

/// Keeps account of connections and of those who wait for one. Not safe by itself for several
/// threads.
///
/// A place is the right to one connection. Serving a waiter takes a time that grows with the number
/// of origins and not with the number of waiters.
///
/// @tparam Connection movable; what is closed is given to the caller, in `closing`
/// @tparam Waiter whoever waits, told by its address
template <class Connection, class Waiter>
class connection_book {
public:
    using time_point = boot_clock::time_point;
    using duration = boot_clock::duration;

    /// An origin. Stays where it is while the book lives.
    class host {
    public:
        explicit host(http::origin o) : origin_(std::move(o)) {}
        [[nodiscard]] http::origin const& origin() const noexcept { return origin_; }
        [[nodiscard]] std::size_t open() const noexcept { return open_; }
        [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }

    private:
        friend class connection_book;
        struct queued {
            std::uint64_t number; ///< in the order of coming, over all hosts
            Waiter* waiter;
        };
        http::origin origin_;
        idle_list<Connection> idle_;
        std::size_t open_ = 0; ///< places given out, and idle connections
        std::list<queued> waiting_;
    };
    using position = typename std::list<typename host::queued>::iterator;

    explicit connection_book(connection_limits limits) noexcept : limits_(limits) {}

    [[nodiscard]] host& find(http::origin const& where) {
        auto const found = std::find_if(hosts_.begin(), hosts_.end(),
                                        [&](host const& h) { return h.origin_ == where; });
        return found != hosts_.end() ? *found : hosts_.emplace_back(where);
    }

    /// A place, with an idle connection or with none yet; nothing where all places are taken.
    ///
    /// @param max_age how long the connection may have been idle
    /// @param closing where an idle connection goes that has to make way
    [[nodiscard]] std::optional<std::optional<Connection>>
    take(host& h, time_point now, duration max_age, std::vector<Connection>& closing) {
        if (auto idle = h.idle_.take_newest(now, max_age)) return idle;
        if (h.open_ >= limits_.per_host && !h.idle_.empty()) close_oldest(h, closing);
        if (open_ >= limits_.total) close_oldest_of_all(closing);
        if (h.open_ >= limits_.per_host || open_ >= limits_.total) return std::nullopt;
        ++h.open_;
        ++open_;
        return std::optional<Connection>();
    }
    /// An idle connection for one who has a place already; the place that was the connection's
    /// becomes free.
    [[nodiscard]] std::optional<Connection> exchange(host& h, time_point now, duration max_age) {
        auto idle = h.idle_.take_newest(now, max_age);
        if (idle) free_places(h, 1);
        return idle;
    }
    /// Takes a place back.
    void free_place(host& h) noexcept { free_places(h, 1); }
    /// Takes a place back with its connection, which is kept where it may be.
    void keep(host& h, Connection c, time_point now, std::vector<Connection>& closing) {
        if (limits_.idle_per_host == 0) {
            closing.push_back(std::move(c));
            return free_places(h, 1);
        }
        if (h.idle_.size() >= limits_.idle_per_host) close_oldest(h, closing);
        h.idle_.push(std::move(c), now);
    }

    /// Takes out the connections that have been idle for longer than `max_age`.
    void close_older(time_point now, duration max_age, std::vector<Connection>& closing) {
        for (auto& h : hosts_) {
            if (h.idle_.empty() || now - h.idle_.oldest_since() <= max_age) continue;
            auto older = h.idle_.take_older(now, max_age);
            free_places(h, older.size());
            std::move(older.begin(), older.end(), std::back_inserter(closing));
        }
    }
    void close_all_idle(std::vector<Connection>& closing) {
        for (auto& h : hosts_)
            while (!h.idle_.empty())
                close_oldest(h, closing);
    }

    /// Puts `w` at the end of the queue.
    position enqueue(host& h, Waiter& w) {
        return h.waiting_.insert(h.waiting_.end(), {next_number_++, &w});
    }
    void leave(host& h, position p) noexcept { h.waiting_.erase(p); }

    /// Who waits longest of those for whom there is a place; null where there is none. It stays in
    /// the queue.
    [[nodiscard]] Waiter* next_to_serve() const noexcept {
        typename host::queued const* first = nullptr;
        for (auto const& h : hosts_)
            if (!h.waiting_.empty() && has_place(h) &&
                (first == nullptr || h.waiting_.front().number < first->number))
                first = &h.waiting_.front();
        return first != nullptr ? first->waiter : nullptr;
    }
    /// Empties the queue, and calls `f` with each who waited.
    template <class F>
    void dismiss_all(F f) {
        for (auto& h : hosts_)
            for (auto const& q : std::exchange(h.waiting_, {}))
                f(*q.waiter);
    }

private:
    [[nodiscard]] bool has_place(host const& h) const noexcept {
        if (!h.idle_.empty()) return true;
        bool const any_idle = std::any_of(hosts_.begin(), hosts_.end(),
                                          [](host const& other) { return !other.idle_.empty(); });
        return h.open_ < limits_.per_host && (open_ < limits_.total || any_idle);
    }
    void free_places(host& h, std::size_t count) noexcept {
        h.open_ -= count;
        open_ -= count;
    }
    void close_oldest(host& h, std::vector<Connection>& closing) {
        closing.push_back(h.idle_.take_oldest());
        free_places(h, 1);
    }
    void close_oldest_of_all(std::vector<Connection>& closing) {
        host* oldest = nullptr;
        for (auto& h : hosts_)
            if (!h.idle_.empty() &&
                (oldest == nullptr || h.idle_.oldest_since() < oldest->idle_.oldest_since()))
                oldest = &h;
        if (oldest != nullptr) close_oldest(*oldest, closing);
    }

    connection_limits limits_;
    std::list<host> hosts_;
    std::size_t open_ = 0;
    std::uint64_t next_number_ = 0;
};

} // namespace cloudflare::inline v0::detail
